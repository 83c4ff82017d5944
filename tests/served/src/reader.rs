//! One reader of one run: follows it with the real client, drops its connection at the places it is
//! told to, and notes what it saw.

use lattice_client::{Counts, RawEvent, Server, Told, WatchOptions, Watcher};
use lattice_model::{RunId, Seq};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;
use tokio::time::timeout;

/// Who follows, and how often the connection goes.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// The last event that it has already.
    pub from: u64,
    /// Behind which events it drops its connection, in order, each place once. A place that it has
    /// already is a drop before anything came.
    pub drops: VecDeque<u64>,
}

/// What a reader saw.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// The last event that it had when it began.
    pub from: u64,
    /// A fingerprint of each event, as the events came.
    pub prints: Vec<u64>,
    /// Events that came too early.
    pub gaps: u64,
    /// Events that came again.
    pub repeats: u64,
    /// Pieces of live text.
    pub texts: u64,
    /// Connections dropped on purpose.
    pub dropped: u64,
    /// What the client did to make it whole.
    pub counts: Counts,
    /// Why it ended before the run did.
    pub failed: Option<String>,
}

/// How long a connection may have been under way when it is dropped before anything came.
const EARLY: Duration = Duration::from_millis(3);

/// Tells texts apart.
pub fn fingerprint(json: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(json.as_bytes());
    hasher.finish()
}

impl Reader {
    /// Reads to the end of the run; `heard` is told of each event as it comes.
    pub async fn read(
        mut self,
        server: &Server,
        run: &RunId,
        mut heard: impl FnMut(&RawEvent),
    ) -> Read {
        let mut read = Read {
            from: self.from,
            ..Read::default()
        };
        let options = WatchOptions {
            from: Seq::from_stored(self.from),
            ..WatchOptions::default()
        };
        match server.watch(run.clone(), options) {
            Err(error) => read.failed = Some(error.to_string()),
            Ok(mut watcher) => {
                self.drop_early(&mut watcher, &mut read, &mut heard).await;
                self.follow(&mut watcher, &mut read, &mut heard).await;
                read.counts = watcher.counts();
            }
        }
        read
    }

    async fn drop_early(
        &mut self,
        watcher: &mut Watcher,
        read: &mut Read,
        heard: &mut impl FnMut(&RawEvent),
    ) {
        while self
            .drops
            .pop_front_if(|place| *place <= self.from)
            .is_some()
        {
            match timeout(EARLY, watcher.next_raw()).await {
                Ok(Ok(Some(told))) => read.note(told, heard),
                Ok(Ok(None)) => return,
                Ok(Err(error)) => return read.failed = Some(said(&error)),
                Err(_) => {}
            }
            watcher.drop_connection();
            read.dropped += 1;
        }
    }

    async fn follow(
        &mut self,
        watcher: &mut Watcher,
        read: &mut Read,
        heard: &mut impl FnMut(&RawEvent),
    ) {
        while read.failed.is_none() {
            match watcher.next_raw().await {
                Ok(Some(told)) => read.note(told, heard),
                Ok(None) => return,
                Err(error) => read.failed = Some(said(&error)),
            }
            let last = read.last();
            if self.drops.pop_front_if(|place| *place <= last).is_some() {
                watcher.drop_connection();
                read.dropped += 1;
            }
        }
    }
}

impl Read {
    /// The last event that it has.
    pub fn last(&self) -> u64 {
        self.from + self.prints.len() as u64
    }

    fn note(&mut self, told: Told<RawEvent>, heard: &mut impl FnMut(&RawEvent)) {
        match told {
            Told::Text(_) => self.texts += 1,
            Told::Event(event) => {
                self.event(event.seq.get(), &event.json);
                heard(&event);
            }
        }
    }

    /// Notes an event that came.
    pub fn event(&mut self, seq: u64, json: &str) {
        let expected = self.last() + 1;
        self.gaps += u64::from(seq > expected);
        self.repeats += u64::from(seq < expected);
        self.prints.push(fingerprint(json));
    }

    /// Goes on with what was read behind it.
    pub fn join(&mut self, behind: Self) {
        self.gaps += behind.gaps + u64::from(behind.from != self.last());
        self.repeats += behind.repeats;
        self.texts += behind.texts;
        self.dropped += behind.dropped;
        self.counts = behind.counts;
        self.failed = behind.failed;
        self.prints.extend(behind.prints);
    }
}

/// An error and what caused it.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
