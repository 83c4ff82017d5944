//! The HTTP API inside Lambda: the same routes, checks and answers as on a laptop, of which each
//! function serves its own.
//!
//! `gateway` takes a request as Lambda hands it over and gives the router's answer; `keys` knows the
//! issuer's keys, `fetch` gets them; `fired` takes the events of schedules; `functions` puts each
//! function together.

mod fetch;
mod fired;
mod functions;
mod gateway;
mod keys;

pub use fetch::fetch;
pub use fired::{Fired, FiredAnswer};
pub use functions::{compile, signal, start, stream};
pub use gateway::{Gateway, serves};
pub use keys::{Fetch, Keys};
pub use lattice_lambda::leave;
