//! What is stored, and whether a reader saw exactly that.

use crate::reader::{Read, fingerprint};
use lattice_journal::Event;
use std::ops::AddAssign;

/// The log of one run, as fingerprints of its events.
#[derive(Debug, Default)]
pub struct StoredLog {
    /// Each event as a stream renders it, and as the client renders one that came in a page.
    prints: Vec<[u64; 2]>,
    broken: bool,
}

/// What is wrong with what readers saw; all 0 if nothing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Events that were skipped, those that the client had to fetch included.
    pub gaps: u64,
    /// Events that came again, those that the client dropped included.
    pub repeats: u64,
    /// Events that are not as they are stored.
    pub different: u64,
    /// Readers without the end of the log.
    pub incomplete: u64,
}

impl AddAssign for Judged {
    fn add_assign(&mut self, other: Self) {
        self.gaps += other.gaps;
        self.repeats += other.repeats;
        self.different += other.different;
        self.incomplete += other.incomplete;
    }
}

impl StoredLog {
    /// The log of these events.
    pub fn new(events: &[Event]) -> Self {
        let dense = (1..).zip(events).all(|(seq, event)| event.seq.get() == seq);
        let ends = events.last().is_some_and(|event| event.body.is_terminal());
        let print = |event: &Event| {
            // An event is a tree of plain values, so it always serialises.
            let sent = serde_json::to_string(event).unwrap_or_default();
            let paged = serde_json::to_value(event).unwrap_or_default().to_string();
            [fingerprint(&sent), fingerprint(&paged)]
        };
        Self {
            prints: events.iter().map(print).collect(),
            broken: !dense || !ends,
        }
    }

    /// Its events.
    pub fn len(&self) -> usize {
        self.prints.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// Whether it is not dense from 1 to a terminal event.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Compares what a reader saw with it.
    pub fn judge(&self, read: &Read) -> Judged {
        let from = usize::try_from(read.from).unwrap_or(usize::MAX);
        let stored = self.prints.get(from..).unwrap_or_default();
        let same = |(seen, stored): &(&u64, &[u64; 2])| stored.contains(seen);
        let equal = read.prints.iter().zip(stored).filter(same).count();
        Judged {
            gaps: read.gaps + read.counts.pages,
            repeats: read.repeats + read.counts.repeats,
            different: (read.prints.len() - equal) as u64,
            incomplete: u64::from(read.failed.is_some() || read.prints.len() < stored.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use lattice_journal::payload::{RunCancelled, RunStarted};
    use lattice_model::{Millis, RunId, Seq};

    fn events(count: u64) -> Vec<Event> {
        let event = |seq| Event {
            run: RunId::from_parts(Millis::new(1), [0; 10]),
            seq: Seq::from_stored(seq),
            timestamp: Millis::new(0),
            body: match seq == count {
                false => RunStarted {}.into(),
                true => RunCancelled {
                    totals: Default::default(),
                }
                .into(),
            },
        };
        (1..=count).map(event).collect()
    }

    fn read(from: u64, events: &[Event]) -> Read {
        let mut read = Read {
            from,
            ..Read::default()
        };
        for event in events {
            read.event(event.seq.get(), &serde_json::to_string(event).unwrap());
        }
        read
    }

    #[test]
    fn only_exactly_the_log_is_right() {
        let all = events(5);
        let log = StoredLog::new(&all);
        assert!(!log.is_broken() && log.len() == 5);
        let mut paged = Read::default();
        for event in &all {
            paged.event(
                event.seq.get(),
                &serde_json::to_value(event).unwrap().to_string(),
            );
        }
        let nothing = Judged::default();
        assert_eq!(log.judge(&paged), nothing);
        for from in 0..=5 {
            let behind = all.get(from..).unwrap();
            assert_eq!(log.judge(&read(from as u64, behind)), nothing, "{from}");
        }
        let short = log.judge(&read(0, all.get(..4).unwrap()));
        assert_eq!((short.incomplete, short.different), (1, 0));
        let gap = log.judge(&read(0, all.get(1..).unwrap()));
        assert!(gap.gaps > 0 && gap.incomplete == 1, "{gap:?}");
        let doubled: Vec<Event> = all.iter().chain(all.last()).cloned().collect();
        let doubled = log.judge(&read(0, &doubled));
        assert_eq!((doubled.repeats, doubled.different), (1, 1));
        let mut changed = all.clone();
        changed.get_mut(2).unwrap().timestamp = Millis::new(9);
        assert_eq!(log.judge(&read(0, &changed)).different, 1);
        let mut failed = read(0, &all);
        failed.failed = Some("x".to_owned());
        assert_eq!(log.judge(&failed).incomplete, 1);
    }

    #[test]
    fn a_log_with_a_hole_or_without_an_end_is_broken() {
        let all = events(5);
        assert!(StoredLog::new(all.get(..4).unwrap()).is_broken());
        assert!(StoredLog::new(all.get(1..).unwrap()).is_broken());
    }
}
