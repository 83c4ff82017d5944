//! How long to wait before the next try. No clock: chance comes in as a number.

use lattice_model::limits::{STREAM_RETRY_MS, WATCH_PAUSE_MS_MAX, WATCH_PAUSE_MS_MIN};
use std::time::Duration;

/// Pauses that double with each try that brought nothing new, and are short again as soon as one
/// did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    base_ms: u64,
    failures: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base_ms: STREAM_RETRY_MS,
            failures: 0,
        }
    }
}

impl Backoff {
    /// The server says what it wants readers to wait; it is believed within limits.
    pub fn told(&mut self, retry_ms: u64) {
        self.base_ms = retry_ms.clamp(WATCH_PAUSE_MS_MIN, WATCH_PAUSE_MS_MAX);
    }

    /// Something new came.
    pub fn progressed(&mut self) {
        self.failures = 0;
    }

    /// A try brought nothing new.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Tries in a row that brought nothing new.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The pause before the next try: between half and all of the time that the failures ask for,
    /// by `chance` over its whole range. Half stays fixed so that nobody comes back at once; the
    /// rest is spread so that not everybody comes back at the same moment.
    pub fn pause(&self, chance: u32) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(u64::BITS - 1);
        let whole = self.base_ms.saturating_mul(1 << doublings);
        let half = whole.min(WATCH_PAUSE_MS_MAX) / 2;
        let spread = u128::from(half) * u128::from(chance) / u128::from(u32::MAX);
        Duration::from_millis(half + u64::try_from(spread).unwrap_or(half))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use proptest::prelude::*;

    /// The longest and the shortest pause in milliseconds.
    fn range(backoff: &Backoff) -> (u128, u128) {
        (
            backoff.pause(0).as_millis(),
            backoff.pause(u32::MAX).as_millis(),
        )
    }

    #[test]
    fn pauses_double_to_a_limit_and_are_short_again_after_progress() {
        let mut backoff = Backoff::default();
        assert_eq!(range(&backoff), (500, 1_000));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            backoff.failed();
            pauses.push(range(&backoff).1);
        }
        let doubled = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
        assert_eq!(pauses, doubled);
        assert_eq!(range(&backoff), (15_000, 30_000));
        backoff.progressed();
        assert_eq!(range(&backoff), (500, 1_000));
    }

    #[test]
    fn a_server_is_believed_within_limits() {
        let mut backoff = Backoff::default();
        for (told, used) in [
            (0, 100),
            (99, 100),
            (100, 100),
            (250, 250),
            (30_000, 30_000),
            (30_001, 30_000),
            (u64::MAX, 30_000),
        ] {
            backoff.told(told);
            assert_eq!(range(&backoff), (used / 2, used), "{told}");
        }
    }

    proptest! {
        #[test]
        fn a_pause_stays_within_its_limits_and_grows_with_chance(
            told: u64, failures in 0_u32..200, chance: u32,
        ) {
            let mut backoff = Backoff::default();
            backoff.told(told);
            for _ in 0..failures {
                backoff.failed();
            }
            let (shortest, longest) = range(&backoff);
            let pause = backoff.pause(chance).as_millis();
            prop_assert!((50..=30_000).contains(&pause));
            prop_assert!((shortest..=longest).contains(&pause));
        }
    }
}
