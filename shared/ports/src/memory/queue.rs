//! A queue that delivers by a clock.

use super::lock;
use super::queue_state::{QueueRules, QueueState};
use crate::{Clock, Delivery, Message, PortError, Receipt, StageQueue};
use futures::future::{Either, poll_fn, select};
use lattice_model::limits::QUEUE_DELAY_MS_MAX;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// A queue that delivers by a clock. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct MemoryQueue<C> {
    clock: C,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    state: QueueState,
    closed: bool,
    /// Rises with every change that may let somebody receive.
    changes: u64,
    waiting: Vec<Waker>,
}

/// What a receiver finds.
enum Found {
    Delivery(Delivery),
    Closed,
    Nothing { until_ms: Option<u64>, changes: u64 },
}

impl<C: Clock> MemoryQueue<C> {
    /// An empty queue whose delays are counted by the monotonic clock.
    pub fn new(clock: C, rules: QueueRules) -> Self {
        let state = QueueState::new(rules);
        let shared = Shared {
            state,
            closed: false,
            changes: 0,
            waiting: Vec::new(),
        };
        Self {
            clock,
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Hands out a message that is visible at `now_ms`, without waiting for one.
    pub fn try_receive(&self, now_ms: u64) -> Option<Delivery> {
        lock(&self.shared).state.take(now_ms)
    }

    /// The monotonic moment from which the next message may be handed out.
    pub fn next_due_ms(&self) -> Option<u64> {
        lock(&self.shared).state.next_due_ms()
    }

    /// How many messages there are, those handed out included.
    pub fn len(&self) -> usize {
        lock(&self.shared).state.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all waiting: from now on `receive` gives `None`.
    pub fn close(&self) {
        self.change(|shared| shared.closed = true);
    }

    fn change<T>(&self, apply: impl FnOnce(&mut Shared) -> T) -> T {
        let (outcome, woken) = {
            let mut shared = lock(&self.shared);
            let outcome = apply(&mut shared);
            shared.changes += 1;
            (outcome, std::mem::take(&mut shared.waiting))
        };
        for waker in woken {
            waker.wake();
        }
        outcome
    }

    fn look(&self) -> Found {
        let mut shared = lock(&self.shared);
        if shared.closed {
            return Found::Closed;
        }
        let now_ms = self.clock.monotonic_ms();
        if let Some(delivery) = shared.state.take(now_ms) {
            return Found::Delivery(delivery);
        }
        let until_ms = shared
            .state
            .next_due_ms()
            .map(|due| due.saturating_sub(now_ms));
        Found::Nothing {
            until_ms,
            changes: shared.changes,
        }
    }

    /// Ends once the queue has changed since `seen`.
    async fn changed(&self, seen: u64) {
        poll_fn(|context| {
            let mut shared = lock(&self.shared);
            if shared.changes != seen {
                return Poll::Ready(());
            }
            if !shared
                .waiting
                .iter()
                .any(|waker| waker.will_wake(context.waker()))
            {
                shared.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn visible_ms(&self, delay_ms: u64) -> u64 {
        self.clock
            .monotonic_ms()
            .saturating_add(delay_ms.min(QUEUE_DELAY_MS_MAX))
    }
}

impl<C: Clock> StageQueue for MemoryQueue<C> {
    async fn send(&self, message: Message, delay_ms: u64) -> Result<(), PortError> {
        let visible_ms = self.visible_ms(delay_ms);
        self.change(|shared| shared.state.push(message, visible_ms));
        Ok(())
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        loop {
            let (until_ms, changes) = match self.look() {
                Found::Delivery(delivery) => return Ok(Some(delivery)),
                Found::Closed => return Ok(None),
                Found::Nothing { until_ms, changes } => (until_ms, changes),
            };
            let changed = pin!(self.changed(changes));
            let due = match until_ms {
                Some(until_ms) => Either::Left(self.clock.sleep(until_ms)),
                None => Either::Right(std::future::pending()),
            };
            select(changed, pin!(due)).await;
        }
    }

    async fn ack(&self, receipt: &Receipt) -> Result<(), PortError> {
        self.change(|shared| shared.state.ack(receipt));
        Ok(())
    }

    async fn give_back(&self, receipt: &Receipt, delay_ms: u64) -> Result<(), PortError> {
        let visible_ms = self.visible_ms(delay_ms);
        self.change(|shared| shared.state.give_back(receipt, visible_ms));
        Ok(())
    }
}
