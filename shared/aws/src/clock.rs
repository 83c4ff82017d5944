//! The system's clock, and ids that nobody has seen.

use lattice_model::Millis;
use lattice_ports::Clock;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The system's clock. Sleeping needs a tokio runtime with time.
#[derive(Debug, Clone)]
pub struct SystemClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    seed: [u8; 32],
    drawn: AtomicU64,
}

impl SystemClock {
    /// A clock whose ids grow out of a seed from the system, so that drawing one cannot fail.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let shared = Shared {
            began: Instant::now(),
            seed,
            drawn: AtomicU64::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// The system's time.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Millis::new(u64::try_from(ms).unwrap_or(u64::MAX))
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        now()
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.shared.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, duration_ms: u64) {
        tokio::time::sleep(Duration::from_millis(duration_ms)).await;
    }

    fn fresh(&self) -> [u8; 16] {
        let drawn = self.shared.drawn.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new()
            .chain_update(self.shared.seed)
            .chain_update(drawn.to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(digest.finalize().split_at(16).0);
        bytes
    }
}
