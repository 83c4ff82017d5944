//! A client of our own HTTP API that follows one run: no event twice, none left out.
//!
//! `follow` and `backoff` decide, and know neither network nor clock; `frame` reads what a server
//! sends; `server` and `stream` are the connection; `watch` drives them all.
//!
//! ```text
//! let server = Server::new("http://127.0.0.1:4870")?;
//! let mut watcher = server.watch(run, WatchOptions::default())?;
//! while let Some(told) = watcher.next().await? { ... }
//! ```

mod backoff;
mod error;
mod follow;
mod frame;
mod server;
mod stream;
mod watch;

pub use backoff::Backoff;
pub use error::{BadFrame, Problem, Trouble, WatchError};
pub use follow::{Follow, Step};
pub use frame::{RawEvent, Text};
pub use server::Server;
pub use watch::{Counts, Told, WatchOptions, Watcher};
