//! Starts the real binary in a directory of its own, without the settings of whoever runs the tests.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test file uses a part of this, and a test may fail"
)]

pub mod http;

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A directory with workflow files and, later, data.
pub struct Place {
    dir: TempDir,
    env: Vec<(String, String)>,
}

/// What a command said.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Long enough for a busy machine; a test that waits this long has failed.
pub const LONG: Duration = Duration::from_secs(30);

impl Place {
    pub fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            env: Vec::new(),
        }
    }

    /// The same with a model server.
    pub fn with_server(base_url: &str) -> Self {
        let mut place = Self::new();
        place.set("LATTICE_PROVIDER", "openai-compatible");
        place.set("LATTICE_BASE_URL", base_url);
        place.set("LATTICE_MODEL_MEDIUM", "test-model");
        place
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The command with these words, its environment empty but for what was set.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(words).current_dir(self.dir.path()).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn lattice(&self, words: &[&str]) -> Done {
        let output = self.command(words).stdin(Stdio::null()).output().unwrap();
        Done::of(output)
    }

    /// Starts and does not wait.
    pub fn start(&self, words: &[&str]) -> Live {
        let mut command = self.command(words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Live {
            child: Some(command.spawn().unwrap()),
        }
    }

    /// The id of the newest run, once there is one that stands so.
    pub fn newest_run(&self, status: &str) -> String {
        let began = Instant::now();
        loop {
            let done = self.lattice(&["runs", "--json", "--status", status]);
            if let Some(run) = done.records().first() {
                return run["runId"].as_str().unwrap().to_owned();
            }
            assert!(began.elapsed() < LONG, "no run is {status}: {done:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every file of the data directory, as bytes.
    pub fn data_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(self.path(".lattice")).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        bytes
    }
}

impl Done {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The JSON lines of standard output. Every line has to be one.
    pub fn records(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        self.out.lines().map(parse).collect()
    }

    /// The last JSON line.
    pub fn result(&self) -> Value {
        self.records()
            .last()
            .cloned()
            .unwrap_or_else(|| panic!("{self:?}"))
    }

    /// The exit code, and texts that must have been said on standard error.
    pub fn fails(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "`{text}` is not in {}", self.err);
        }
    }

    /// The exit code, and texts that must have been said on standard output.
    pub fn says(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in texts {
            assert!(self.out.contains(text), "`{text}` is not in {}", self.out);
        }
    }
}

/// A process that lives beside the test, killed at the latest when the test ends.
pub struct Live {
    child: Option<Child>,
}

impl Live {
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Its standard output, which `end` then does not have.
    pub fn take_out(&mut self) -> ChildStdout {
        let child = self.child.as_mut().unwrap();
        child.stdout.take().unwrap()
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill")
            .args([signal, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Done {
        let mut child = self.child.take().unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > LONG {
                child.kill().unwrap();
                panic!("hangs: {:?}", Done::of(child.wait_with_output().unwrap()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Done::of(child.wait_with_output().unwrap())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A workflow of these nodes between `start` and `end`, in a line; a node is `(id, type, settings)`.
pub fn line(nodes: &[(&str, &str, Value)]) -> Value {
    let mut all = vec![json!({"id": "start", "type": "start"})];
    all.extend(
        nodes
            .iter()
            .map(|(id, kind, settings)| json!({"id": id, "type": kind, "settings": settings})),
    );
    all.push(json!({"id": "end", "type": "end"}));
    let ids: Vec<&str> = all
        .iter()
        .map(|node| node["id"].as_str().unwrap())
        .collect();
    let mut edges = Vec::new();
    for (index, pair) in ids.windows(2).enumerate() {
        let asks = all[index]["type"] == "askUserQuestion"
            && all[index]["settings"].get("options").is_some();
        let many = all[index]["settings"].get("multiSelect").is_some();
        let port = if asks && !many { "branch-0" } else { "out" };
        edges.push(
            json!({"id": format!("e{index}"), "from": pair[0], "to": pair[1], "fromPort": port}),
        );
        if asks && !many {
            edges.push(json!({"id": format!("f{index}"), "from": pair[0], "to": "end", "fromPort": "branch-1"}));
        }
        if all[index]["settings"].get("timeoutMs").is_some()
            && all[index]["type"] == "askUserQuestion"
        {
            edges.push(json!({"id": format!("t{index}"), "from": pair[0], "to": "end", "fromPort": "timeout"}));
        }
    }
    json!({"format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W", "nodes": all, "edges": edges})
}

/// Tried once, so that a failure ends the run.
pub fn prompt(text: &str) -> Value {
    json!({"prompt": text, "maxAttempts": 1})
}

/// Tried again after a crash.
pub fn tenacious(text: &str) -> Value {
    json!({"prompt": text, "maxAttempts": 3})
}

pub fn question() -> Value {
    json!({"questionText": "Send it?", "options": [{"label": "Send"}, {"label": "Drop it"}]})
}
