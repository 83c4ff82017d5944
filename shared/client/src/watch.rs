//! Follows one run over a connection that may break at any time.
//!
//! A stream is open, or the next one is being opened; what it skips is fetched as pages. Whatever is
//! under way is kept in the watcher, so a caller may give up waiting and ask again later.

use crate::backoff::Backoff;
use crate::error::{BadFrame, Setback, Trouble, WatchError};
use crate::follow::{Follow, Step};
use crate::frame::{Frame, RawEvent, Text};
use crate::server::Asker;
use crate::stream::Frames;
use futures::future::BoxFuture;
use lattice_journal::Event;
use lattice_model::limits::{WATCH_IDLE_MS, WATCH_PAUSE_MS_MAX};
use lattice_model::{RunId, Secret, Seq};
use sse_stream::Sse;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use tokio::time::sleep;

/// How a run is followed.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The last event that the caller has; `Seq::ZERO` for all of them.
    pub from: Seq,
    /// Silence after which a connection is given up: three heartbeats of the server.
    pub idle: Duration,
    /// Tries in a row without anything new after which `next` fails; no end if unset.
    pub max_tries: Option<u32>,
    /// Sent as a bearer token.
    pub token: Option<Secret<String>>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            from: Seq::ZERO,
            idle: Duration::from_millis(WATCH_IDLE_MS),
            max_tries: None,
            token: None,
        }
    }
}

/// What a run says.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<E = Event> {
    /// The next event.
    Event(E),
    /// A piece of what a model is saying right now; pieces may be missing or come again.
    Text(Text),
}

/// What following the run took so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Streams that were opened after the first one.
    pub reconnects: u64,
    /// Pages fetched because events were missing.
    pub pages: u64,
    /// Events that came again and were dropped.
    pub repeats: u64,
}

/// Follows one run: each event once, in order, to the end.
pub struct Watcher {
    asker: Asker,
    idle: Duration,
    max_tries: Option<u32>,
    follow: Follow,
    backoff: Backoff,
    counts: Counts,
    chance: Box<dyn FnMut() -> u32 + Send>,
    stream: Option<Frames>,
    task: Option<BoxFuture<'static, Result<Done, Setback>>>,
    /// Events of a page that have not been looked at.
    paged: VecDeque<RawEvent>,
    /// The stream has told of this event, so pages are fetched up to it.
    goal: Seq,
    /// A stream was open before.
    opened: bool,
    /// Something new came since the stream was opened.
    fresh: bool,
    /// The server says that nothing follows.
    over: bool,
}

/// What was under way, when it is done.
enum Done {
    Paused,
    Opened(Option<Frames>),
    Page(Vec<RawEvent>),
}

type Read<E> = fn(RawEvent, &RunId) -> Result<E, BadFrame>;

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("run", &self.asker.run)
            .field("follow", &self.follow)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Watcher {
    pub(crate) fn new(asker: Asker, options: WatchOptions) -> Self {
        let mut random = fastrand::Rng::new();
        Self {
            asker,
            idle: options.idle,
            max_tries: options.max_tries,
            follow: Follow::new(options.from),
            backoff: Backoff::default(),
            counts: Counts::default(),
            chance: Box::new(move || random.u32(..)),
            stream: None,
            task: None,
            paged: VecDeque::new(),
            goal: Seq::ZERO,
            opened: false,
            fresh: false,
            over: false,
        }
    }

    /// The same watcher with pauses drawn from `chance`, over the whole range of the number.
    #[must_use]
    pub fn with_chance(mut self, chance: impl FnMut() -> u32 + Send + 'static) -> Self {
        self.chance = Box::new(chance);
        self
    }

    /// Waits for what the run says next; nothing when it is over. The future may be dropped and
    /// `next` called again: nothing is lost.
    pub async fn next(&mut self) -> Result<Option<Told>, WatchError> {
        self.tell(|raw, run| raw.read(run)).await
    }

    /// The same without reading the events: cheaper, and open for types of newer servers.
    pub async fn next_raw(&mut self) -> Result<Option<Told<RawEvent>>, WatchError> {
        self.tell(|raw, _| Ok(raw)).await
    }

    /// The last event that was told.
    pub fn last(&self) -> Seq {
        self.follow.last()
    }

    /// What it took so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Gives the connection up; the next call makes a new one at once.
    pub fn drop_connection(&mut self) {
        self.stream = None;
        self.task = None;
    }

    async fn tell<E>(&mut self, read: Read<E>) -> Result<Option<Told<E>>, WatchError> {
        loop {
            if self.over || self.follow.is_over() {
                self.drop_connection();
                return Ok(None);
            }
            let told = match self.paged.pop_front() {
                Some(raw) => self.take(raw, read),
                None => match self.work().await {
                    Ok(Some(frame)) => self.take_frame(frame, read),
                    Ok(None) => Ok(None),
                    Err(setback) => Err(setback),
                },
            };
            match told {
                Ok(None) => {}
                Ok(told) => return Ok(told),
                Err(setback) => self.fall_back(setback)?,
            }
        }
    }

    /// Carries on what is under way, up to the next frame or the next change.
    async fn work(&mut self) -> Result<Option<Sse>, Setback> {
        if self.task.is_none() {
            self.task = self.plan();
        }
        if let Some(task) = &mut self.task {
            let done = task.await;
            self.task = None;
            self.finish(done?)?;
            return Ok(None);
        }
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        let frame = stream.next().await?;
        if frame.is_none() {
            let age = stream.age();
            self.stream = None;
            self.ended(age)?;
        }
        Ok(frame)
    }

    /// What has to be done before the stream can be read; nothing if it can.
    fn plan(&self) -> Option<BoxFuture<'static, Result<Done, Setback>>> {
        let after = self.follow.last();
        if after < self.goal {
            let page = self.asker.page(after);
            return Some(Box::pin(async { page.await.map(Done::Page) }));
        }
        if self.stream.is_none() {
            let open = self.asker.open(after);
            return Some(Box::pin(async { open.await.map(Done::Opened) }));
        }
        None
    }

    fn finish(&mut self, done: Done) -> Result<(), Setback> {
        match done {
            Done::Paused => {}
            Done::Opened(None) => self.over = true,
            Done::Opened(stream) => {
                self.counts.reconnects += u64::from(self.opened);
                self.opened = true;
                self.fresh = false;
                self.stream = stream;
            }
            Done::Page(events) => {
                self.counts.pages += 1;
                let expected = self.follow.last().next();
                // Else the same page would be asked for again and again.
                if !events.iter().any(|event| event.seq == expected) {
                    return Err(Trouble::Missing(expected).into());
                }
                self.paged = events.into();
            }
        }
        Ok(())
    }

    /// The server has ended the stream. After a time, or behind something new, that is its way;
    /// at once, it is as good as a failure.
    fn ended(&mut self, age: Duration) -> Result<(), Setback> {
        if !self.fresh && age < self.idle / 3 {
            return Err(Trouble::Ended.into());
        }
        self.backoff.progressed();
        self.pause(Duration::ZERO);
        Ok(())
    }

    fn take_frame<E>(&mut self, frame: Sse, read: Read<E>) -> Result<Option<Told<E>>, Setback> {
        if let Some(retry_ms) = frame.retry {
            self.backoff.told(retry_ms);
        }
        let raw = match Frame::read(frame)? {
            Frame::Event(raw) => raw,
            Frame::Text(text) => {
                self.progressed();
                return Ok(Some(Told::Text(text)));
            }
            Frame::Other => return Ok(None),
        };
        self.take(raw, read)
    }

    fn take<E>(&mut self, raw: RawEvent, read: Read<E>) -> Result<Option<Told<E>>, Setback> {
        let (seq, terminal) = (raw.seq, raw.is_terminal());
        // Read before it is taken, so that one that cannot be read does not count as told.
        let event = read(raw, &self.asker.run)?;
        match self.follow.take(seq, terminal, event) {
            Step::Show(event) => {
                self.progressed();
                return Ok(Some(Told::Event(event)));
            }
            Step::Known => self.counts.repeats += 1,
            Step::Gap { found, .. } => self.goal = found.max(self.goal),
            Step::Over => {}
        }
        Ok(None)
    }

    fn progressed(&mut self) {
        self.fresh = true;
        self.backoff.progressed();
    }

    /// Lets go of everything under way, and tries again later where that may help.
    fn fall_back(&mut self, setback: Setback) -> Result<(), WatchError> {
        self.drop_connection();
        self.paged.clear();
        self.goal = Seq::ZERO;
        let trouble = match setback {
            Setback::Stop(error) => return Err(error),
            Setback::Again(trouble) => trouble,
        };
        self.backoff.failed();
        let tries = self.backoff.failures();
        if self.max_tries.is_some_and(|max| tries >= max) {
            self.backoff.progressed();
            let last = trouble;
            return Err(WatchError::GaveUp { tries, last });
        }
        let wanted = match &trouble {
            Trouble::Busy { wait, .. } => wait.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        self.pause(wanted.min(Duration::from_millis(WATCH_PAUSE_MS_MAX)));
        Ok(())
    }

    fn pause(&mut self, at_least: Duration) {
        let pause = self.backoff.pause((self.chance)()).max(at_least);
        self.task = Some(Box::pin(async move {
            sleep(pause).await;
            Ok(Done::Paused)
        }));
    }
}
