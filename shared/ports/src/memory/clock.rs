//! A clock that stands still until somebody moves it.

use super::lock;
use crate::Clock;
use lattice_model::Millis;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A clock that stands still until somebody moves it. Clones show the same time and draw from the
/// same ids, so that one seed gives one run of a test.
#[derive(Debug, Clone)]
pub struct ManualClock {
    shared: Arc<Mutex<Shared>>,
    skew_ms: i64,
}

#[derive(Debug)]
struct Shared {
    wall: Millis,
    monotonic_ms: u64,
    seed: u64,
    drawn: u64,
    sleepers: BTreeMap<(u64, u64), Waker>,
    slept: u64,
}

impl ManualClock {
    /// A clock that shows `wall`; `fresh` is a function of the seed.
    pub fn new(wall: Millis, seed: u64) -> Self {
        let shared = Shared {
            wall,
            monotonic_ms: 0,
            seed,
            drawn: 0,
            sleepers: BTreeMap::new(),
            slept: 0,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            skew_ms: 0,
        }
    }

    /// The clock of another machine: the same passing of time, the wall off by `skew_ms`.
    #[must_use]
    pub fn skewed(&self, skew_ms: i64) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            skew_ms,
        }
    }

    /// Lets time pass, and wakes whoever slept until then.
    pub fn advance(&self, duration_ms: u64) {
        let woken = {
            let mut shared = lock(&self.shared);
            shared.wall = shared.wall.plus(duration_ms);
            shared.monotonic_ms = shared.monotonic_ms.saturating_add(duration_ms);
            let now = shared.monotonic_ms;
            let later = shared.sleepers.split_off(&(now.saturating_add(1), 0));
            std::mem::replace(&mut shared.sleepers, later)
        };
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    /// Makes the wall clock jump; nobody wakes.
    pub fn set_wall(&self, wall: Millis) {
        lock(&self.shared).wall = wall;
    }

    /// The monotonic moment at which the next sleeper wakes.
    pub fn next_wake_ms(&self) -> Option<u64> {
        lock(&self.shared).sleepers.keys().next().map(|(at, _)| *at)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis::new(
            lock(&self.shared)
                .wall
                .get()
                .saturating_add_signed(self.skew_ms),
        )
    }

    fn monotonic_ms(&self) -> u64 {
        lock(&self.shared).monotonic_ms
    }

    fn sleep(&self, duration_ms: u64) -> impl Future<Output = ()> + Send {
        let mut shared = lock(&self.shared);
        shared.slept += 1;
        let key = (
            shared.monotonic_ms.saturating_add(duration_ms),
            shared.slept,
        );
        Sleep {
            shared: Arc::clone(&self.shared),
            key,
        }
    }

    fn fresh(&self) -> [u8; 16] {
        let mut shared = lock(&self.shared);
        shared.drawn += 1;
        // Two steps of one splitmix64 stream: a bijection of the counter, so it never repeats.
        let place = shared.seed.wrapping_add(shared.drawn.wrapping_mul(2));
        let high = u128::from(mix(place));
        let low = u128::from(mix(place.wrapping_add(1)));
        (high << 64 | low).to_be_bytes()
    }
}

/// The output function of splitmix64 (Steele, Lea, Flood 2014), at the given place of its stream.
pub(crate) fn mix(place: u64) -> u64 {
    let mut bits = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Ends when the clock reaches its moment. Dropped before, it leaves no sleeper behind.
struct Sleep {
    shared: Arc<Mutex<Shared>>,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = lock(&self.shared);
        if shared.monotonic_ms >= self.key.0 {
            return Poll::Ready(());
        }
        shared.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        lock(&self.shared).sleepers.remove(&self.key);
    }
}
