//! Starts: one key, one run.

use super::sample::{Chain, head, run};
use crate::{Appended, Put, Store};
use futures::future::join_all;
use lattice_journal::RunStatus;
use lattice_model::{RunId, Seq};
use std::sync::Arc;

fn start(run: &RunId, id: &str, key: &str) -> Put {
    Put {
        start_key: Some(key.to_owned()),
        head: Some(head(run, 1, RunStatus::Queued, None)),
        ..Put::of(Chain::new(run.clone()).seal(id, 1))
    }
}

/// A key that nobody used leads nowhere.
pub async fn an_unknown_key_has_no_run(store: impl Store) {
    assert_eq!(store.run_of_key("k").await.unwrap(), None);
}

/// A key leads to the run that was started under it, and to no other.
pub async fn a_key_leads_to_its_run(store: impl Store) {
    for (number, key) in [(1, "k"), (2, "K"), (3, "k ")] {
        let put = start(&run(number), "s", key);
        assert_eq!(store.append(put).await.unwrap(), Appended::Written);
        assert_eq!(store.run_of_key(key).await.unwrap(), Some(run(number)));
    }
}

/// A second start under a key is told which run has it, and leaves no trace.
pub async fn a_taken_key_is_answered_with_its_run_and_nothing_is_written(store: impl Store) {
    store.append(start(&run(1), "s1", "k")).await.unwrap();
    let second = store.append(start(&run(2), "s2", "k")).await.unwrap();
    assert_eq!(second, Appended::KeyTaken(run(1)));
    assert_eq!(store.load(&run(2), Seq::FIRST).await.unwrap(), []);
    assert_eq!(store.head(&run(2)).await.unwrap(), None);
    assert_eq!(store.run_of_key("k").await.unwrap(), Some(run(1)));
}

/// A start that is put again, because its answer was lost, is told that its commit stands.
pub async fn a_start_whose_answer_was_lost_is_not_refused_by_its_own_key(store: impl Store) {
    let put = start(&run(1), "s", "k");
    store.append(put.clone()).await.unwrap();
    assert_eq!(
        store.append(put.clone()).await.unwrap(),
        Appended::Taken(Arc::unwrap_or_clone(put.commit))
    );
}

/// Of many starts under one key exactly one writes.
pub async fn of_many_starts_under_one_key_one_wins(store: impl Store) {
    let starts = (1..17).map(|number| store.append(start(&run(number), "s", "k")));
    let answers = join_all(starts).await;
    let winner = store.run_of_key("k").await.unwrap().unwrap();
    for (number, answer) in (1..17).zip(answers) {
        let written = run(number) == winner;
        let expected = if written {
            Appended::Written
        } else {
            Appended::KeyTaken(winner.clone())
        };
        assert_eq!(answer.unwrap(), expected);
        let commits = store.load(&run(number), Seq::FIRST).await.unwrap();
        assert_eq!(commits.len(), usize::from(written));
    }
}
