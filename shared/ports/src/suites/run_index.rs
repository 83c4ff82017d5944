//! The rows of runs: forward only, listed newest first, found when due.

use super::sample::{NOON, head, run};
use crate::{RunFilter, RunIndex};
use lattice_journal::{Head, RunStatus};
use lattice_model::{Millis, RunId, Seq};

const ALL: RunFilter = RunFilter {
    tenant: None,
    status: None,
    workflow: None,
    since: None,
    until: None,
    before: None,
    limit: 100,
};

async fn put(index: &impl RunIndex, number: u64, status: RunStatus, due_at: Option<Millis>) {
    assert!(
        index
            .put_head(head(&run(number), 1, status, due_at))
            .await
            .unwrap()
    );
}

fn runs(heads: Vec<Head>) -> Vec<RunId> {
    heads.into_iter().map(|head| head.run).collect()
}

/// A run that nobody wrote has no row, and is in no list.
pub async fn an_unknown_run_has_no_row(index: impl RunIndex) {
    assert_eq!(index.head(&run(1)).await.unwrap(), None);
    assert_eq!(index.heads(ALL).await.unwrap(), []);
    assert_eq!(index.due(Millis::new(u64::MAX), 9).await.unwrap(), []);
    assert!(
        !index
            .defer(&run(1), Seq::FIRST, NOON, NOON.plus(1))
            .await
            .unwrap()
    );
}

/// A row that knows no more events than the stored one is not taken.
pub async fn a_row_moves_only_forward(index: impl RunIndex) {
    use RunStatus::{Completed, Queued, Running, Waiting};
    let moves = [
        (3, Running, true),
        (2, Queued, false),
        (3, Waiting, false),
        (4, Completed, true),
    ];
    let mut stands = None;
    for (seq, status, taken) in moves {
        let row = head(&run(1), seq, status, None);
        assert_eq!(
            index.put_head(row.clone()).await.unwrap(),
            taken,
            "{seq} {status}"
        );
        stands = if taken { Some(row) } else { stands };
        assert_eq!(index.head(&run(1)).await.unwrap(), stands);
    }
}

/// Every status and both kinds of due moment are read back as they were.
pub async fn a_row_keeps_every_field(index: impl RunIndex) {
    for (number, status) in (1..).zip(RunStatus::ALL) {
        let row = head(
            &run(number),
            number,
            status,
            (number % 2 == 0).then_some(NOON),
        );
        assert!(index.put_head(row.clone()).await.unwrap());
        assert_eq!(index.head(&run(number)).await.unwrap(), Some(row));
    }
}

/// A page ends at its limit, and the next one begins behind its last row.
pub async fn rows_are_listed_newest_first_page_by_page(index: impl RunIndex) {
    for number in [2, 5, 1, 4, 3] {
        put(&index, number, RunStatus::Running, None).await;
    }
    let mut before = None;
    for page in [vec![5, 4], vec![3, 2], vec![1], vec![]] {
        let filter = RunFilter {
            before: before.clone(),
            limit: 2,
            ..ALL
        };
        let listed = runs(index.heads(filter).await.unwrap());
        assert_eq!(listed, page.into_iter().map(run).collect::<Vec<_>>());
        before = listed.last().cloned().or(before);
    }
}

/// A list by status leaves the others out, before the limit counts, and follows a row's moves.
pub async fn rows_are_listed_by_status(index: impl RunIndex) {
    for number in 1..7 {
        let odd = number % 2 == 1;
        put(
            &index,
            number,
            if odd {
                RunStatus::Waiting
            } else {
                RunStatus::Failed
            },
            None,
        )
        .await;
    }
    let waiting = RunFilter {
        status: Some(RunStatus::Waiting),
        ..ALL
    };
    assert_eq!(
        runs(index.heads(waiting.clone()).await.unwrap()),
        [run(5), run(3), run(1)]
    );
    let page = RunFilter {
        before: Some(run(5)),
        limit: 1,
        ..waiting.clone()
    };
    assert_eq!(runs(index.heads(page).await.unwrap()), [run(3)]);
    index
        .put_head(head(&run(3), 2, RunStatus::Completed, None))
        .await
        .unwrap();
    assert_eq!(runs(index.heads(waiting).await.unwrap()), [run(5), run(1)]);
}

/// What is due at the given moment or before comes earliest first, at most so many.
pub async fn what_is_due_comes_earliest_first(index: impl RunIndex) {
    for (number, due) in [
        (1, Some(30)),
        (2, Some(10)),
        (3, None),
        (4, Some(20)),
        (5, Some(31)),
    ] {
        put(
            &index,
            number,
            RunStatus::Waiting,
            due.map(|ms| NOON.plus(ms)),
        )
        .await;
    }
    let due = |ms, limit| index.due(NOON.plus(ms), limit);
    assert_eq!(runs(due(9, 9).await.unwrap()), []);
    assert_eq!(runs(due(30, 9).await.unwrap()), [run(2), run(4), run(1)]);
    assert_eq!(runs(due(99, 2).await.unwrap()), [run(2), run(4)]);
}

/// A newer row without a due moment takes the run off the list.
pub async fn a_row_that_is_not_due_any_more_is_gone_from_the_list(index: impl RunIndex) {
    put(&index, 1, RunStatus::Waiting, Some(NOON)).await;
    assert_eq!(runs(index.due(NOON, 9).await.unwrap()), [run(1)]);
    index
        .put_head(head(&run(1), 2, RunStatus::Completed, None))
        .await
        .unwrap();
    assert_eq!(index.due(NOON.plus(9), 9).await.unwrap(), []);
}

/// Deferring demands the seq and the due moment that the caller saw, and changes nothing else.
pub async fn a_row_is_deferred_only_as_it_was_seen(index: impl RunIndex) {
    let row = head(&run(1), 4, RunStatus::Waiting, Some(NOON));
    index.put_head(row.clone()).await.unwrap();
    let (four, later) = (Seq::from_stored(4), NOON.plus(60));
    assert!(
        !index
            .defer(&run(1), Seq::from_stored(3), NOON, later)
            .await
            .unwrap()
    );
    assert!(
        !index
            .defer(&run(1), four, NOON.plus(1), later)
            .await
            .unwrap()
    );
    assert_eq!(index.head(&run(1)).await.unwrap(), Some(row.clone()));
    assert!(index.defer(&run(1), four, NOON, later).await.unwrap());
    assert!(!index.defer(&run(1), four, NOON, later).await.unwrap());
    let deferred = Head {
        due_at: Some(later),
        ..row
    };
    assert_eq!(index.due(later, 9).await.unwrap(), vec![deferred.clone()]);
    assert_eq!(index.due(NOON, 9).await.unwrap(), []);
    assert_eq!(index.head(&run(1)).await.unwrap(), Some(deferred));
}
