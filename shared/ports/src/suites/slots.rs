//! Slots: never more places than there are, in the order of the line, and no answer that changes when
//! it is asked for twice.

use super::sample::{NOON, run};
use crate::{Asker, Slot, SlotKey, Slots};
use futures::future::join_all;
use lattice_model::{RunId, WorkflowId};

fn key(tenant: &str, workflow: &str, key: &str) -> SlotKey {
    SlotKey {
        tenant: tenant.parse().unwrap(),
        workflow: WorkflowId::new(workflow),
        key: key.to_owned(),
    }
}

fn usual() -> SlotKey {
    key("acme", "invoice", "customer-7")
}

fn asker(number: u64) -> Asker {
    Asker {
        since: NOON.plus(number),
        run: run(number),
    }
}

async fn ask(slots: &impl Slots, number: u64, max: u32) -> Slot {
    let asked = slots.acquire(&usual(), &asker(number), max).await;
    asked.unwrap()
}

async fn leave(slots: &impl Slots, number: u64, max: u32) -> Vec<RunId> {
    slots.release(&usual(), &asker(number), max).await.unwrap()
}

async fn holders(slots: &impl Slots) -> Vec<RunId> {
    slots.holders(&usual()).await.unwrap()
}

/// As many as there are places have one, and the next one waits; whoever asks again is told the same.
pub async fn places_are_taken_until_there_are_none(slots: impl Slots) {
    for _ in 0..2 {
        assert_eq!(ask(&slots, 1, 2).await, Slot::Held);
        assert_eq!(ask(&slots, 2, 2).await, Slot::Held);
        assert_eq!(ask(&slots, 3, 2).await, Slot::Waits);
    }
    assert_eq!(holders(&slots).await, [run(1), run(2)]);
    assert_eq!(slots.line(&usual(), 9).await.unwrap(), [asker(3)]);
}

/// What one gives back the first in line gets, also if a later one asks before it.
pub async fn nobody_is_overtaken(slots: impl Slots) {
    assert_eq!(ask(&slots, 5, 1).await, Slot::Held);
    for number in [8, 6, 7] {
        assert_eq!(ask(&slots, number, 1).await, Slot::Waits);
    }
    let line = slots.line(&usual(), 2).await.unwrap();
    assert_eq!(line, [asker(6), asker(7)]);
    assert_eq!(leave(&slots, 5, 1).await, [run(6)]);
    assert_eq!(ask(&slots, 7, 1).await, Slot::Waits);
    assert_eq!(ask(&slots, 9, 1).await, Slot::Waits);
    assert_eq!(ask(&slots, 6, 1).await, Slot::Held);
    assert_eq!(holders(&slots).await, [run(6)]);
}

/// Giving back twice gives back once, and names whoever may come each time: the one who gave back may
/// have died before it woke them.
pub async fn a_place_is_given_back_once(slots: impl Slots) {
    for number in 1..=4 {
        ask(&slots, number, 2).await;
    }
    for _ in 0..2 {
        assert_eq!(leave(&slots, 1, 2).await, [run(3)]);
    }
    assert_eq!(ask(&slots, 3, 2).await, Slot::Held);
    assert_eq!(leave(&slots, 1, 2).await, []);
    assert_eq!(holders(&slots).await, [run(2), run(3)]);
    assert_eq!(leave(&slots, 9, 2).await, [], "it never asked");
}

/// A run that is over before its turn does not hold up the line.
pub async fn who_leaves_the_line_holds_nobody_up(slots: impl Slots) {
    for number in 1..=3 {
        ask(&slots, number, 1).await;
    }
    assert_eq!(leave(&slots, 2, 1).await, []);
    assert_eq!(leave(&slots, 1, 1).await, [run(3)]);
    assert_eq!(ask(&slots, 3, 1).await, Slot::Held);
    assert_eq!(slots.line(&usual(), 9).await.unwrap(), []);
}

/// The limit is the asker's: the workflow may be saved with another one while runs are open.
pub async fn the_limit_may_change(slots: impl Slots) {
    for number in 1..=3 {
        ask(&slots, number, 1).await;
    }
    assert_eq!(ask(&slots, 2, 2).await, Slot::Held);
    assert_eq!(ask(&slots, 3, 1).await, Slot::Waits);
    // Two have a place and one is allowed: nobody comes for the first that goes.
    assert_eq!(leave(&slots, 1, 1).await, []);
    assert_eq!(leave(&slots, 2, 1).await, [run(3)]);
}

/// Nobody takes a place of another tenant, another workflow or another key.
pub async fn each_key_has_places_of_its_own(slots: impl Slots) {
    let keys = [
        usual(),
        key("globex", "invoice", "customer-7"),
        key("acme", "reminder", "customer-7"),
        key("acme", "invoice", "customer-8"),
        key("acme", "invoice", ""),
        // Written one behind the other, these would be the same as the first.
        key("acme", "invoicecustomer", "-7"),
        key("acme", "invoice", "customer-7#\u{0}\u{1f}/ü"),
    ];
    for (number, key) in (10..).zip(&keys) {
        let asked = slots.acquire(key, &asker(number), 1).await.unwrap();
        assert_eq!(asked, Slot::Held, "{key:?}");
    }
    for (number, key) in (10..).zip(&keys) {
        assert_eq!(slots.holders(key).await.unwrap(), [run(number)], "{key:?}");
        let asked = slots.acquire(key, &asker(99), 1).await.unwrap();
        assert_eq!(asked, Slot::Waits, "{key:?}");
    }
}

/// Of many that ask at once no more than the limit have a place; all have had one in the end.
pub async fn of_many_at_once_no_more_than_the_limit_are_let_in(slots: impl Slots) {
    const MAX: u32 = 3;
    let mut left: Vec<u64> = (1..=20).collect();
    for _ in 0..60 {
        let asked = join_all(left.iter().map(|number| ask(&slots, *number, MAX))).await;
        let inside = holders(&slots).await;
        assert!(inside.len() <= MAX as usize, "{inside:?}");
        let held = left.iter().zip(asked);
        let held: Vec<u64> = held
            .filter(|(_, slot)| *slot == Slot::Held)
            .map(|(number, _)| *number)
            .collect();
        for number in &held {
            assert!(inside.contains(&run(*number)), "{number} was told so");
            leave(&slots, *number, MAX).await;
        }
        left.retain(|number| !held.contains(number));
        if left.is_empty() {
            assert_eq!(holders(&slots).await, []);
            return;
        }
    }
    panic!("{left:?} never had a place");
}
