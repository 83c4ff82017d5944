//! One `lattice` process: started, perhaps killed, and what it had said until then.

use crate::{KillError, io};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if it was killed.
    pub code: Option<i32>,
    /// From its start to its first line.
    pub first_line: Option<Duration>,
    /// The JSON lines it wrote; a last one that was cut off is left out.
    pub lines: Vec<Value>,
    /// What it said on standard error.
    pub said: String,
}

/// Where processes are started.
#[derive(Debug)]
pub struct Bench {
    binary: PathBuf,
    dir: PathBuf,
    base_url: String,
    count: u32,
}

/// A process that does not end by itself in this time hangs.
const HANG: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);

impl Bench {
    /// Processes of this binary, in this directory, that ask this model server.
    pub fn new(binary: PathBuf, dir: &Path, base_url: String) -> Self {
        Self {
            binary,
            dir: dir.to_owned(),
            base_url,
            count: 0,
        }
    }

    /// Starts `lattice` with these words and kills it after `kill_after`, if it still runs then.
    pub fn start(
        &mut self,
        words: &[&str],
        kill_after: Option<Duration>,
    ) -> Result<Ended, KillError> {
        self.count += 1;
        let out = self.dir.join(format!("out-{}.txt", self.count));
        let errors = self.dir.join(format!("err-{}.txt", self.count));
        let create = |path: &Path| File::create(path).map_err(io("no file for the output"));
        let mut command = lattice_served::command(&self.binary, &self.dir);
        command
            .args(words)
            .envs(models(&self.base_url))
            .stdout(create(&out)?)
            .stderr(create(&errors)?);
        let started = Instant::now();
        let mut child = command.spawn().map_err(io("lattice does not start"))?;
        let mut first_line = None;
        let status = loop {
            if first_line.is_none() && out.metadata().is_ok_and(|file| file.len() > 0) {
                first_line = Some(started.elapsed());
            }
            if let Some(status) = child.try_wait().map_err(io("no exit status"))? {
                break status;
            }
            if kill_after.is_some_and(|after| started.elapsed() >= after) {
                // SIGKILL: nothing is flushed, no handler runs.
                child.kill().map_err(io("cannot kill"))?;
                break child.wait().map_err(io("no exit status"))?;
            }
            if started.elapsed() > HANG {
                child.kill().map_err(io("cannot kill"))?;
                return Err(KillError::Wrong(format!("`{}` hangs", words.join(" "))));
            }
            std::thread::sleep(POLL);
        };
        let said = std::fs::read_to_string(&errors).unwrap_or_default();
        Ok(Ended {
            code: status.code(),
            first_line,
            lines: lines(&out)?,
            said,
        })
    }
}

/// The settings that make this server the model.
pub fn models(base_url: &str) -> [(&'static str, String); 3] {
    [
        ("LATTICE_PROVIDER", "openai-compatible".to_owned()),
        ("LATTICE_BASE_URL", base_url.to_owned()),
        ("LATTICE_MODEL_SMALL", "small-model".to_owned()),
    ]
}

fn lines(path: &Path) -> Result<Vec<Value>, KillError> {
    let text = std::fs::read(path).map_err(io("no output"))?;
    let text = String::from_utf8_lossy(&text);
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    Ok(whole
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}
