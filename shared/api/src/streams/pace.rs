//! Cuts off readers that do not read.

use super::feed::Feed;
use super::{StreamSettings, lock};
use crate::meter::Meter;
use lattice_model::Seq;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long after its own time an answer may still be on its way.
const GRACE: Duration = Duration::from_secs(5);

/// How fast a reader reads.
#[derive(Debug)]
pub struct Pace {
    meter: Arc<Meter>,
    feed: Arc<Feed>,
    cursor: AtomicU64,
    /// The server reads for it: it cannot take what is not there.
    fetching: AtomicBool,
    deadline: Instant,
    window: Mutex<(Instant, u64)>,
}

impl Pace {
    /// A reader at its beginning.
    pub fn new(meter: Arc<Meter>, feed: Arc<Feed>, after: Seq, deadline: Instant) -> Self {
        let window = Mutex::new((Instant::now(), meter.taken()));
        Self {
            meter,
            feed,
            cursor: AtomicU64::new(after.get()),
            fetching: AtomicBool::new(false),
            deadline,
            window,
        }
    }

    /// The reader has been handed everything up to here.
    pub fn at(&self, last: Seq) {
        self.cursor.store(last.get(), Ordering::Relaxed);
    }

    /// Whether the server reads for the reader at this moment.
    pub fn fetching(&self, is: bool) {
        self.fetching.store(is, Ordering::Relaxed);
    }

    /// Cuts the reader off if it has to be; says why.
    ///
    /// One that is more than `behind_bytes_max` behind has to take `pace_bytes_min` in each
    /// `pace_ms`: a reader that catches up does, one that has stopped does not. What stands in the
    /// system's own buffers counts as taken, so the server keeps those small.
    pub fn judge(&self, settings: &StreamSettings) -> Option<&'static str> {
        let now = Instant::now();
        let reason = match now > self.deadline + GRACE {
            true => Some("time"),
            false => self.is_slow(now, settings).then_some("slow"),
        };
        if let Some(reason) = reason {
            tracing::info!(run = %self.feed.run(), reason, "a reader is cut off");
            self.meter.cut();
        }
        reason
    }

    fn is_slow(&self, now: Instant, settings: &StreamSettings) -> bool {
        let taken = self.meter.taken();
        let mut window = lock(&self.window);
        let cursor = Seq::from_stored(self.cursor.load(Ordering::Relaxed));
        let behind = self.feed.behind_bytes(cursor);
        // The time counts from when the reader fell behind, and not while it waits for this server.
        if behind <= settings.behind_bytes_max as u64 || self.fetching.load(Ordering::Relaxed) {
            *window = (now, taken);
            return false;
        }
        if now.duration_since(window.0) < Duration::from_millis(settings.pace_ms) {
            return false;
        }
        let took = taken.saturating_sub(window.1);
        *window = (now, taken);
        took < settings.pace_bytes_min
    }
}
