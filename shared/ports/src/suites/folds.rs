//! What is written together with a commit is written with it or not at all.

use super::sample::{Chain, head, item, run, summary};
use crate::{Appended, PortError, Put, Store};
use lattice_journal::{InboxItem, RunStatus};
use lattice_model::limits::FOLD_ITEMS_MAX;
use lattice_model::{InboxId, Seq};

async fn put_items(store: &impl Store, count: usize) -> Vec<InboxItem> {
    let mut items = Vec::new();
    for nth in 0..count {
        let item = item(&run(1), &format!("i{nth}"), "yes");
        store.put_item(item.clone()).await.unwrap();
        items.push(item);
    }
    items
}

fn folding(put: Put, items: &[InboxItem]) -> Put {
    Put {
        folds: items.iter().map(|item| item.id.clone()).collect(),
        ..put
    }
}

/// A put is refused as broken, and the run stays as it was.
async fn refused(store: &impl Store, put: Put) {
    let (run, first) = (put.commit.run.clone(), put.commit.first);
    let before = (
        store.unread(&run, 100).await.unwrap(),
        store.head(&run).await.unwrap(),
    );
    let error = store.append(put).await.unwrap_err();
    assert!(matches!(error, PortError::Corrupt { .. }), "{error}");
    assert_eq!(store.load(&run, first).await.unwrap(), []);
    let after = (
        store.unread(&run, 100).await.unwrap(),
        store.head(&run).await.unwrap(),
    );
    assert_eq!(after, before);
}

/// Commit, key, folds, notices, row and summary of one put can all be read after it.
pub async fn all_parts_of_a_put_are_written_together(store: impl Store) {
    let items = put_items(&store, 3).await;
    let commit = Chain::new(run(1)).seal("all", 2);
    let put = Put {
        start_key: Some("k".to_owned()),
        head: Some(head(&run(1), 2, RunStatus::Failed, None)),
        summary: Some(summary(&run(1), 2)),
        notices: vec![item(&run(2), "end", "a"), item(&run(3), "cancel", "b")],
        ..folding(Put::of(commit.clone()), &items[..2])
    };
    let earlier = item(&run(2), "earlier", "c");
    store.put_item(earlier.clone()).await.unwrap();
    assert_eq!(store.append(put.clone()).await.unwrap(), Appended::Written);
    let told = [earlier, put.notices[0].clone()];
    assert_eq!(store.unread(&run(2), 9).await.unwrap(), told);
    assert_eq!(store.unread(&run(3), 9).await.unwrap(), put.notices[1..]);
    let mut unread = store.runs_with_unread(9).await.unwrap();
    unread.sort();
    assert_eq!(unread, [run(1), run(2), run(3)]);
    // Sent again because its answer was lost: nobody is told twice.
    let taken = Appended::Taken(commit.clone());
    assert_eq!(store.append(put).await.unwrap(), taken);
    assert_eq!(store.unread(&run(2), 9).await.unwrap(), told);
    assert_eq!(store.load(&run(1), Seq::FIRST).await.unwrap(), [commit]);
    assert_eq!(store.run_of_key("k").await.unwrap(), Some(run(1)));
    assert_eq!(store.unread(&run(1), 9).await.unwrap(), items[2..]);
    let stored = store.head(&run(1)).await.unwrap();
    assert_eq!(stored, Some(head(&run(1), 2, RunStatus::Failed, None)));
    assert_eq!(
        store.summary(&run(1)).await.unwrap(),
        Some(summary(&run(1), 2))
    );
}

/// A put that comes too late leaves no tombstone, notice, row, key or summary.
pub async fn nothing_of_a_stale_put_is_written(store: impl Store) {
    let items = put_items(&store, 2).await;
    let chain = Chain::new(run(1));
    let winner = chain.seal("winner", 1);
    store.append(Put::of(winner.clone())).await.unwrap();
    let stale = Put {
        start_key: Some("k".to_owned()),
        head: Some(head(&run(1), 9, RunStatus::Failed, None)),
        summary: Some(summary(&run(1), 9)),
        notices: vec![item(&run(2), "end", "a")],
        ..folding(Put::of(chain.seal("loser", 9)), &items)
    };
    assert_eq!(store.append(stale).await.unwrap(), Appended::Taken(winner));
    assert_eq!(store.unread(&run(2), 9).await.unwrap(), []);
    assert_eq!(store.unread(&run(1), 9).await.unwrap(), items);
    assert_eq!(store.head(&run(1)).await.unwrap(), None);
    assert_eq!(store.run_of_key("k").await.unwrap(), None);
    assert_eq!(store.summary(&run(1)).await.unwrap(), None);
}

/// An item that is a tombstone already refuses the whole put: commits of a run are serial, so this
/// can only come from a bug. The same item twice in one put is refused as well.
pub async fn an_item_is_folded_once(store: impl Store) {
    let items = put_items(&store, 2).await;
    let mut chain = Chain::new(run(1));
    let doubled = [items[1].clone(), items[1].clone()];
    refused(&store, folding(Put::of(chain.seal("doubled", 1)), &doubled)).await;
    let first = folding(Put::of(chain.next("first", 1)), &items[..1]);
    assert_eq!(store.append(first).await.unwrap(), Appended::Written);
    let second = folding(Put::of(chain.next("second", 1)), &items);
    refused(
        &store,
        Put {
            head: Some(head(&run(1), 2, RunStatus::Running, None)),
            ..second
        },
    )
    .await;
    assert_eq!(store.unread(&run(1), 9).await.unwrap(), items[1..]);
}

/// Neither an item that nobody put nor one of another run can be folded.
pub async fn an_item_that_nobody_put_cannot_be_folded(store: impl Store) {
    store.put_item(item(&run(2), "other", "yes")).await.unwrap();
    for id in ["none", "other"] {
        let commit = Chain::new(run(1)).seal("one", 1);
        refused(
            &store,
            Put {
                folds: vec![InboxId::new(id)],
                ..Put::of(commit)
            },
        )
        .await;
    }
    assert_eq!(store.unread(&run(2), 9).await.unwrap().len(), 1);
}

/// `FOLD_ITEMS_MAX` items are folded at once; one more is refused with the limit in the sentence.
pub async fn a_put_folds_as_many_items_as_the_limit_says(store: impl Store) {
    let items = put_items(&store, FOLD_ITEMS_MAX + 1).await;
    let commit = Chain::new(run(1)).seal("one", 1);
    let over = folding(Put::of(commit.clone()), &items);
    let error = store.append(over.clone()).await.unwrap_err().to_string();
    assert!(error.contains(&FOLD_ITEMS_MAX.to_string()), "{error}");
    refused(&store, over).await;
    let at = folding(Put::of(commit), &items[..FOLD_ITEMS_MAX]);
    assert_eq!(store.append(at).await.unwrap(), Appended::Written);
    assert_eq!(
        store.unread(&run(1), 99).await.unwrap(),
        items[FOLD_ITEMS_MAX..]
    );
}
