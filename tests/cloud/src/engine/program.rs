//! An engine as a program of this machine.

use super::{Engine, EngineError, PROGRAM, Source};
use std::fs::File;
use std::io::Result;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Runs the engine, waits until nobody holds the other end of its input, and ends all that it
/// started: asked first, then not.
const WATCH: &str = r#"
"$@" </dev/null &
engine=$!
cat >/dev/null
trap '' TERM
kill -TERM "$engine" 2>/dev/null
sleep 1
kill -KILL 0
"#;

/// Starts the program; it need not answer yet.
pub(super) fn start(named: Option<String>) -> std::result::Result<Engine, EngineError> {
    let program = match named {
        Some(program) => PathBuf::from(program),
        None => on_path("ministack").ok_or(EngineError::None)?,
    };
    let failed = |source| EngineError::Program {
        program: program.display().to_string(),
        source,
    };
    if !program.is_file() {
        let missing = std::io::Error::new(
            std::io::ErrorKind::NotFound,
            format!("no such file; `{PROGRAM}` names it"),
        );
        return Err(failed(missing));
    }
    let port = free_port().map_err(failed)?;
    let log = std::env::temp_dir().join(format!("lattice-cloud-engine-{port}.log"));
    let watch = launch(&program, port, &log).map_err(failed)?;
    Ok(Engine {
        endpoint: format!("http://127.0.0.1:{port}"),
        source: Source::Program,
        log: Some(log),
        watch: Some(watch),
    })
}

fn launch(program: &Path, port: u16, log: &Path) -> Result<Child> {
    let out = File::create(log)?;
    Command::new("/bin/sh")
        .args(["-c", WATCH, "engine"])
        .arg(program)
        // Without this it would listen on every interface.
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env_remove("PERSIST_STATE")
        .stdin(Stdio::piped())
        .stdout(out.try_clone()?)
        .stderr(out)
        .process_group(0)
        .spawn()
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.find(|file| file.is_file())
}
