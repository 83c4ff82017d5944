//! The issuer's keys: fetched once at the start, again when a token names one that is not known, and
//! now and then, so that a key that was taken back goes.

use crate::fetch::FetchError;
use futures::future::BoxFuture;
use lambda_http::http::HeaderMap;
use lattice_api::Gate;
use lattice_model::limits::{KEYS_AGAIN_MS_MIN, KEYS_AGE_MS_MAX};
use lattice_ports::Clock;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Gets the text of the issuer's key set.
pub type Fetch = Box<dyn Fn() -> BoxFuture<'static, Result<String, FetchError>> + Send + Sync>;

/// Where the issuer's keys come from.
pub struct Keys<C> {
    fetch: Fetch,
    clock: Arc<C>,
    /// The monotonic moment at which they were asked for last.
    asked: Mutex<u64>,
}

impl<C: Clock> Keys<C> {
    /// Keys that were got just now.
    pub fn new(fetch: Fetch, clock: Arc<C>) -> Self {
        Self {
            fetch,
            asked: Mutex::new(clock.monotonic_ms()),
            clock,
        }
    }

    /// Gets the keys anew if this request needs it: its token names one that is not known, or those
    /// that are known are old. At most once in `KEYS_AGAIN_MS_MIN`, since anybody may send a token.
    pub async fn refresh(&self, gate: &Gate, headers: &HeaderMap) {
        // One asks, and the others wait for what it gets.
        let mut asked = self.asked.lock().await;
        let now = self.clock.monotonic_ms();
        let age_ms = now.saturating_sub(*asked);
        let is_needed = age_ms >= KEYS_AGE_MS_MAX || gate.lacks_key(headers);
        if age_ms < KEYS_AGAIN_MS_MIN || !is_needed {
            return;
        }
        *asked = now;
        match (self.fetch)().await {
            Err(error) => tracing::warn!(%error, "the issuer's keys could not be got anew"),
            Ok(text) => match gate.renew(&text) {
                Ok(()) => tracing::info!("the issuer's keys were got anew"),
                Err(error) => tracing::warn!(%error, "the issuer's new keys cannot be used"),
            },
        }
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
