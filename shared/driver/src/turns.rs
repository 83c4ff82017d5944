//! One appender per run and process (protocol, rule 8): what a message asks for is done by whoever of
//! this process is at the run already. A worker of its own would decide the same from the same log, and
//! one of the two would be refused its commit.

use crate::driver::lock;
use lattice_model::RunId;
use lattice_ports::Saw;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The runs that somebody of this process is at.
pub(crate) type Turns = Mutex<BTreeMap<RunId, Arc<Mutex<Told>>>>;

/// What whoever is at a run was told by messages that came meanwhile.
#[derive(Default)]
pub(crate) struct Told {
    /// How many came.
    times: u64,
    /// Claims whose leases were waited out by whoever sent them.
    saw: Vec<Saw>,
    waker: Option<Waker>,
}

/// The turn of one worker at one run. It ends when it is dropped, however that comes about: what was
/// told is not lost by it, as the message of this very worker then comes again.
pub(crate) struct Turn<'d> {
    turns: &'d Turns,
    run: RunId,
    told: Arc<Mutex<Told>>,
    /// How many of those told woke this worker.
    heard: u64,
    /// How many of them came before it last looked at everything.
    looked: u64,
}

impl<'d> Turn<'d> {
    /// Begins a turn. `None` if somebody is at the run: then they have been told.
    pub fn begin(turns: &'d Turns, run: &RunId, saw: &[Saw]) -> Option<Self> {
        let mut all = lock(turns);
        if let Some(told) = all.get(run) {
            let mut told = lock(told);
            told.times += 1;
            told.saw.extend_from_slice(saw);
            if let Some(waker) = told.waker.take() {
                waker.wake();
            }
            return None;
        }
        let told = Told {
            saw: saw.to_vec(),
            ..Told::default()
        };
        let told = Arc::new(Mutex::new(told));
        all.insert(run.clone(), Arc::clone(&told));
        Some(Self {
            turns,
            run: run.clone(),
            told,
            heard: 0,
            looked: 0,
        })
    }

    /// How often this worker was told by now: name it to `looked` after everything was looked at.
    pub fn mark(&self) -> u64 {
        lock(&self.told).times
    }

    /// Notes that log and inbox were looked at behind `mark`.
    pub fn looked(&mut self, mark: u64) {
        (self.looked, self.heard) = (mark, self.heard.max(mark));
    }

    /// Whether somebody was told of news since it last looked.
    pub fn has_news(&self) -> bool {
        self.mark() > self.looked
    }

    /// Waits until it is told of news; each time once.
    pub async fn news(&mut self) {
        let Self { told, heard, .. } = self;
        poll_fn(|context| {
            let mut told = lock(told);
            if told.times > *heard {
                *heard = told.times;
                return Poll::Ready(());
            }
            told.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Whether a message said that the lease of this claim was waited out.
    pub fn saw(&self, is_it: impl FnMut(&Saw) -> bool) -> bool {
        lock(&self.told).saw.iter().any(is_it)
    }

    /// Ends the turn; not if there is news, since whoever told it relies on this worker.
    pub fn end(&mut self) -> bool {
        let mut all = lock(self.turns);
        let is_done = !self.has_news();
        if is_done {
            self.remove(&mut all);
        }
        is_done
    }

    fn remove(&self, all: &mut BTreeMap<RunId, Arc<Mutex<Told>>>) {
        let is_mine = |told: &Arc<Mutex<Told>>| Arc::ptr_eq(told, &self.told);
        if all.get(&self.run).is_some_and(is_mine) {
            all.remove(&self.run);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.remove(&mut lock(self.turns));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use futures::FutureExt;
    use lattice_model::StageId;

    fn run() -> RunId {
        "run_01kav9ft002ewg85j3ncfvyz7c".parse().unwrap()
    }

    fn saw() -> Saw {
        Saw {
            stage: StageId::new("draft"),
            attempt: 2,
        }
    }

    #[test]
    fn whoever_comes_second_tells_the_first_who_cannot_leave_before_it_looked() {
        let turns = Turns::default();
        let mut first = Turn::begin(&turns, &run(), &[]).unwrap();
        assert!(first.news().now_or_never().is_none());
        assert!(Turn::begin(&turns, &run(), &[saw()]).is_none());
        assert!(first.news().now_or_never().is_some());
        assert!(first.news().now_or_never().is_none(), "it is told once");
        assert!(first.saw(|it| *it == saw()));
        assert!(!first.end());
        let mark = first.mark();
        assert!(Turn::begin(&turns, &run(), &[]).is_none());
        first.looked(mark);
        assert!(!first.end(), "one came while it looked");
        first.looked(first.mark());
        assert!(first.end());
        assert!(Turn::begin(&turns, &run(), &[]).is_some());
    }

    #[test]
    fn a_turn_that_is_over_does_not_end_the_next_one() {
        let turns = Turns::default();
        let mut first = Turn::begin(&turns, &run(), &[]).unwrap();
        assert!(first.end());
        let second = Turn::begin(&turns, &run(), &[]).unwrap();
        drop(first);
        assert!(Turn::begin(&turns, &run(), &[]).is_none());
        drop(second);
        assert!(Turn::begin(&turns, &run(), &[]).is_some());
    }
}
