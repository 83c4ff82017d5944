//! The local engine that speaks AWS's interfaces: found, or started, once per process.
//!
//! In this order: the address in `AWS_ENDPOINT_URL`; a container of the image in
//! `LATTICE_TEST_IMAGE` (feature `containers`); the program in `LATTICE_MINISTACK`, or `ministack` on
//! the `PATH`. If there is none, the tests fail and say how to get one.
//!
//! An engine that was started here ends with this process, also when that is killed.

#[cfg(feature = "containers")]
mod container;
mod program;

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::Child;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The image for a container.
pub const IMAGE: &str = "LATTICE_TEST_IMAGE";
/// The path of the program.
pub const PROGRAM: &str = "LATTICE_MINISTACK";
/// The address of an engine that runs already.
pub const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// How long an engine may take to answer for the first time.
const START_MS_MAX: u64 = 60_000;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody said where one is.
    #[error(
        "there is no engine to test against: set `{ENDPOINT}` to one that runs, or install one by \
         `pip install -r tests/cloud/requirements.txt` and put its `ministack` on the PATH or into \
         `{PROGRAM}`, or set `{IMAGE}` to a LocalStack-compatible image and test with \
         `--features containers`"
    )]
    None,
    /// An image is named and nothing here can run it.
    #[error("`{IMAGE}` names an image, but the tests were built without `--features containers`")]
    NoContainers,
    /// The container did not start.
    #[error("a container of `{image}` did not start: {reason}")]
    Container {
        /// The image.
        image: String,
        /// What was met.
        reason: String,
    },
    /// The program did not start.
    #[error("`{program}` did not start: {source}")]
    Program {
        /// The program.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It does not answer.
    #[error("the engine at `{endpoint}` does not answer; its own words are in `{log}`")]
    Silent {
        /// Its address.
        endpoint: String,
        /// Where it writes.
        log: String,
    },
}

/// How an engine came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It ran already.
    Given,
    /// In a container.
    Container,
    /// As a program of this machine.
    Program,
}

/// An engine. One that was started here ends when this is dropped.
#[derive(Debug)]
pub struct Engine {
    endpoint: String,
    source: Source,
    log: Option<PathBuf>,
    /// Ends the engine when its standard input is closed, which happens when this process ends,
    /// however it ends.
    #[allow(dead_code)]
    watch: Option<Child>,
}

impl Engine {
    /// Finds an engine, or starts one. Ready when this returns.
    pub fn find() -> Result<Self, EngineError> {
        let set = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let engine = if let Some(endpoint) = set(ENDPOINT) {
            Self {
                endpoint,
                source: Source::Given,
                log: None,
                watch: None,
            }
        } else if let Some(image) = set(IMAGE) {
            contained(&image)?
        } else {
            program::start(set(PROGRAM))?
        };
        engine.wait()?;
        Ok(engine)
    }

    /// Its address, such as `http://127.0.0.1:4566`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How it came about.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The file that it writes to, if it was started here.
    pub fn log(&self) -> Option<&std::path::Path> {
        self.log.as_deref()
    }

    fn wait(&self) -> Result<(), EngineError> {
        let began = Instant::now();
        while !answers(&self.endpoint) {
            if began.elapsed() > Duration::from_millis(START_MS_MAX) {
                let log = self.log.as_ref().map(|log| log.display().to_string());
                return Err(EngineError::Silent {
                    endpoint: self.endpoint.clone(),
                    log: log.unwrap_or_else(|| "its own log".to_owned()),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// The address of this process's engine.
///
/// # Panics
/// If there is none: a test that cannot run has failed.
#[allow(clippy::panic)]
pub fn endpoint() -> &'static str {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| match Engine::find() {
        Ok(engine) => engine,
        Err(error) => panic!("{error}"),
    });
    engine.endpoint()
}

#[cfg(feature = "containers")]
fn contained(image: &str) -> Result<Engine, EngineError> {
    container::start(image)
}

#[cfg(not(feature = "containers"))]
fn contained(_: &str) -> Result<Engine, EngineError> {
    Err(EngineError::NoContainers)
}

/// Whether somebody answers HTTP there, whatever he says.
fn answers(endpoint: &str) -> bool {
    let authority = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let ask = || -> std::io::Result<bool> {
        let mut addresses = authority.to_socket_addrs()?;
        let address = addresses.next().ok_or(std::io::ErrorKind::NotFound)?;
        let patience = Duration::from_millis(2_000);
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        let request = format!(
            "GET /_localstack/health HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/")
    };
    ask().unwrap_or(false)
}
