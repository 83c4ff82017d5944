//! One who watches: its place in the log, and what it gets next.

use super::Streams;
use super::feed::{Feed, Heard, Taken};
use super::pace::Pace;
use crate::log::page;
use crate::meter::Meter;
use bytes::Bytes;
use futures::Stream;
use lattice_model::Seq;
use lattice_model::limits::STREAM_CHUNK_BYTES_MAX;
use lattice_ports::RunLog;
use lattice_wire::sse;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Events in one page that a reader behind the ring gets.
const PAGE_EVENTS: usize = 512;

/// One who watches a run.
pub struct Viewer<S: RunLog> {
    streams: Arc<Streams<S>>,
    feed: Arc<Feed>,
    changed: watch::Receiver<()>,
    stop: watch::Receiver<bool>,
    cursor: Seq,
    heard: Heard,
    opened: bool,
    since: Instant,
    deadline: Instant,
    pace: Option<Arc<Pace>>,
}

impl<S: RunLog> fmt::Debug for Viewer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Viewer");
        out.field("run", self.feed.run())
            .field("cursor", &self.cursor);
        out.finish_non_exhaustive()
    }
}

impl<S: RunLog> Viewer<S> {
    pub(super) fn new(
        streams: Arc<Streams<S>>,
        feed: Arc<Feed>,
        after: Seq,
        meter: Option<Arc<Meter>>,
    ) -> Self {
        let life = life(streams.settings.life_ms);
        let since = Instant::now();
        let deadline = since + life;
        let pace = meter.map(|meter| {
            let feed = Arc::clone(&feed);
            Arc::new(Pace::new(meter, feed, after, deadline))
        });
        Self {
            changed: feed.subscribe(),
            stop: streams.stop.subscribe(),
            cursor: after,
            heard: Heard::new(),
            opened: false,
            since,
            deadline,
            pace,
            streams,
            feed,
        }
    }

    pub(super) fn pace(&self) -> Option<&Arc<Pace>> {
        self.pace.as_ref()
    }

    /// All that it gets, as the body of an answer.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        futures::stream::unfold(self, |mut viewer| async {
            let bytes = viewer.next().await?;
            Some((Ok(bytes), viewer))
        })
    }

    /// What goes out next; `None` at the end of the run, of its own time, or of the server's.
    pub async fn next(&mut self) -> Option<Bytes> {
        if !self.opened {
            self.opened = true;
            return Some(Bytes::from(sse::opening()));
        }
        let heartbeat = Duration::from_millis(self.streams.settings.heartbeat_ms);
        loop {
            // Also one for whom there is always something ends in its own time.
            if *self.stop.borrow_and_update() || Instant::now() >= self.deadline {
                return None;
            }
            self.changed.borrow_and_update();
            match self
                .feed
                .take(self.cursor, &mut self.heard, STREAM_CHUNK_BYTES_MAX)
            {
                Taken::Bytes { bytes, last, at } => {
                    self.move_to(last);
                    // What was there before the reader is replayed: its age is no lag.
                    if let Some(at) = at.filter(|at| *at >= self.since.into_std()) {
                        let lag = at.elapsed().as_secs_f64();
                        self.streams.metrics.lag_seconds.observe(lag);
                    }
                    return Some(Bytes::from(bytes));
                }
                Taken::Behind => {
                    self.is_fetching(true);
                    let page = self.page().await;
                    self.is_fetching(false);
                    return page;
                }
                Taken::Over => return None,
                Taken::Nothing => {}
            }
            tokio::select! {
                _ = self.changed.changed() => {}
                _ = self.stop.changed() => {}
                () = tokio::time::sleep_until(self.deadline) => {}
                () = tokio::time::sleep(heartbeat) => return Some(Bytes::from_static(sse::HEARTBEAT.as_bytes())),
            }
        }
    }

    /// Reads for a reader that is behind the ring.
    async fn page(&mut self) -> Option<Bytes> {
        let streams = Arc::clone(&self.streams);
        let _turn = streams.paging.acquire().await.ok()?;
        let read = page(&*streams.store, self.feed.run(), self.cursor, PAGE_EVENTS).await;
        let events = match read {
            Ok(page) => page.events,
            Err(error) => {
                // The reader comes back and is told then, if it is still so.
                tracing::warn!(run = %self.feed.run(), %error, "a stream ends: its log could not be read");
                if error.is_broken_log() {
                    self.streams.metrics.broken_log();
                }
                return None;
            }
        };
        // Nothing behind the cursor although the ring is further on: the log was not whole.
        let last = events.last()?.seq;
        let frames: String = events.iter().map(sse::frame).collect();
        self.move_to(last);
        Some(Bytes::from(frames))
    }

    fn is_fetching(&self, is: bool) {
        if let Some(pace) = &self.pace {
            pace.fetching(is);
        }
    }

    fn move_to(&mut self, last: Seq) {
        self.cursor = last;
        if let Some(pace) = &self.pace {
            pace.at(last);
        }
    }
}

impl<S: RunLog> Drop for Viewer<S> {
    fn drop(&mut self) {
        self.streams.left(&self.feed);
    }
}

/// A time between the two, so that readers that came together do not come back together.
fn life((min_ms, max_ms): (u64, u64)) -> Duration {
    // A keyed hash of nothing differs each time: enough to spread readers.
    let chance =
        std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
    let spread = max_ms.saturating_sub(min_ms).max(1);
    Duration::from_millis(min_ms + chance % spread)
}
