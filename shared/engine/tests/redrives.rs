//! Redrives: forks from before the failure of a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{NoRedrive, before_failure};
use lattice_ir::JoinPolicy;
use lattice_journal::{EventBody, FailureKind};
use support::Runner;
use support::forks::{answer_all, begin, branching, completed, events, forked, output, over};

fn redriven(run: &Runner) -> Runner {
    let before = before_failure(&events(run)).unwrap();
    forked(run, before.get(), &[]).unwrap()
}

#[test]
fn a_redrive_does_the_failed_stage_again_and_nothing_before_it() {
    let mut run = begin(branching(JoinPolicy::All));
    run.fails("a", 1, FailureKind::Auth);
    let mut again = redriven(&run);
    assert_eq!(again.state.claims().count(), 1);
    answer_all(&mut again);
    assert!(matches!(again.log.last(), Some(EventBody::RunCompleted(_))));
    for policy in [JoinPolicy::All, JoinPolicy::FailFast] {
        let mut run = begin(branching(policy));
        run.answers("a", 1, "said a")
            .fails("b", 1, FailureKind::Auth);
        assert!(matches!(run.log.last(), Some(EventBody::RunFailed(_))));
        let mut again = redriven(&run);
        assert_eq!(again.state.branches.len(), 2);
        answer_all(&mut again);
        assert_eq!(output(&again)["seen"], "said a!?");
        assert!(!completed(&again.log).contains("a"));
    }
}

#[test]
fn a_redrive_of_a_failed_item_keeps_the_others() {
    let mut run = over(4);
    run.answers("x[0]", 1, "said x[0]")
        .answers("x[1]", 1, "said x[1]");
    run.fails("x[2]", 1, FailureKind::Auth);
    assert!(matches!(run.log.last(), Some(EventBody::RunFailed(_))));
    let mut again = redriven(&run);
    answer_all(&mut again);
    let mut whole = over(4);
    answer_all(&mut whole);
    assert_eq!(output(&again), output(&whole));
    assert!(!completed(&again.log).contains("x[0]"));
}

#[test]
fn there_is_no_redrive_of_a_run_that_did_not_fail_at_a_stage() {
    let mut run = begin(branching(JoinPolicy::All));
    let refused = |run: &Runner| before_failure(&events(run)).unwrap_err();
    assert!(matches!(refused(&run), NoRedrive::NotOver(_)));
    answer_all(&mut run);
    assert_eq!(refused(&run), NoRedrive::Completed);
    let mut late = begin(branching(JoinPolicy::All));
    late.wake_at(1_000 + 3_600_000);
    let error = refused(&late);
    assert!(error.to_string().contains("lifetime"), "{error}");
    let mut ended = begin(branching(JoinPolicy::All));
    ended.cancel("in_1");
    assert_eq!(refused(&ended), NoRedrive::Cancelled);
    // A cancelled run can be forked all the same, from the last moment at which it had work.
    let fork = forked(&ended, ended.log.len() as u64, &[]).unwrap();
    assert_eq!(fork.state.claims().count(), 1);
}
