//! The inbox: an id is taken once for ever, items come in the order they were put.

use super::sample::{Chain, item, run};
use crate::{Appended, Inbox, InboxPut, Put, Store};
use futures::future::join_all;
use lattice_journal::{InboxBody, InboxItem};
use lattice_model::{InboxId, RunId};

fn sorted(mut runs: Vec<RunId>) -> Vec<RunId> {
    runs.sort();
    runs
}

/// An item with a known id changes nothing, whatever it says.
pub async fn an_item_is_put_once(inbox: impl Inbox) {
    let (one, other) = (item(&run(1), "i", "yes"), item(&run(1), "i", "no"));
    assert_eq!(inbox.put_item(one.clone()).await.unwrap(), InboxPut::Stored);
    assert_eq!(inbox.put_item(one.clone()).await.unwrap(), InboxPut::Known);
    assert_eq!(inbox.put_item(other).await.unwrap(), InboxPut::Known);
    assert_eq!(inbox.unread(&run(1), 9).await.unwrap(), [one]);
}

/// A tombstone still knows its id.
pub async fn an_item_that_was_folded_is_still_known(store: impl Store) {
    let one = item(&run(1), "i", "yes");
    store.put_item(one.clone()).await.unwrap();
    let commit = Chain::new(run(1)).seal("fold", 1);
    let put = Put {
        folds: vec![one.id.clone()],
        ..Put::of(commit)
    };
    assert_eq!(store.append(put).await.unwrap(), Appended::Written);
    assert_eq!(store.put_item(one).await.unwrap(), InboxPut::Known);
    assert_eq!(store.unread(&run(1), 9).await.unwrap(), []);
    assert_eq!(store.runs_with_unread(9).await.unwrap(), []);
}

/// What is buried is a tombstone like what was folded; burying it again, or what nobody put, is
/// harmless, and other items and runs stay.
pub async fn an_item_that_was_buried_is_not_unread_any_more(inbox: impl Inbox) {
    for (number, id) in [(1, "a"), (1, "b"), (2, "a")] {
        inbox.put_item(item(&run(number), id, "yes")).await.unwrap();
    }
    for ids in [&["a"][..], &["a", "none"], &[]] {
        let ids: Vec<InboxId> = ids.iter().map(|id| InboxId::new(*id)).collect();
        inbox.bury(&run(1), &ids).await.unwrap();
        assert_eq!(
            inbox.unread(&run(1), 9).await.unwrap(),
            [item(&run(1), "b", "yes")]
        );
    }
    assert_eq!(
        inbox.put_item(item(&run(1), "a", "yes")).await.unwrap(),
        InboxPut::Known
    );
    assert_eq!(inbox.unread(&run(2), 9).await.unwrap().len(), 1);
    inbox.bury(&run(1), &[InboxId::new("b")]).await.unwrap();
    assert_eq!(inbox.runs_with_unread(9).await.unwrap(), [run(2)]);
}

/// What an id stands for is known from the put on, read or not, and only in its run. A later put
/// under the id changes nothing.
pub async fn a_fingerprint_is_of_the_item_that_was_put_first(store: impl Store) {
    let fingerprint = |number, id: &str| {
        let (run, id, store) = (run(number), InboxId::new(id), &store);
        async move { store.fingerprint(&run, &id).await.unwrap() }
    };
    assert_eq!(fingerprint(1, "folded").await, None);
    let mut first = Vec::new();
    for (id, text) in [("folded", "yes"), ("buried", "no"), ("unread", "yes")] {
        let one = item(&run(1), id, text);
        let says = Some(one.body.fingerprint());
        store.put_item(one).await.unwrap();
        assert_eq!(fingerprint(1, id).await, says, "{id}");
        first.push((id, says));
    }
    assert_eq!(first[0].1, first[2].1);
    assert_ne!(first[0].1, first[1].1);
    let fold = Put {
        folds: vec![InboxId::new("folded")],
        ..Put::of(Chain::new(run(1)).seal("fold", 1))
    };
    store.append(fold).await.unwrap();
    store
        .bury(&run(1), &[InboxId::new("buried")])
        .await
        .unwrap();
    for (id, says) in first {
        let other = item(&run(1), id, "something else");
        assert_eq!(store.put_item(other).await.unwrap(), InboxPut::Known);
        assert_eq!(fingerprint(1, id).await, says, "{id}");
        assert_eq!(fingerprint(2, id).await, None, "{id}");
    }
    assert_eq!(fingerprint(1, "fold").await, None);
    assert_eq!(fingerprint(1, "").await, None);
}

/// The same id is another item in another run, which need not exist.
pub async fn ids_belong_to_their_run(inbox: impl Inbox) {
    for number in [1, 2] {
        let put = item(&run(number), "i", "yes");
        assert_eq!(inbox.put_item(put.clone()).await.unwrap(), InboxPut::Stored);
        assert_eq!(inbox.unread(&run(number), 9).await.unwrap(), [put]);
    }
    assert_eq!(inbox.unread(&run(3), 9).await.unwrap(), []);
}

/// Order is that of the puts, not of the ids, and the limit cuts at the end.
pub async fn items_come_in_the_order_they_were_put(inbox: impl Inbox) {
    let mut items: Vec<InboxItem> = ["z", "a", "m"]
        .iter()
        .map(|id| item(&run(1), id, "yes"))
        .collect();
    let body = InboxBody::Cancel {
        reason: "enough".to_owned(),
    };
    items.push(InboxItem {
        id: InboxId::new("0"),
        body,
        ..items[0].clone()
    });
    for item in &items {
        inbox.put_item(item.clone()).await.unwrap();
    }
    for limit in [0, 1, 3, 4, 99] {
        let expected: Vec<InboxItem> = items.iter().take(limit).cloned().collect();
        assert_eq!(inbox.unread(&run(1), limit).await.unwrap(), expected);
    }
}

/// Each run that has something to read is named once, in no promised order.
pub async fn runs_with_unread_items_are_named_once(store: impl Store) {
    assert_eq!(store.runs_with_unread(9).await.unwrap(), []);
    for (number, id) in [(3, "a"), (1, "a"), (3, "b"), (2, "a")] {
        store.put_item(item(&run(number), id, "yes")).await.unwrap();
    }
    assert_eq!(
        sorted(store.runs_with_unread(9).await.unwrap()),
        [run(1), run(2), run(3)]
    );
    assert_eq!(store.runs_with_unread(2).await.unwrap().len(), 2);
    let put = Put {
        folds: vec![InboxId::new("a")],
        ..Put::of(Chain::new(run(1)).seal("f", 1))
    };
    store.append(put).await.unwrap();
    assert_eq!(
        sorted(store.runs_with_unread(9).await.unwrap()),
        [run(2), run(3)]
    );
}

/// Of many puts of one id at once exactly one is told that it stored.
pub async fn of_many_puts_of_one_id_one_is_stored(inbox: impl Inbox) {
    let items: Vec<InboxItem> = (0..16)
        .map(|n| item(&run(1), "i", &n.to_string()))
        .collect();
    let answers = join_all(items.iter().map(|item| inbox.put_item(item.clone()))).await;
    let unread = inbox.unread(&run(1), 99).await.unwrap();
    let stored = items
        .iter()
        .zip(answers)
        .filter(|(_, put)| matches!(put, Ok(InboxPut::Stored)));
    assert_eq!(
        stored.map(|(item, _)| item.clone()).collect::<Vec<_>>(),
        unread
    );
    assert_eq!(unread.len(), 1);
}
