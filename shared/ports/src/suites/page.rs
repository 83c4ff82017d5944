//! Pages of a log: whole commits, from an event on, no more than is asked for.

use super::sample::{Chain, run};
use crate::{Put, RunLog};
use lattice_journal::Commit;
use lattice_model::limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, PAGE_BYTES_MAX};
use lattice_model::{RunId, Seq};

async fn write(log: &impl RunLog, commits: &[Commit]) {
    for commit in commits {
        log.append(Put::of(commit.clone())).await.unwrap();
    }
}

async fn page(log: &impl RunLog, run: &RunId, after: u64, events: usize) -> Vec<Commit> {
    let after = Seq::from_stored(after);
    log.page(run, after, events).await.unwrap()
}

fn commits(run: RunId, sizes: &[usize]) -> Vec<Commit> {
    let mut chain = Chain::new(run);
    let numbered = sizes.iter().enumerate();
    numbered
        .map(|(number, events)| chain.next(&format!("c{number}"), *events))
        .collect()
}

/// A commit is never cut; events up to `after` do not count; one commit is given in any case.
pub async fn a_page_holds_whole_commits_until_it_has_enough_events(log: impl RunLog) {
    let commits = commits(run(1), &[3; 5]);
    write(&log, &commits).await;
    for (after, events, expected) in [
        (0, 0, 0..1),
        (0, 1, 0..1),
        (0, 3, 0..1),
        (0, 4, 0..2),
        (0, 15, 0..5),
        (0, usize::MAX, 0..5),
        (1, 2, 0..1),
        (1, 3, 0..2),
        (2, 1, 0..1),
        (3, 1, 1..2),
        (5, 2, 1..3),
        (11, 9, 3..5),
        (14, 9, 4..5),
        (15, 9, 5..5),
        (16, 9, 5..5),
        (u64::MAX, 9, 5..5),
    ] {
        let page = page(&log, &run(1), after, events).await;
        assert_eq!(page, commits[expected], "{after} {events}");
    }
}

/// However many events a commit has, the one that holds the next event comes first.
pub async fn a_page_begins_inside_a_commit_of_the_largest_size(log: impl RunLog) {
    let sizes = [
        1,
        COMMIT_EVENTS_MAX,
        1,
        1,
        COMMIT_EVENTS_MAX,
        COMMIT_EVENTS_MAX,
    ];
    let commits = commits(run(1), &sizes);
    write(&log, &commits).await;
    let last = commits[5].last().get();
    for after in 0..last {
        let page = page(&log, &run(1), after, 1).await;
        let [commit] = page.as_slice() else {
            panic!("not one commit behind {after}: {page:?}")
        };
        let holds = commit.first.get()..=commit.last().get();
        assert!(holds.contains(&(after + 1)), "{after}: {holds:?}");
    }
    assert_eq!(page(&log, &run(1), last, 1).await, []);
}

/// A page that has its bytes takes no further commit, and one commit may have more than that.
pub async fn a_page_ends_when_it_is_large(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    let share = PAGE_BYTES_MAX / 3 + 1;
    let mut commits = Vec::new();
    for (number, bytes) in [share, share, share, share, COMMIT_BYTES_MAX - 1_024, 1]
        .iter()
        .enumerate()
    {
        let commit = chain.seal_text(&format!("c{number}"), *bytes);
        chain.follow(&commit);
        commits.push(commit);
    }
    write(&log, &commits).await;
    for (after, expected) in [
        (0, 0..3),
        (1, 1..4),
        (2, 2..5),
        (3, 3..5),
        (4, 4..5),
        (5, 5..6),
    ] {
        let page = page(&log, &run(1), after, 99).await;
        assert_eq!(page, commits[expected], "{after}");
    }
}

/// The store does not look for a hole: that is the caller's business.
pub async fn a_page_goes_on_past_a_hole(log: impl RunLog) {
    let all = commits(run(1), &[2, 1, 2]);
    let stored = [all[0].clone(), all[2].clone()];
    write(&log, &stored).await;
    for (after, expected) in [
        (0, 0..2),
        (1, 0..2),
        (2, 1..2),
        (3, 1..2),
        (4, 1..2),
        (5, 2..2),
    ] {
        let page = page(&log, &run(1), after, 9).await;
        assert_eq!(page, stored[expected], "{after}");
    }
}

/// A run that nobody wrote is empty, and its neighbours stay out of its page.
pub async fn an_unknown_run_has_no_page(log: impl RunLog) {
    let (one, three) = (commits(run(1), &[2, 2]), commits(run(3), &[2, 2]));
    write(&log, &one).await;
    write(&log, &three).await;
    for after in [0, 1, 2] {
        assert_eq!(page(&log, &run(2), after, 9).await, []);
    }
    assert_eq!(page(&log, &run(1), 0, 9).await, one);
    assert_eq!(page(&log, &run(3), 2, 9).await, three[1..]);
}

/// Whoever asks for what is behind the last page sees each commit once, whatever the pages' size.
pub async fn all_pages_together_are_the_log(log: impl RunLog) {
    let sizes: Vec<usize> = (0..60).map(|n| 1 + n * 7 % COMMIT_EVENTS_MAX).collect();
    let commits = commits(run(1), &sizes);
    write(&log, &commits).await;
    for events in [1, 7, 100, 10_000] {
        let (mut seen, mut after) = (Vec::new(), Seq::ZERO);
        loop {
            let page = log.page(&run(1), after, events).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.last();
            seen.extend(page);
        }
        assert_eq!(seen, commits, "{events}");
    }
}
