//! A run that somebody watches: a ring of rendered frames, and what models are saying.

use super::lock;
use bytes::Bytes;
use lattice_driver::TextSoFar;
use lattice_journal::{Event, EventBody};
use lattice_model::{RunId, Seq, StageId};
use lattice_wire::sse::{self, TextChunk};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{Notify, watch};

/// A run that somebody watches.
#[derive(Debug)]
pub struct Feed {
    run: RunId,
    ring: Mutex<Ring>,
    changed: watch::Sender<()>,
    hint: Notify,
    viewers: AtomicUsize,
    /// Bytes of the rings of all feeds.
    kept_bytes: Arc<AtomicUsize>,
}

/// A stored event as readers get it.
#[derive(Debug)]
struct Frame {
    bytes: Bytes,
    /// Bytes of all frames up to the end of this one.
    end: u64,
    /// When it was acknowledged, if this process saw it.
    at: Option<Instant>,
}

/// Frames without a gap up to `last`.
#[derive(Debug)]
struct Ring {
    frames: VecDeque<Frame>,
    bytes: usize,
    end: u64,
    last: Seq,
    over: bool,
    texts: BTreeMap<StageId, Spoken>,
}

/// What a model has said so far.
#[derive(Debug, Default)]
struct Spoken {
    attempt: u32,
    text: String,
}

/// How much of what models say a reader has, by stage: the attempt, bytes and characters.
pub type Heard = BTreeMap<StageId, (u32, usize, u64)>;

/// What there is for a reader.
#[derive(Debug)]
pub enum Taken {
    /// Frames and live text.
    Bytes {
        /// As they go over the wire.
        bytes: Vec<u8>,
        /// The last event in them, or the reader's own place.
        last: Seq,
        /// When the first of them was acknowledged, if this process saw it.
        at: Option<Instant>,
    },
    /// The reader's place is before the ring.
    Behind,
    /// Nothing now.
    Nothing,
    /// Nothing ever.
    Over,
}

impl Feed {
    /// A feed that begins behind `after`.
    pub fn new(run: RunId, after: Seq, kept_bytes: Arc<AtomicUsize>) -> Self {
        let ring = Ring {
            frames: VecDeque::new(),
            bytes: 0,
            end: 0,
            last: after,
            over: false,
            texts: BTreeMap::new(),
        };
        Self {
            run,
            ring: Mutex::new(ring),
            changed: watch::Sender::new(()),
            hint: Notify::new(),
            viewers: AtomicUsize::new(0),
            kept_bytes,
        }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The last event that is here, and whether it ends the run.
    pub fn end(&self) -> (Seq, bool) {
        let ring = lock(&self.ring);
        (ring.last, ring.over)
    }

    /// One more viewer.
    pub fn enter(&self) {
        self.viewers.fetch_add(1, Ordering::AcqRel);
    }

    /// One viewer less.
    pub fn leave(&self) {
        self.viewers.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether anybody watches.
    pub fn is_watched(&self) -> bool {
        self.viewers.load(Ordering::Acquire) > 0
    }

    /// Tells when something changes.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Lets the tail reader look at once.
    pub fn hint(&self) {
        self.hint.notify_one();
    }

    /// Ends at the next hint.
    pub async fn hinted(&self) {
        self.hint.notified().await;
    }

    /// Appends the events that continue the ring; others are known already, or come later.
    // INVARIANT: frames are dense: an event is taken only behind the last one.
    pub fn push(&self, events: &[Event], at: Option<Instant>) {
        let mut ring = lock(&self.ring);
        let mut added = 0;
        for event in events {
            if event.seq == ring.last.next() && !ring.over {
                added += ring.add(event, at);
            }
        }
        // Counted before anybody else can drop them, so that the count never goes below zero.
        self.kept_bytes.fetch_add(added, Ordering::Relaxed);
        drop(ring);
        if added > 0 {
            self.changed.send_replace(());
        }
    }

    /// Drops the oldest frames until so many bytes are left.
    pub fn trim(&self, most: usize) {
        let mut ring = lock(&self.ring);
        let before = ring.bytes;
        while ring.bytes > most {
            let Some(frame) = ring.frames.pop_front() else {
                break;
            };
            ring.bytes -= frame.bytes.len();
        }
        let dropped = before - ring.bytes;
        self.kept_bytes.fetch_sub(dropped, Ordering::Relaxed);
    }

    /// Keeps what a model says, for whoever watches now or comes later.
    pub fn say(&self, said: TextSoFar<'_>) {
        let mut ring = lock(&self.ring);
        if ring.over {
            return;
        }
        let spoken = ring.texts.entry(said.stage.clone()).or_default();
        // A late word of an attempt that was given up.
        if said.attempt < spoken.attempt {
            return;
        }
        if spoken.attempt != said.attempt || !said.text.starts_with(&spoken.text) {
            *spoken = Spoken {
                attempt: said.attempt,
                text: String::new(),
            };
        }
        let more = said.text.get(spoken.text.len()..).unwrap_or_default();
        let is_news = !more.is_empty();
        spoken.text.push_str(more);
        drop(ring);
        if is_news {
            self.changed.send_replace(());
        }
    }

    /// What there is behind `cursor`, about `most` bytes of it.
    pub fn take(&self, cursor: Seq, heard: &mut Heard, most: usize) -> Taken {
        let ring = lock(&self.ring);
        let first = ring.last.get() - ring.frames.len() as u64;
        if cursor.get() < first {
            return Taken::Behind;
        }
        // A reader may know more than the tail reader has fetched by now.
        let ahead = cursor.get() - first;
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let (mut last, mut at) = (cursor, None);
        for frame in ring.frames.iter().skip(ahead) {
            if bytes.is_empty() {
                at = frame.at;
            }
            bytes.extend_from_slice(&frame.bytes);
            last = last.next();
            if bytes.len() >= most {
                break;
            }
        }
        if last >= ring.last {
            ring.tell(heard, most, &mut bytes);
        }
        match (bytes.is_empty(), ring.over && last >= ring.last) {
            (false, _) => Taken::Bytes { bytes, last, at },
            (true, true) => Taken::Over,
            (true, false) => Taken::Nothing,
        }
    }

    /// Bytes of frames that stand ready behind `cursor`.
    pub fn behind_bytes(&self, cursor: Seq) -> u64 {
        let ring = lock(&self.ring);
        let first = ring.last.get() - ring.frames.len() as u64;
        let Some(ahead) = cursor.get().checked_sub(first) else {
            return u64::MAX;
        };
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        match ring.frames.get(ahead) {
            Some(frame) => ring.end - (frame.end - frame.bytes.len() as u64),
            None => 0,
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.trim(0);
    }
}

impl Ring {
    fn add(&mut self, event: &Event, at: Option<Instant>) -> usize {
        let bytes = Bytes::from(sse::frame(event));
        let added = bytes.len();
        self.bytes += added;
        self.end += added as u64;
        self.last = event.seq;
        self.over |= event.body.is_terminal();
        let end = self.end;
        self.frames.push_back(Frame { bytes, end, at });
        // What is stored takes the place of what was said on the way.
        match &event.body {
            EventBody::StageCompleted(done) => self.texts.remove(&done.stage),
            EventBody::StageFailed(failed) => self.texts.remove(&failed.stage),
            EventBody::StageRetrying(again) => self.texts.remove(&again.stage),
            EventBody::StageSkipped(skipped) => self.texts.remove(&skipped.stage),
            EventBody::LlmStepCompleted(done) => self.texts.remove(&done.stage),
            _ => None,
        };
        if self.over {
            self.texts.clear();
        }
        added
    }

    /// Adds the frames of what models say that the reader has not heard.
    fn tell(&self, heard: &mut Heard, most: usize, bytes: &mut Vec<u8>) {
        heard.retain(|stage, _| self.texts.contains_key(stage));
        for (stage, spoken) in &self.texts {
            let had = heard.entry(stage.clone()).or_insert((spoken.attempt, 0, 0));
            if had.0 != spoken.attempt || spoken.text.len() < had.1 {
                *had = (spoken.attempt, 0, 0);
            }
            let room = most.saturating_sub(bytes.len());
            let end = spoken.text.floor_char_boundary(had.1.saturating_add(room));
            let piece = spoken.text.get(had.1..end).unwrap_or_default();
            if piece.is_empty() {
                continue;
            }
            let chunk = TextChunk {
                stage: stage.clone(),
                attempt: spoken.attempt,
                offset: had.2,
                text: piece.to_owned(),
            };
            bytes.extend_from_slice(sse::text_frame(&chunk).as_bytes());
            *had = (spoken.attempt, end, had.2 + piece.chars().count() as u64);
        }
    }
}
