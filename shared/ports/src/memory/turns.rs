//! Which of the messages that may be handed out comes next: tenants take turns, and of each the message
//! that has been visible the longest.

use lattice_model::Tenant;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// When a message may be handed out; the turn keeps those of one moment in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub visible_ms: u64,
    pub turn: u64,
    pub id: u64,
}

/// The places of all messages.
#[derive(Debug, Default)]
pub(super) struct Turns {
    of: BTreeMap<Tenant, BTreeSet<Place>>,
    /// Whose turn it was last.
    last: Option<Tenant>,
}

impl Turns {
    pub fn insert(&mut self, tenant: &Tenant, place: Place) {
        match self.of.get_mut(tenant) {
            Some(places) => places.insert(place),
            None => self.of.entry(tenant.clone()).or_default().insert(place),
        };
    }

    pub fn remove(&mut self, tenant: &Tenant, place: Place) {
        let Some(places) = self.of.get_mut(tenant) else {
            return;
        };
        places.remove(&place);
        if places.is_empty() {
            self.of.remove(tenant);
        }
    }

    /// Takes the place whose turn it is out. Tenants have their turns in the order of their names, so
    /// nobody waits for more than one message of each of the others.
    pub fn take(&mut self, now_ms: u64) -> Option<Place> {
        let visible = |(tenant, places): (&Tenant, &BTreeSet<Place>)| {
            let first = *places.first().filter(|place| place.visible_ms <= now_ms)?;
            Some((tenant.clone(), first))
        };
        let behind = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut turns = self.of.range::<Tenant, _>((behind, Bound::Unbounded));
        let next = turns.find_map(visible);
        let (tenant, place) = next.or_else(|| self.of.iter().find_map(visible))?;
        self.remove(&tenant, place);
        self.last = Some(tenant);
        Some(place)
    }

    /// The moment from which the first of them may be handed out.
    pub fn next_ms(&self) -> Option<u64> {
        let firsts = self.of.values().filter_map(BTreeSet::first);
        firsts.map(|place| place.visible_ms).min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::{QueueRules, QueueState};
    use crate::Message;
    use lattice_model::{Millis, RunId, Seq, Tenant};

    fn message(tenant: &str, number: u64) -> Message {
        let run = RunId::from_parts(Millis::new(number), [7; 10]);
        Message::new(run, Seq::FIRST).of(&tenant.parse().unwrap())
    }

    fn queue() -> QueueState {
        QueueState::new(QueueRules {
            visibility_ms: None,
        })
    }

    /// Ten thousand starts of one tenant hold up one of another by one message.
    #[test]
    fn a_backlog_of_one_tenant_holds_up_nobody_else() {
        let mut queue = queue();
        for number in 0..10_000 {
            queue.push(message("acme", number), 0);
        }
        queue.push(message("globex", 10_001), 5);
        queue.push(message("initech", 10_002), 5);
        let mut next = |now_ms: u64| queue.take(now_ms).map(|it| it.message.tenant);
        let acme: Tenant = "acme".parse().unwrap();
        assert_eq!(next(4), Some(acme.clone()));
        let seen: Vec<_> = (0..4).map(|_| next(5).unwrap().to_string()).collect();
        assert_eq!(seen, ["globex", "initech", "acme", "acme"]);
        let rest = std::iter::from_fn(|| next(5)).filter(|it| *it == acme);
        assert_eq!(rest.count(), 10_000 - 3);
    }

    #[test]
    fn of_one_tenant_the_oldest_comes_first_and_what_comes_back_waits_its_time() {
        let mut queue = queue();
        for (number, visible_ms) in [(1, 20), (2, 10), (3, 10)] {
            queue.push(message("acme", number), visible_ms);
        }
        let first = queue.take(10).unwrap();
        assert_eq!(first.message, message("acme", 2));
        assert!(queue.give_back(&first.receipt, 30));
        let numbers = [3, 1].map(|number| Some(message("acme", number)));
        assert_eq!(
            [(); 2].map(|()| queue.take(20).map(|it| it.message)),
            numbers
        );
        assert_eq!((queue.take(29), queue.next_due_ms()), (None, Some(30)));
        assert_eq!(queue.take(30).unwrap().message, message("acme", 2));
    }
}
