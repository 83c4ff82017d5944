//! One `lattice dev`: a process of its own, started, measured, killed or stopped.

use crate::error::{ServedError, io};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

/// Set for a process that a harness starts of its own binary: then that is `lattice` itself.
pub const ROLE: &str = "LATTICE_HARNESS_ROLE";

/// Its first line, up to the address.
const HELLO: &str = "Agent Lattice is at http://";
/// How long it may take to say where it is, and to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command that is `lattice` in this directory, with its data in `data` there, and without the
/// settings of whoever runs the harness.
pub fn command(binary: &Path, dir: &Path) -> Command {
    let mut command = Command::new(binary);
    let settings = std::env::vars_os().map(|(name, _)| name);
    for name in settings.filter(|name| name.to_string_lossy().starts_with("LATTICE_")) {
        command.env_remove(name);
    }
    command
        .current_dir(dir)
        .env(ROLE, "lattice")
        .env("LATTICE_DATA", "data")
        .env_remove("OPENAI_API_KEY")
        .stdin(Stdio::null());
    command
}

/// A port on 127.0.0.1 that nobody listens on at the moment.
pub fn free_port() -> Result<u16, ServedError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("no free port"))?;
    let address = listener.local_addr().map_err(io("no free port"))?;
    Ok(address.port())
}

/// How it is started.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program.
    pub binary: PathBuf,
    /// Where it works; its data directory is `data` in it.
    pub dir: PathBuf,
    /// Its port; 0 takes a free one.
    pub port: u16,
    /// Settings.
    pub env: Vec<(&'static str, String)>,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// The most memory that it ever had, in bytes (`VmHWM`).
    pub peak_bytes: u64,
    /// Processor time.
    pub cpu: Duration,
}

/// A `lattice dev` that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Served {
    child: Child,
    pid: Pid,
    stdout: Option<BufReader<ChildStdout>>,
    errors: PathBuf,
}

impl Served {
    /// Starts the process; it is not ready yet.
    pub fn spawn(setup: &Setup) -> Result<Self, ServedError> {
        let errors = setup.dir.join("dev-errors.txt");
        let file = File::create(&errors).map_err(io("no file for what it says"))?;
        let mut command = command(&setup.binary, &setup.dir);
        command
            .args(["dev", "--no-open", "--port", &setup.port.to_string()])
            .envs(setup.env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(file);
        let mut command = tokio::process::Command::from(command);
        let mut child = command
            .kill_on_drop(true)
            .spawn()
            .map_err(io("lattice does not start"))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(Pid::from_raw);
        let stdout = child.stdout.take().map(BufReader::new);
        match pid {
            Some(pid) => Ok(Self {
                child,
                pid,
                stdout,
                errors,
            }),
            None => Err(io("lattice does not start")(std::io::Error::other(
                "it has no id",
            ))),
        }
    }

    /// Waits until it says where it is.
    pub async fn ready(&mut self) -> Result<SocketAddr, ServedError> {
        let Some(mut stdout) = self.stdout.take() else {
            return Err(self.wrong("was asked twice where it is"));
        };
        let mut line = String::new();
        let read = timeout(PATIENCE, stdout.read_line(&mut line)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return Err(self.wrong("does not say where it is"));
        }
        let address = line.trim().strip_prefix(HELLO).and_then(|a| a.parse().ok());
        let address = address.ok_or_else(|| self.wrong(&format!("began with `{line}`")))?;
        // It goes on writing; somebody has to read that.
        tokio::spawn(async move { tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await });
        Ok(address)
    }

    /// SIGKILL: nothing is flushed, no handler runs. An error if it was not alive any more.
    pub async fn kill(mut self) -> Result<(), ServedError> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(self.wrong(&format!("ended by itself with {status}")));
        }
        self.child.kill().await.map_err(io("cannot kill"))
    }

    /// SIGTERM; it has to end with 0.
    pub async fn stop(mut self) -> Result<(), ServedError> {
        kill_process(self.pid, Signal::TERM)
            .map_err(|error| io("cannot stop lattice")(error.into()))?;
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.wrong(&format!("ended with {status}"))),
            Ok(Err(source)) => Err(io("no exit status")(source)),
            Err(_) => Err(self.wrong("does not stop")),
        }
    }

    /// What it has used so far, from `/proc`.
    pub fn usage(&self) -> Result<Usage, ServedError> {
        let read = |name: &str| {
            let path = format!("/proc/{}/{name}", self.pid.as_raw_nonzero());
            std::fs::read_to_string(path).map_err(io("`/proc` cannot be read"))
        };
        let (status, stat) = (read("status")?, read("stat")?);
        let ticks = rustix::param::clock_ticks_per_second();
        usage(&status, &stat, ticks).ok_or_else(|| self.wrong("has no figures in `/proc`"))
    }

    fn wrong(&self, what: &str) -> ServedError {
        ServedError::Process {
            what: what.to_owned(),
            said: std::fs::read_to_string(&self.errors).unwrap_or_default(),
        }
    }
}

/// Reads `/proc/PID/status` and `/proc/PID/stat` (proc(5)).
fn usage(status: &str, stat: &str, ticks_per_second: u64) -> Option<Usage> {
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak_kb: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    // The second field is a name in parentheses and may hold blanks; `utime` is the 14th.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let ticks = next()? + next()?;
    Some(Usage {
        peak_bytes: peak_kb * 1024,
        cpu: Duration::from_millis(ticks * 1_000 / ticks_per_second.max(1)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn figures_are_read_from_proc() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n";
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        let found = usage(status, stat, 100).unwrap();
        assert_eq!(found.peak_bytes, 2 << 20);
        assert_eq!(found.cpu, Duration::from_secs(2));
        assert!(usage("Name:\tx\n", stat, 100).is_none());
    }
}
