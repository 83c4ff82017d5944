//! A wall clock that can be set ahead: for the engine, the functions that it runs, and this process.
//!
//! The process starts itself anew with a library preloaded (`clock/ahead.c`), and whatever it starts
//! from then on has the same clock. Time only ever goes forward.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// The file with the seconds by which clocks are ahead.
const FILE: &str = "LATTICE_TEST_AHEAD_FILE";
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clock/ahead.c");

/// The clock of this process and of all that it starts.
#[derive(Debug, Clone)]
pub struct Clock {
    file: PathBuf,
}

impl Clock {
    /// The clock, if this process was started with one.
    pub fn of_this_process() -> Option<Self> {
        let file = PathBuf::from(std::env::var_os(FILE)?);
        Some(Self { file })
    }

    /// Sets all clocks ahead by this many seconds more.
    pub fn pass(&self, seconds: i64) -> io::Result<()> {
        let mut bytes = [0; 8];
        // In place: whoever has mapped the file reads on.
        let file = OpenOptions::new().read(true).write(true).open(&self.file)?;
        file.read_exact_at(&mut bytes, 0)?;
        let ahead = i64::from_ne_bytes(bytes) + seconds;
        file.write_all_at(&ahead.to_ne_bytes(), 0)
    }
}

/// Starts this program anew, with these words, on a clock that can be set; how it ended.
pub fn start_anew(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<ExitStatus> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(std::env::current_exe()?);
    on_a_clock(&mut command, folder.path())?;
    command.args(words).status()
}

/// Has a program run on a clock that can be set; what it needs is put into the folder.
fn on_a_clock(command: &mut Command, folder: &Path) -> io::Result<Clock> {
    let library = folder.join("ahead.so");
    // A C compiler is there: Rust links with it.
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-o"]);
    compile.arg(&library).arg(SOURCE).arg("-ldl");
    if !compile.status()?.success() {
        return Err(io::Error::other("`cc` cannot compile `clock/ahead.c`"));
    }
    let file = folder.join("ahead");
    fs::write(&file, 0_i64.to_ne_bytes())?;
    command.env("LD_PRELOAD", library).env(FILE, &file);
    Ok(Clock { file })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_clock_of_a_program_that_runs_is_set_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        let script = "while read line; do date +%s; done";
        shell
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let clock = on_a_clock(&mut shell, folder.path()).unwrap();
        let mut shell = shell.spawn().unwrap();
        let mut ask = shell.stdin.take().unwrap();
        let mut said = BufReader::new(shell.stdout.take().unwrap());
        let mut ahead = || {
            ask.write_all(b"\n").unwrap();
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs();
            line.trim().parse::<i64>().unwrap() - i64::try_from(now).unwrap()
        };
        assert!((-2..=2).contains(&ahead()));
        clock.pass(3_600).unwrap();
        clock.pass(400).unwrap();
        assert!((3_998..=4_002).contains(&ahead()));
        drop(ask);
        shell.wait().unwrap();
    }
}
