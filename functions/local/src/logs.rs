//! What operators read: `tracing` on standard error, redacted. `LATTICE_LOG` says how much of it,
//! `LATTICE_LOG_FORMAT=json` makes each line a JSON object.

use lattice_policy::Redactor;
use std::io::{self, Write};
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Starts logging. Without a filter only warnings are shown.
pub fn start(redactor: &Arc<Redactor>, filter: Option<&str>, format: Option<&str>) {
    let filter = EnvFilter::builder().parse_lossy(filter.unwrap_or("warn"));
    let lines = Lines(Arc::clone(redactor));
    let start = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_ansi(false);
    // A second start, as in tests, changes nothing.
    let _ = match format {
        Some("json") => start.json().flatten_event(true).try_init(),
        _ => start.try_init(),
    };
}

struct Lines(Arc<Redactor>);

/// Gathers one line and writes it, redacted, when it is dropped.
struct Line {
    redactor: Arc<Redactor>,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            redactor: Arc::clone(&self.0),
            bytes: Vec::new(),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let _ = io::stderr().write_all(self.redactor.redact_text(&text).as_bytes());
    }
}
