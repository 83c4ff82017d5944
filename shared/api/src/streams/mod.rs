//! Follows logs for many readers: one tail reader per run feeds all of them from a ring of rendered
//! frames. `feed` is a run that somebody watches, `viewer` one who watches, `pace` cuts off those
//! who do not read.
//!
//! A viewer pulls: nothing is queued for it but its place in the ring. One that falls behind the
//! ring reads pages of the log until it is in reach again.

mod feed;
mod pace;
mod viewer;

pub use viewer::Viewer;

use crate::log::page;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::refuse::Refused;
use feed::Feed;
use lattice_driver::{Observer, TextSoFar};
use lattice_journal::{Commit, Event};
use lattice_model::{RunId, Seq, limits};
use lattice_ports::RunLog;
use lattice_wire::codes::BEYOND_END;
use pace::Pace;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// How streams behave; the limits of the system unless a test wants less.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    /// The shortest and longest time of one answer, in milliseconds.
    pub life_ms: (u64, u64),
    /// Silence after which a comment is sent, in milliseconds.
    pub heartbeat_ms: u64,
    /// Bytes of frames kept of one run.
    pub ring_bytes_max: usize,
    /// Bytes of frames kept of all runs.
    pub rings_bytes_max: usize,
    /// How far a reader may be behind, in bytes, before its pace counts.
    pub behind_bytes_max: usize,
    /// Over how long a reader's pace is measured, in milliseconds.
    pub pace_ms: u64,
    /// What a reader that is far behind has to take in that time, in bytes.
    pub pace_bytes_min: u64,
    /// How often the log is read when nothing is heard of a run, in milliseconds.
    pub poll_ms: u64,
    /// How long frames are kept after the last reader has gone, in milliseconds.
    pub linger_ms: u64,
    /// Readers at the same time.
    pub viewers_max: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            life_ms: (limits::STREAM_MS_MIN, limits::STREAM_MS_MAX),
            heartbeat_ms: limits::STREAM_HEARTBEAT_MS,
            ring_bytes_max: limits::STREAM_RING_BYTES_MAX,
            rings_bytes_max: limits::STREAM_RINGS_BYTES_MAX,
            behind_bytes_max: limits::STREAM_BEHIND_BYTES_MAX,
            pace_ms: limits::STREAM_PACE_MS,
            pace_bytes_min: limits::STREAM_PACE_BYTES_MIN,
            poll_ms: limits::STREAM_POLL_MS,
            linger_ms: limits::STREAM_LINGER_MS,
            viewers_max: limits::STREAMS_MAX,
        }
    }
}

/// All streams of a process. It watches the driver, so that what is committed here is seen at once;
/// what other processes commit is found by reading.
#[derive(Debug)]
pub struct Streams<S> {
    store: Arc<S>,
    metrics: Arc<Metrics>,
    settings: StreamSettings,
    feeds: RwLock<BTreeMap<RunId, Arc<Feed>>>,
    paces: Mutex<Vec<Weak<Pace>>>,
    kept_bytes: Arc<AtomicUsize>,
    viewers: AtomicUsize,
    /// Pages that are read for readers behind the ring, at the same time.
    paging: Semaphore,
    stop: watch::Sender<bool>,
    watchdog: Once,
}

/// Pages read at the same time for readers that are behind the ring.
const PAGING_MAX: usize = 8;
/// Events that the tail reader takes at once.
const TAIL_EVENTS: usize = 512;
/// How often the pace of readers is looked at.
const WATCHDOG_EVERY: Duration = Duration::from_millis(250);

/// What a reader gets.
#[derive(Debug)]
pub enum Opened<S: RunLog> {
    /// Frames.
    Stream(Box<Viewer<S>>),
    /// Nothing: the run is over and the reader has all of it.
    Over,
}

impl<S: RunLog> Streams<S> {
    /// Streams over the store, all empty.
    pub fn new(store: Arc<S>, metrics: Arc<Metrics>, settings: StreamSettings) -> Arc<Self> {
        Arc::new(Self {
            store,
            metrics,
            settings,
            feeds: RwLock::default(),
            paces: Mutex::default(),
            kept_bytes: Arc::default(),
            viewers: AtomicUsize::new(0),
            paging: Semaphore::new(PAGING_MAX),
            stop: watch::Sender::new(false),
            watchdog: Once::new(),
        })
    }

    /// Ends every stream at its next turn, and the reading behind them. Readers resume elsewhere.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Opens a stream behind `after`. `is_over` is what the run's row says.
    pub async fn open(
        self: &Arc<Self>,
        run: &RunId,
        after: Seq,
        is_over: bool,
        meter: Option<Arc<Meter>>,
    ) -> Result<Opened<S>, Refused> {
        let has_more = match self.reach(run, after, is_over).await? {
            Reach::Over => return Ok(Opened::Over),
            Reach::More => true,
            Reach::End => false,
        };
        let viewers = self.viewers.fetch_add(1, Ordering::Relaxed);
        if viewers >= self.settings.viewers_max {
            self.viewers.fetch_sub(1, Ordering::Relaxed);
            let most = self.settings.viewers_max;
            return Err(Refused::busy(format!(
                "{most} streams are open, which is the limit"
            )));
        }
        self.metrics.subscribers.inc();
        if has_more {
            self.metrics.replays.inc();
        }
        if after > Seq::ZERO {
            self.metrics.reconnects.inc();
        }
        let feed = self.join(run, after);
        let viewer = Viewer::new(Arc::clone(self), feed, after, meter);
        if let Some(pace) = viewer.pace() {
            lock(&self.paces).push(Arc::downgrade(pace));
            self.watchdog
                .call_once(|| drop(tokio::spawn(watch_paces(Arc::downgrade(self)))));
        }
        Ok(Opened::Stream(Box::new(viewer)))
    }

    /// Where the log ends, seen from `after`.
    async fn reach(&self, run: &RunId, after: Seq, is_over: bool) -> Result<Reach, Refused> {
        if let Some((last, over)) = self.feed(run).map(|feed| feed.end())
            && after <= last
            && last > Seq::ZERO
        {
            return Ok(Reach::of(after == last, over));
        }
        if page(&*self.store, run, after, 1).await?.last().is_some() {
            return Ok(Reach::More);
        }
        let before = Seq::from_stored(after.get().saturating_sub(1));
        let at = page(&*self.store, run, before, 1).await?;
        match at.last() {
            Some(event) if event.seq == after => Ok(Reach::of(true, event.body.is_terminal())),
            _ if is_over => Ok(Reach::Over),
            _ => Err(beyond_end(run, after)),
        }
    }

    fn feed(&self, run: &RunId) -> Option<Arc<Feed>> {
        let feeds = self.feeds.read().unwrap_or_else(PoisonError::into_inner);
        feeds.get(run).cloned()
    }

    /// The feed of the run, with one more viewer; its tail reader starts with the first.
    fn join(self: &Arc<Self>, run: &RunId, after: Seq) -> Arc<Feed> {
        let mut feeds = self.feeds.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(run) {
            feed.enter();
            return Arc::clone(feed);
        }
        let kept_bytes = Arc::clone(&self.kept_bytes);
        let feed = Arc::new(Feed::new(run.clone(), after, kept_bytes));
        feed.enter();
        feeds.insert(run.clone(), Arc::clone(&feed));
        drop(tokio::spawn(follow(Arc::clone(self), Arc::clone(&feed))));
        feed
    }

    /// Drops a feed that nobody watches; says whether it is gone.
    fn forget(&self, feed: &Arc<Feed>) -> bool {
        let mut feeds = self.feeds.write().unwrap_or_else(PoisonError::into_inner);
        if feed.is_watched() {
            return false;
        }
        feeds.remove(feed.run());
        true
    }

    /// Puts events into a feed; `at` is when they were acknowledged, if that was just now.
    fn push(&self, feed: &Feed, events: &[Event], at: Option<Instant>) {
        feed.push(events, at);
        feed.trim(self.settings.ring_bytes_max);
        let most = self.settings.rings_bytes_max;
        if self.kept_bytes.load(Ordering::Relaxed) > most {
            // Together they are too large: each keeps its share, also one that is at rest.
            let feeds = self.feeds.read().unwrap_or_else(PoisonError::into_inner);
            let share = most / feeds.len().max(1);
            feeds.values().for_each(|feed| feed.trim(share));
        }
    }

    fn left(&self, feed: &Feed) {
        feed.leave();
        self.viewers.fetch_sub(1, Ordering::Relaxed);
        self.metrics.subscribers.dec();
    }
}

impl<S: RunLog> Observer for Streams<S> {
    fn committed(&self, commit: &Commit) {
        let Some(feed) = self.feed(&commit.run) else {
            return;
        };
        match feed.end().0.next() >= commit.first {
            true => self.push(&feed, &commit.events, Some(Instant::now())),
            // Something in between was not seen here: the tail reader fetches it.
            false => feed.hint(),
        }
    }

    fn is_watched(&self, run: &RunId) -> bool {
        self.feed(run).is_some_and(|feed| feed.is_watched())
    }

    fn text(&self, run: &RunId, text: TextSoFar<'_>) {
        if let Some(feed) = self.feed(run) {
            feed.say(text);
        }
    }
}

enum Reach {
    More,
    End,
    Over,
}

impl Reach {
    fn of(at_end: bool, over: bool) -> Self {
        match (at_end, over) {
            (false, _) => Self::More,
            (true, true) => Self::Over,
            (true, false) => Self::End,
        }
    }
}

/// The log is not as long as the reader says.
pub fn beyond_end(run: &RunId, seq: Seq) -> Refused {
    let detail = format!("run `{run}` has no event {seq} yet");
    let help =
        "resume behind an event that the run has; `GET /v1/runs/{id}` says which is the last";
    Refused::new(BEYOND_END, detail, help)
}

/// The tail reader of a feed: reads on whenever there may be something, and goes when nobody watches.
async fn follow<S: RunLog>(streams: Arc<Streams<S>>, feed: Arc<Feed>) {
    let mut stop = streams.stop.subscribe();
    let poll = Duration::from_millis(streams.settings.poll_ms);
    let linger = Duration::from_millis(streams.settings.linger_ms);
    let mut idle_since: Option<Instant> = None;
    let mut is_broken = false;
    while !*stop.borrow_and_update() {
        let (last, over) = feed.end();
        if !over {
            match page(&*streams.store, feed.run(), last, TAIL_EVENTS).await {
                Ok(page) if page.events.is_empty() => {}
                Ok(page) => {
                    streams.push(&feed, &page.events, None);
                    continue;
                }
                Err(error) => {
                    // It is read again and again, and counted once.
                    if error.is_broken_log() && !std::mem::replace(&mut is_broken, true) {
                        streams.metrics.broken_log();
                    }
                    tracing::warn!(run = %feed.run(), %error, "the tail could not be read");
                }
            }
        }
        tokio::select! {
            () = feed.hinted() => {}
            () = tokio::time::sleep(poll) => {}
            _ = stop.changed() => {}
        }
        idle_since = (!feed.is_watched()).then(|| idle_since.unwrap_or_else(Instant::now));
        let idle = idle_since.is_some_and(|since| since.elapsed() >= linger);
        if idle && streams.forget(&feed) {
            return;
        }
    }
}

async fn watch_paces<S: RunLog>(streams: Weak<Streams<S>>) {
    loop {
        tokio::time::sleep(WATCHDOG_EVERY).await;
        let Some(streams) = streams.upgrade() else {
            return;
        };
        let mut paces = lock(&streams.paces);
        paces.retain(|pace| {
            let Some(pace) = pace.upgrade() else {
                return false;
            };
            match pace.judge(&streams.settings) {
                None => true,
                Some(reason) => {
                    streams.metrics.cut(reason);
                    false
                }
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
