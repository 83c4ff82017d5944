//! The log: what is appended stays, at one place, in order.

use super::sample::{Chain, run, summary};
use crate::{Appended, Checkpoint, Put, RunLog};
use futures::future::join_all;
use lattice_journal::Commit;
use lattice_model::limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX};
use lattice_model::{Hash, Seq};
use std::sync::Arc;

async fn write(log: &impl RunLog, commit: &Commit) {
    assert_eq!(
        log.append(Put::of(commit.clone())).await.unwrap(),
        Appended::Written
    );
}

/// A first commit is written, and read back as it was.
pub async fn a_first_commit_is_written_and_read_back(log: impl RunLog) {
    let commit = Chain::new(run(1)).seal("one", 3);
    write(&log, &commit).await;
    assert_eq!(log.load(&run(1), Seq::FIRST).await.unwrap(), [commit]);
}

/// The same put again is told from another's: its own commit comes back.
pub async fn the_same_put_again_says_that_only_the_answer_was_lost(log: impl RunLog) {
    let commit = Chain::new(run(1)).seal("one", 2);
    write(&log, &commit).await;
    let again = log.append(Put::of(commit.clone())).await.unwrap();
    assert_eq!(again, Appended::Taken(commit.clone()));
    assert_eq!(log.load(&run(1), Seq::FIRST).await.unwrap(), [commit]);
}

/// A put at a place that is taken gets the commit that stands there.
pub async fn a_stale_put_is_answered_with_the_winner(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    write(&log, &chain.next("one", 2)).await;
    let (winner, loser) = (chain.seal("winner", 1), chain.seal("loser", 4));
    write(&log, &winner).await;
    let stale = log.append(Put::of(loser)).await.unwrap();
    assert_eq!(stale, Appended::Taken(winner.clone()));
    assert_eq!(log.load(&run(1), winner.first).await.unwrap(), [winner]);
}

/// Of many writers at one place exactly one is told that it wrote; all others see its commit.
pub async fn of_many_writers_at_one_place_one_wins(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    write(&log, &chain.next("one", 1)).await;
    let rivals: Vec<Commit> = (1..17)
        .map(|n| chain.seal(&format!("rival {n}"), n))
        .collect();
    let appends = rivals
        .iter()
        .map(|commit| log.append(Put::of(commit.clone())));
    let answers: Vec<Appended> = join_all(appends)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let stored = log.load(&run(1), Seq::FIRST.next()).await.unwrap();
    let [winner] = stored.as_slice() else {
        panic!("not one commit: {stored:?}")
    };
    for (rival, answer) in rivals.iter().zip(answers) {
        if rival == winner {
            assert_eq!(answer, Appended::Written);
        } else {
            assert_eq!(answer, Appended::Taken(winner.clone()));
        }
    }
    assert!(rivals.contains(winner));
}

/// The store keys by place and does not look for a hole: that is the reader's business.
pub async fn a_commit_past_a_hole_is_stored_as_it_is(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    let (one, _lost, three) = (
        chain.next("one", 2),
        chain.next("two", 1),
        chain.next("three", 1),
    );
    write(&log, &one).await;
    write(&log, &three).await;
    assert_eq!(log.load(&run(1), Seq::FIRST).await.unwrap(), [one, three]);
}

/// A load gives the commits whose first seq is the given one or later.
pub async fn a_load_begins_at_the_seq_it_is_given(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    let commits: Vec<Commit> = (0..5).map(|n| chain.next(&format!("c{n}"), 3)).collect();
    for commit in &commits {
        write(&log, commit).await;
    }
    for (from, skipped) in [
        (0, 0),
        (1, 0),
        (2, 1),
        (4, 1),
        (5, 2),
        (13, 4),
        (14, 5),
        (99, 5),
    ] {
        let loaded = log.load(&run(1), Seq::from_stored(from)).await.unwrap();
        assert_eq!(
            loaded,
            commits.iter().skip(skipped).cloned().collect::<Vec<_>>(),
            "{from}"
        );
    }
}

/// A run that nobody wrote is empty, not an error.
pub async fn an_unknown_run_has_no_commits(log: impl RunLog) {
    write(&log, &Chain::new(run(1)).seal("one", 1)).await;
    assert_eq!(log.load(&run(2), Seq::FIRST).await.unwrap(), []);
    assert_eq!(log.summary(&run(2)).await.unwrap(), None);
    assert_eq!(log.checkpoint(&run(2)).await.unwrap(), None);
}

/// Order is by seq, however many commits there are.
pub async fn a_thousand_commits_come_in_order(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    let commits: Vec<Commit> = (0..1_100)
        .map(|n| chain.next(&format!("c{n}"), 1))
        .collect();
    for commit in &commits {
        write(&log, commit).await;
    }
    assert_eq!(log.load(&run(1), Seq::FIRST).await.unwrap(), commits);
}

/// A run is loaded without its neighbours.
pub async fn runs_do_not_mix(log: impl RunLog) {
    let commits: Vec<Commit> = (1..4)
        .map(|n| Chain::new(run(n)).seal("same id", 2))
        .collect();
    for commit in &commits {
        write(&log, commit).await;
    }
    for commit in &commits {
        let loaded = log.load(&commit.run, Seq::FIRST).await.unwrap();
        assert_eq!(loaded, std::slice::from_ref(commit));
    }
}

/// The largest commits that may be sealed are stored: by events, and by bytes.
pub async fn a_commit_of_the_largest_size_is_taken(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    let many = chain.next("many", COMMIT_EVENTS_MAX);
    let long = chain.seal_text("long", COMMIT_BYTES_MAX - 1_024);
    for commit in [&many, &long] {
        write(&log, commit).await;
    }
    assert_eq!(log.load(&run(1), Seq::FIRST).await.unwrap(), [many, long]);
}

/// The summary stands from the commit on that carries it, with every field.
pub async fn a_summary_comes_with_the_last_commit(log: impl RunLog) {
    let mut chain = Chain::new(run(1));
    write(&log, &chain.next("one", 1)).await;
    assert_eq!(log.summary(&run(1)).await.unwrap(), None);
    let put = Put {
        summary: Some(summary(&run(1), 2)),
        ..Put::of(chain.next("two", 1))
    };
    assert_eq!(log.append(put).await.unwrap(), Appended::Written);
    assert_eq!(
        log.summary(&run(1)).await.unwrap(),
        Some(summary(&run(1), 2))
    );
}

/// A checkpoint that is not newer than the stored one is not taken.
pub async fn a_checkpoint_moves_only_forward(log: impl RunLog) {
    let of = |run, seq, body: &[u8]| Checkpoint {
        run,
        seq: Seq::from_stored(seq),
        hash: Hash::of(body),
        body: Arc::from(body),
    };
    assert_eq!(log.checkpoint(&run(1)).await.unwrap(), None);
    for (seq, taken, stands) in [(5, true, 5), (4, false, 5), (5, false, 5), (9, true, 9)] {
        let body = format!("state at {seq}");
        let put = of(run(1), seq, body.as_bytes());
        assert_eq!(log.put_checkpoint(put).await.unwrap(), taken, "{seq}");
        let expected = of(run(1), stands, format!("state at {stands}").as_bytes());
        assert_eq!(
            log.checkpoint(&run(1)).await.unwrap(),
            Some(expected),
            "{seq}"
        );
    }
    assert!(
        log.put_checkpoint(of(run(2), 1, b"another run"))
            .await
            .unwrap()
    );
}

/// A checkpoint may be much larger than a commit.
pub async fn a_checkpoint_of_a_large_state_is_kept(log: impl RunLog) {
    let body: Arc<[u8]> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let put = Checkpoint {
        run: run(1),
        seq: Seq::FIRST,
        hash: Hash::of(&body),
        body,
    };
    assert!(log.put_checkpoint(put.clone()).await.unwrap());
    assert_eq!(log.checkpoint(&run(1)).await.unwrap(), Some(put));
}
