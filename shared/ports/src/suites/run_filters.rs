//! Which rows a list shows: tenant, workflow, status and time, together and page by page.

use super::sample::{NOON, head, run, tenant};
use crate::{RunFilter, RunIndex};
use lattice_journal::{Head, RunStatus};
use lattice_model::{Millis, WorkflowId};

use RunStatus::{Completed, Running, Waiting};

/// Run, tenant, workflow, status, and how long after noon it was queued: run 7 by a clock that
/// was behind.
const ROWS: [(u64, &str, &str, RunStatus, u64); 8] = [
    (1, "a", "w1", Running, 10),
    (2, "a", "w2", Waiting, 20),
    (3, "b", "w1", Waiting, 20),
    (4, "a", "w1", Waiting, 30),
    (5, "b", "w2", Running, 40),
    (6, "a", "w1", Completed, 40),
    (7, "a", "w1", Waiting, 5),
    (8, "b", "w1", Running, 60),
];

async fn fill(index: &impl RunIndex) {
    for (number, owner, workflow, status, after) in ROWS {
        let row = Head {
            tenant: tenant(owner),
            workflow: WorkflowId::new(workflow),
            started_at: NOON.plus(after),
            ..head(&run(number), 1, status, None)
        };
        assert!(index.put_head(row).await.unwrap());
    }
}

fn all() -> RunFilter {
    RunFilter {
        limit: 99,
        ..RunFilter::default()
    }
}

fn of(owner: &str) -> RunFilter {
    RunFilter {
        tenant: Some(tenant(owner)),
        ..all()
    }
}

fn workflow(id: &str) -> Option<WorkflowId> {
    Some(WorkflowId::new(id))
}

fn at(after: u64) -> Option<Millis> {
    Some(NOON.plus(after))
}

async fn check<const N: usize>(index: &impl RunIndex, cases: [(RunFilter, &[u64]); N]) {
    for (filter, expected) in cases {
        let listed = index.heads(filter.clone()).await.unwrap();
        let listed: Vec<_> = listed.into_iter().map(|head| head.run).collect();
        let expected: Vec<_> = expected.iter().map(|number| run(*number)).collect();
        assert_eq!(listed, expected, "{filter:?}");
    }
}

/// A tenant's list has its own rows; the same workflow id may be another tenant's too.
pub async fn rows_are_listed_by_tenant_and_workflow(index: impl RunIndex) {
    fill(&index).await;
    let flow = |id, filter| RunFilter {
        workflow: workflow(id),
        ..filter
    };
    check(
        &index,
        [
            (all(), &[8, 7, 6, 5, 4, 3, 2, 1]),
            (of("a"), &[7, 6, 4, 2, 1]),
            (of("b"), &[8, 5, 3]),
            (of("local"), &[]),
            (flow("w1", all()), &[8, 7, 6, 4, 3, 1]),
            (flow("w2", all()), &[5, 2]),
            (flow("w", all()), &[]),
            (flow("w1", of("a")), &[7, 6, 4, 1]),
            (flow("w2", of("b")), &[5]),
        ],
    )
    .await;
}

/// `since` takes its own moment in and `until` leaves it out; what counts is when a run was queued.
pub async fn rows_are_listed_by_when_they_were_queued(index: impl RunIndex) {
    fill(&index).await;
    let between = |since, until| RunFilter {
        since,
        until,
        ..all()
    };
    check(
        &index,
        [
            (between(at(20), None), &[8, 6, 5, 4, 3, 2]),
            (between(at(21), None), &[8, 6, 5, 4]),
            (between(None, at(20)), &[7, 1]),
            (between(None, at(21)), &[7, 3, 2, 1]),
            (between(at(20), at(40)), &[4, 3, 2]),
            (between(at(40), at(40)), &[]),
            (between(at(40), at(20)), &[]),
            (between(at(61), None), &[]),
            (between(None, Some(Millis::new(0))), &[]),
            (between(Some(Millis::new(u64::MAX)), None), &[]),
            (
                between(Some(Millis::new(0)), Some(Millis::new(u64::MAX))),
                &[8, 7, 6, 5, 4, 3, 2, 1],
            ),
        ],
    )
    .await;
}

/// A row is listed if every filter lets it through, and by its newest status.
pub async fn filters_hold_together(index: impl RunIndex) {
    fill(&index).await;
    let waiting = RunFilter {
        status: Some(Waiting),
        ..of("a")
    };
    let since = RunFilter {
        since: at(20),
        ..waiting.clone()
    };
    let flow = RunFilter {
        workflow: workflow("w1"),
        ..since.clone()
    };
    let until = RunFilter {
        until: at(30),
        ..flow.clone()
    };
    let everybody = RunFilter {
        tenant: None,
        ..since.clone()
    };
    let cases: [(RunFilter, &[u64]); 5] = [
        (waiting.clone(), &[7, 4, 2]),
        (since, &[4, 2]),
        (flow, &[4]),
        (until, &[]),
        (everybody, &[4, 3, 2]),
    ];
    check(&index, cases).await;
    let over = Head {
        tenant: tenant("a"),
        ..head(&run(4), 2, Completed, None)
    };
    index.put_head(over).await.unwrap();
    check(&index, [(waiting, &[7, 2])]).await;
}

/// The limit counts what is listed, and the next page begins behind its last row.
pub async fn filters_hold_on_every_page(index: impl RunIndex) {
    fill(&index).await;
    let page = |before: Option<u64>, limit, filter| RunFilter {
        before: before.map(run),
        limit,
        ..filter
    };
    let narrow = RunFilter {
        status: Some(Waiting),
        workflow: workflow("w1"),
        since: at(5),
        until: at(31),
        ..of("a")
    };
    check(
        &index,
        [
            (page(None, 2, of("a")), &[7, 6]),
            (page(Some(6), 2, of("a")), &[4, 2]),
            (page(Some(2), 2, of("a")), &[1]),
            (page(Some(1), 2, of("a")), &[]),
            (page(Some(5), 9, of("a")), &[4, 2, 1]),
            (page(None, 0, of("a")), &[]),
            (page(None, 1, narrow.clone()), &[7]),
            (page(Some(7), 1, narrow.clone()), &[4]),
            (page(Some(4), 1, narrow), &[]),
        ],
    )
    .await;
}
