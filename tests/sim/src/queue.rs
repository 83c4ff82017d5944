//! A queue as the cloud has it: at least once, in any order, hidden while it is being served.

use crate::desk::ProcessId;
use crate::fate::Kind;
use crate::lock;
use crate::oracle::Chance;
use crate::scenario::Traffic;
use crate::sim::Sim;
use lattice_model::limits::QUEUE_DELAY_MS_MAX;
use lattice_ports::memory::{QueueRules, QueueState};
use lattice_ports::{Delivery, Message, PortError, Receipt, StageQueue};
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The longest extra delay of a reordered message: longer than most attempts.
const REORDER_MS_MAX: usize = 20_000;

/// Messages beyond which no more copies are made.
const CROWD_MAX: usize = 24;

/// The queue itself, which outlives its workers in the cloud.
#[derive(Debug)]
pub struct Mailbox {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rules: QueueRules,
    messages: QueueState,
    waiting: Vec<Waker>,
    traffic: Traffic,
    chance: Chance,
}

impl Mailbox {
    /// An empty queue.
    pub fn new(rules: QueueRules, traffic: Traffic, seed: u64) -> Self {
        let messages = QueueState::new(rules);
        let (waiting, chance) = (Vec::new(), Chance::new(seed ^ 0x51));
        let state = State {
            rules,
            messages,
            waiting,
            traffic,
            chance,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Loses everything, as a queue in the memory of a process does.
    pub fn lose(&self) {
        let mut state = lock(&self.state);
        state.messages = QueueState::new(state.rules);
    }

    /// The moment at which the next message may be handed out.
    pub fn next_due_ms(&self) -> Option<u64> {
        lock(&self.state).messages.next_due_ms()
    }

    /// Wakes whoever waits for a message, to look again.
    pub fn stir(&self) {
        let waiting = std::mem::take(&mut lock(&self.state).waiting);
        for waker in waiting {
            waker.wake();
        }
    }

    fn push(&self, message: &Message, now_ms: u64, delay_ms: u64) {
        let delay_ms = delay_ms.min(QUEUE_DELAY_MS_MAX);
        let extras = lock(&self.state).extra_delays();
        for extra_ms in extras {
            let visible_ms = now_ms.saturating_add(delay_ms).saturating_add(extra_ms);
            lock(&self.state).messages.push(message.clone(), visible_ms);
        }
        self.stir();
    }
}

impl State {
    /// One entry for each copy of a message: by how much it is late.
    fn extra_delays(&mut self) -> Vec<u64> {
        // A copy is served and sent on like any other message, so copies of copies would never end.
        if self.messages.len() > CROWD_MAX && self.traffic != Traffic::Lossy {
            return vec![0];
        }
        match self.traffic {
            Traffic::Plain => vec![0],
            Traffic::Duplicated => vec![0, 0],
            Traffic::Reordered => vec![self.chance.below(REORDER_MS_MAX) as u64],
            Traffic::Lossy => match self.chance.percent(50) {
                true => Vec::new(),
                false => vec![0],
            },
            Traffic::Chaos => {
                let copies = 1 + self.chance.below(3);
                let late = |chance: &mut Chance| match chance.percent(50) {
                    true => chance.below(QUEUE_DELAY_MS_MAX as usize) as u64,
                    false => chance.below(2_000) as u64,
                };
                (0..copies).map(|_| late(&mut self.chance)).collect()
            }
        }
    }
}

/// The queue as one process sees it.
pub struct SimQueue {
    /// The world.
    pub sim: Arc<Sim>,
    /// Who looks.
    pub process: ProcessId,
}

impl SimQueue {
    /// Ends once a message may be handed out.
    async fn visible(&self) {
        poll_fn(|context| {
            let mut state = lock(&self.sim.mailbox.state);
            let now_ms = self.sim.now_ms();
            if state
                .messages
                .next_due_ms()
                .is_some_and(|due| due <= now_ms)
            {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn now_ms(&self) -> u64 {
        self.sim.now_ms()
    }
}

impl StageQueue for SimQueue {
    async fn send(&self, message: Message, delay_ms: u64) -> Result<(), PortError> {
        let send = async {
            self.sim.mailbox.push(&message, self.now_ms(), delay_ms);
            Ok(())
        };
        self.sim.call(self.process, Kind::Send, send).await
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        loop {
            self.visible().await;
            let take = async { Ok(lock(&self.sim.mailbox.state).messages.take(self.now_ms())) };
            let taken = self.sim.call(self.process, Kind::Receive, take).await?;
            if taken.is_some() {
                return Ok(taken);
            }
        }
    }

    async fn ack(&self, receipt: &Receipt) -> Result<(), PortError> {
        let ack = async {
            lock(&self.sim.mailbox.state).messages.ack(receipt);
            self.sim.mailbox.stir();
            Ok(())
        };
        self.sim.call(self.process, Kind::Ack, ack).await
    }

    async fn give_back(&self, receipt: &Receipt, delay_ms: u64) -> Result<(), PortError> {
        let give_back = async {
            let visible_ms = self
                .now_ms()
                .saturating_add(delay_ms.min(QUEUE_DELAY_MS_MAX));
            lock(&self.sim.mailbox.state)
                .messages
                .give_back(receipt, visible_ms);
            self.sim.mailbox.stir();
            Ok(())
        };
        self.sim.call(self.process, Kind::GiveBack, give_back).await
    }
}
