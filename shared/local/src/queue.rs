//! The queue of a local process: memory only, because the unfinished heads rebuild it.

use crate::lock;
use lattice_model::limits::QUEUE_DELAY_MS_MAX;
use lattice_ports::memory::{QueueRules, QueueState};
use lattice_ports::{Delivery, Message, PortError, Receipt, StageQueue};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The queue of a local process; needs a tokio runtime with time. Clones are the same queue.
///
/// A message that is neither acknowledged nor given back stays out for good, as its worker lives in
/// the same process.
#[derive(Debug, Clone)]
pub struct LocalQueue {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    state: Mutex<State>,
    /// Wakes one receiver, who wakes the next one if there is more.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    queue: QueueState,
    closed: bool,
}

/// What a receiver finds.
enum Found {
    Delivery(Delivery),
    Closed,
    NothingUntil(Option<Instant>),
}

impl LocalQueue {
    /// An empty queue. Delays count from now on, in any runtime.
    pub fn new() -> Self {
        let rules = QueueRules {
            visibility_ms: None,
        };
        let state = State {
            queue: QueueState::new(rules),
            closed: false,
        };
        let shared = Shared {
            began: Instant::now(),
            state: Mutex::new(state),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Ends all waiting: from now on `receive` gives `None`.
    pub fn close(&self) {
        lock(&self.shared.state).closed = true;
        self.shared.changed.notify_waiters();
        self.shared.changed.notify_one();
    }

    /// How many messages there are, those handed out included.
    pub fn len(&self) -> usize {
        lock(&self.shared.state).queue.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn change(&self, apply: impl FnOnce(&mut QueueState, u64)) {
        apply(&mut lock(&self.shared.state).queue, self.now_ms());
        self.shared.changed.notify_one();
    }

    fn look(&self) -> Found {
        let now_ms = self.now_ms();
        let mut state = lock(&self.shared.state);
        if state.closed {
            return Found::Closed;
        }
        let found = state.queue.take(now_ms);
        let next_ms = state.queue.next_due_ms();
        match found {
            Some(delivery) => {
                if next_ms.is_some_and(|due_ms| due_ms <= now_ms) {
                    self.shared.changed.notify_one();
                }
                Found::Delivery(delivery)
            }
            None => Found::NothingUntil(next_ms.map(|due_ms| self.moment(due_ms))),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.shared.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn moment(&self, at_ms: u64) -> Instant {
        self.shared.began + Duration::from_millis(at_ms)
    }
}

impl Default for LocalQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl StageQueue for LocalQueue {
    async fn send(&self, message: Message, delay_ms: u64) -> Result<(), PortError> {
        let delay_ms = delay_ms.min(QUEUE_DELAY_MS_MAX);
        self.change(|queue, now_ms| queue.push(message, now_ms.saturating_add(delay_ms)));
        Ok(())
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        loop {
            let changed = self.shared.changed.notified();
            match self.look() {
                Found::Delivery(delivery) => return Ok(Some(delivery)),
                Found::Closed => {
                    // Whoever was not waiting when the queue was closed is told by the one before.
                    self.shared.changed.notify_one();
                    return Ok(None);
                }
                Found::NothingUntil(Some(due)) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(due) => {}
                    }
                }
                Found::NothingUntil(None) => changed.await,
            }
        }
    }

    async fn ack(&self, receipt: &Receipt) -> Result<(), PortError> {
        self.change(|queue, _| {
            queue.ack(receipt);
        });
        Ok(())
    }

    async fn give_back(&self, receipt: &Receipt, delay_ms: u64) -> Result<(), PortError> {
        let delay_ms = delay_ms.min(QUEUE_DELAY_MS_MAX);
        self.change(|queue, now_ms| {
            queue.give_back(receipt, now_ms.saturating_add(delay_ms));
        });
        Ok(())
    }
}
