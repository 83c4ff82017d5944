//! The issuer's keys: fetched once at the start, again when a token names one that is not known, and
//! now and then, so that a key that was taken back goes.

use crate::fetch::FetchError;
use futures::future::BoxFuture;
use lambda_http::http::HeaderMap;
use lattice_api::Gate;
use lattice_model::limits::{KEYS_AGAIN_MS_MIN, KEYS_AGE_MS_MAX};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Gets the text of the issuer's key set.
pub type Fetch = Box<dyn Fn() -> BoxFuture<'static, Result<String, FetchError>> + Send + Sync>;

/// Where the issuer's keys come from.
pub struct Keys {
    fetch: Fetch,
    /// When they were asked for last.
    asked: Mutex<Instant>,
}

impl Keys {
    /// Keys that were got just now.
    pub fn new(fetch: Fetch) -> Self {
        Self {
            fetch,
            asked: Mutex::new(Instant::now()),
        }
    }

    /// Gets the keys anew if this request needs it: its token names one that is not known, or those
    /// that are known are old. At most once in `KEYS_AGAIN_MS_MIN`, since anybody may send a token.
    pub async fn refresh(&self, gate: &Gate, headers: &HeaderMap) {
        if !gate.lacks_key(headers) && self.age().await < ms(KEYS_AGE_MS_MAX) {
            return;
        }
        // One asks, and the others wait for what it gets.
        let mut asked = self.asked.lock().await;
        let age = asked.elapsed();
        let is_old = age >= ms(KEYS_AGE_MS_MAX);
        if age < ms(KEYS_AGAIN_MS_MIN) || !(is_old || gate.lacks_key(headers)) {
            return;
        }
        *asked = Instant::now();
        match (self.fetch)().await {
            Err(error) => tracing::warn!(%error, "the issuer's keys could not be got anew"),
            Ok(text) => match gate.renew(&text) {
                Ok(()) => tracing::info!("the issuer's keys were got anew"),
                Err(error) => tracing::warn!(%error, "the issuer's new keys cannot be used"),
            },
        }
    }

    async fn age(&self) -> Duration {
        self.asked.lock().await.elapsed()
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
