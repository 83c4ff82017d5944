//! Which message is handed out next. No clock and nobody waiting: both belong to the queues that
//! are made of it.

use super::turns::{Place, Turns};
use crate::{Delivery, Message, Receipt};
use std::collections::BTreeMap;

/// How a queue treats what it has handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueRules {
    /// A message that is neither acknowledged nor given back comes again after so long; `None` =
    /// never, for a queue that dies together with its workers.
    pub visibility_ms: Option<u64>,
}

/// The messages of a queue: of each tenant in turn, those of one earliest visible first, and in the
/// order they became so.
#[derive(Debug)]
pub struct QueueState {
    rules: QueueRules,
    items: BTreeMap<u64, Item>,
    order: Turns,
    turns: u64,
}

#[derive(Debug)]
struct Item {
    message: Message,
    receives: u32,
    out: bool,
    place: Option<Place>,
}

impl QueueState {
    /// An empty queue.
    pub fn new(rules: QueueRules) -> Self {
        Self {
            rules,
            items: BTreeMap::new(),
            order: Turns::default(),
            turns: 0,
        }
    }

    /// Adds a message that may be handed out from `visible_ms` on.
    pub fn push(&mut self, message: Message, visible_ms: u64) {
        let id = self.turns;
        self.items.insert(
            id,
            Item {
                message,
                receives: 0,
                out: false,
                place: None,
            },
        );
        self.put(id, visible_ms);
    }

    /// Hands out the message that has been visible the longest, if one is visible at `now_ms`.
    pub fn take(&mut self, now_ms: u64) -> Option<Delivery> {
        let place = self.order.take(now_ms)?;
        let item = self.items.get_mut(&place.id)?;
        item.receives += 1;
        item.out = true;
        item.place = None;
        let delivery = Delivery {
            message: item.message.clone(),
            receipt: Receipt(format!("{}.{}", place.id, item.receives)),
            receives: item.receives,
        };
        if let Some(visibility_ms) = self.rules.visibility_ms {
            self.put(place.id, now_ms.saturating_add(visibility_ms));
        }
        Some(delivery)
    }

    /// Deletes the delivered message; says whether the receipt was good. One is good until its
    /// message is given back or handed out again.
    pub fn ack(&mut self, receipt: &Receipt) -> bool {
        let Some(id) = self.recall(receipt) else {
            return false;
        };
        self.items.remove(&id);
        true
    }

    /// Lets the delivered message be handed out again from `visible_ms` on; says whether the
    /// receipt was good.
    pub fn give_back(&mut self, receipt: &Receipt, visible_ms: u64) -> bool {
        let Some(id) = self.recall(receipt) else {
            return false;
        };
        self.put(id, visible_ms);
        true
    }

    /// The moment from which the next message may be handed out.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.order.next_ms()
    }

    /// How many messages there are, those handed out included.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Ends the delivery that the receipt names, and gives the message's id.
    fn recall(&mut self, receipt: &Receipt) -> Option<u64> {
        let (id, receives) = receipt.0.split_once('.')?;
        let (id, receives) = (id.parse().ok()?, receives.parse::<u32>().ok()?);
        let item = self
            .items
            .get_mut(&id)
            .filter(|item| item.out && item.receives == receives)?;
        item.out = false;
        if let Some(place) = item.place.take() {
            self.order.remove(&item.message.tenant, place);
        }
        Some(id)
    }

    fn put(&mut self, id: u64, visible_ms: u64) {
        let place = Place {
            visible_ms,
            turn: self.turns,
            id,
        };
        self.turns += 1;
        if let Some(item) = self.items.get_mut(&id) {
            self.order.insert(&item.message.tenant, place);
            item.place = Some(place);
        }
    }
}
