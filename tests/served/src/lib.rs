//! A `lattice dev` process under load: started and killed, asked, and followed by readers who count.
//! What the harnesses in `tests/streams` and `tests/kill` share.
//!
//! `process` is the process, `ask` sends it requests, `reader` follows a run and `log` says whether
//! what a reader saw is what is stored; `metrics` reads `/metrics`, `random` makes a seed repeat its
//! choices.

mod ask;
mod error;
mod log;
mod metrics;
mod process;
mod random;
mod reader;

pub use ask::{Ask, Started};
pub use error::{ServedError, io};
pub use log::{Judged, StoredLog};
pub use metrics::Metrics;
pub use process::{ROLE, Served, Setup, Usage, command, free_port};
pub use random::Random;
pub use reader::{Read, Reader, fingerprint};
