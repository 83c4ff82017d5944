//! The desk at which every port call waits until the scheduler lets it go on.

use crate::fate::{Fate, Kind};
use crate::lock;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// A process: something that crashes as a whole.
pub type ProcessId = u32;

/// Calls that wait, and calls that were just let go.
#[derive(Debug, Default)]
pub struct Desk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tickets: u64,
    parked: BTreeMap<u64, Parked>,
    granted: BTreeMap<u64, Fate>,
}

#[derive(Debug)]
struct Parked {
    process: ProcessId,
    kind: Kind,
    waker: Waker,
}

/// A call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Names it; rises in the order in which calls came.
    pub number: u64,
    /// Whose call it is.
    pub process: ProcessId,
    /// Which call it is.
    pub kind: Kind,
}

impl Desk {
    /// Waits for the scheduler's word on a call. Dropped before, the call was never made.
    pub fn gate(&self, process: ProcessId, kind: Kind) -> Gate<'_> {
        let desk = self;
        Gate {
            desk,
            process,
            kind,
            ticket: None,
        }
    }

    /// How many calls wait.
    pub fn len(&self) -> usize {
        lock(&self.state).parked.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The call that has waited longest but for `place` others.
    pub fn nth(&self, place: usize) -> Option<Ticket> {
        let state = lock(&self.state);
        let (number, parked) = state.parked.iter().nth(place)?;
        let (number, process, kind) = (*number, parked.process, parked.kind);
        Some(Ticket {
            number,
            process,
            kind,
        })
    }

    /// Lets a call go on to its fate.
    pub fn grant(&self, ticket: Ticket, fate: Fate) {
        let waker = {
            let mut state = lock(&self.state);
            let Some(parked) = state.parked.remove(&ticket.number) else {
                return;
            };
            state.granted.insert(ticket.number, fate);
            parked.waker
        };
        waker.wake();
    }
}

/// See `Desk::gate`.
pub struct Gate<'a> {
    desk: &'a Desk,
    process: ProcessId,
    kind: Kind,
    ticket: Option<u64>,
}

impl Future for Gate<'_> {
    type Output = Fate;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Fate> {
        let gate = &mut *self;
        let mut state = lock(&gate.desk.state);
        match gate.ticket {
            None => {
                state.tickets += 1;
                let ticket = state.tickets;
                let waker = context.waker().clone();
                let (process, kind) = (gate.process, gate.kind);
                state.parked.insert(
                    ticket,
                    Parked {
                        process,
                        kind,
                        waker,
                    },
                );
                gate.ticket = Some(ticket);
                Poll::Pending
            }
            Some(ticket) => match state.granted.remove(&ticket) {
                Some(fate) => Poll::Ready(fate),
                None => Poll::Pending,
            },
        }
    }
}

impl Drop for Gate<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let mut state = lock(&self.desk.state);
            state.parked.remove(&ticket);
            state.granted.remove(&ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_call_waits_for_its_fate_and_a_dropped_one_leaves_nothing() {
        let desk = Desk::default();
        let mut one = desk.gate(1, Kind::Load);
        let mut two = desk.gate(2, Kind::Append);
        assert!((&mut one).now_or_never().is_none());
        assert!((&mut two).now_or_never().is_none());
        let ticket = desk.nth(1).unwrap();
        assert_eq!((ticket.process, ticket.kind), (2, Kind::Append));
        desk.grant(ticket, Fate::Refused);
        assert_eq!(two.now_or_never(), Some(Fate::Refused));
        drop(one);
        assert!(desk.is_empty());
    }
}
