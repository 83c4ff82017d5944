//! Where a run can be forked. A step, such as a split with its branches or an assignment with its
//! variables, is several events of one commit; between them the run never rested, and a fork from
//! there would do half of the step twice. So a fork begins at the end of the last whole step.

use lattice_journal::payload::{BranchOutcome, SignalOutcome};
use lattice_journal::{Event, EventBody, RunStatus};
use lattice_model::{Seq, StageId};

/// Why a run has no failure to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRedrive {
    /// It goes on.
    #[error("the run is {0} and has not failed; name an event with `--at`")]
    NotOver(RunStatus),
    /// It completed, whatever failed on the way.
    #[error(
        "the run completed: a failure on its way was caught; name the event to begin at with `--at`"
    )]
    Completed,
    /// Somebody ended it.
    #[error("the run was cancelled and did not fail; name the event to begin at with `--at`")]
    Cancelled,
    /// No stage failed.
    #[error("the run failed at no stage ({0}); name the event to begin at with `--at`")]
    NoStage(String),
}

/// The end of the last whole step at or before a seq, among events that are dense and of whole
/// commits. `None` = it lies before them.
pub fn whole(events: &[Event], at: Seq) -> Option<Seq> {
    let mut last = None;
    let mut rests = false;
    for (place, event) in events.iter().enumerate() {
        if event.seq > at {
            break;
        }
        let behind = events.get(place + 1..).unwrap_or_default();
        // It says only that the run goes on with what stands before it.
        if !matches!(event.body, EventBody::RunResumed(_)) || place == 0 {
            rests = is_whole(event, behind);
        }
        if rests {
            last = Some(event.seq);
        }
    }
    last
}

/// Whether a step may end with the event.
fn is_whole(event: &Event, behind: &[Event]) -> bool {
    let next = behind.first().map(|event| &event.body);
    match &event.body {
        EventBody::StageSkipped(_)
        | EventBody::JoinFired(_)
        | EventBody::MapStarted(_)
        | EventBody::VariableSet(_)
        | EventBody::RunCompleted(_)
        | EventBody::RunFailed(_)
        | EventBody::RunCancelled(_) => false,
        EventBody::RunQueued(_) => !matches!(next, Some(EventBody::RunForked(_))),
        EventBody::SignalReceived(signal) => signal.outcome != SignalOutcome::Accepted,
        EventBody::BranchStarted(started) => started.item,
        EventBody::StageFailed(failed) => failed.next.is_some(),
        EventBody::StageCompleted(_) => !matches!(next, Some(EventBody::RunCompleted(_))),
        EventBody::BranchEnded(_) => {
            let mut decided = behind.iter().map(|event| &event.body);
            let decided = decided.find(|body| !matches!(body, EventBody::StageSkipped(_)));
            match decided {
                Some(EventBody::JoinFired(_)) => false,
                // The gather of a map that does not go on without the item.
                Some(EventBody::StageFailed(_)) => false,
                _ => true,
            }
        }
        _ => true,
    }
}

/// The seq of the event with which the failure of a failed run began: the run as it stood before is
/// what a redrive begins with.
pub fn before_failure(events: &[Event]) -> Result<Seq, NoRedrive> {
    let last = events.last().map(|event| &event.body);
    let failed = match last {
        Some(EventBody::RunFailed(failed)) => failed,
        Some(EventBody::RunCompleted(_)) => return Err(NoRedrive::Completed),
        Some(EventBody::RunCancelled(_)) => return Err(NoRedrive::Cancelled),
        _ => {
            let state = crate::fold(crate::RunState::empty(), events);
            return Err(NoRedrive::NotOver(state.status));
        }
    };
    let no_stage = || NoRedrive::NoStage(failed.failure.message.clone());
    let stage = failed.stage.as_ref().ok_or_else(no_stage)?;
    let place = failure_of(events, stage).ok_or_else(no_stage)?;
    let first = first_cause(events, stage, place);
    let before = first.checked_sub(1).and_then(|before| events.get(before));
    Ok(before.map_or(Seq::ZERO, |event| event.seq))
}

/// The place of the event with which a stage gave up.
fn failure_of(events: &[Event], stage: &StageId) -> Option<usize> {
    let gave_up =
        |event: &Event| matches!(&event.body, EventBody::StageFailed(it) if it.stage == *stage);
    events.iter().rposition(gave_up)
}

/// The place of what made a stage fail: if it is a join, the first failure in one of its branches;
/// if it is a gather, the failure of the item.
fn first_cause(events: &[Event], stage: &StageId, place: usize) -> usize {
    let before = events.get(..place).unwrap_or_default();
    let fired = before.iter().rev().find_map(|event| match &event.body {
        EventBody::JoinFired(fired) if fired.stage == *stage => Some(fired.split.clone()),
        _ => None,
    });
    let ends = match fired {
        Some(split) => failed_ends(before, &split),
        None => {
            let maps = before.iter().rev().find_map(|event| match &event.body {
                EventBody::MapStarted(map) if map.gather.stage == *stage => Some(map.stage.clone()),
                _ => None,
            });
            let last = maps.and_then(|map| failed_ends(before, &map).last().copied());
            // An item that failed long before did not end the map.
            let only_skips = |end: &usize| {
                let between = before.get(end + 1..).unwrap_or_default();
                let mut between = between.iter();
                between.all(|event| matches!(event.body, EventBody::StageSkipped(_)))
            };
            last.filter(only_skips).into_iter().collect()
        }
    };
    let causes = ends.into_iter().map(|end| cause_of_end(before, end));
    causes.min().unwrap_or(place)
}

/// The places at which branches of a split, or items of a map, failed.
fn failed_ends(events: &[Event], split: &StageId) -> Vec<usize> {
    let mut branches = Vec::new();
    let mut ends = Vec::new();
    for (place, event) in events.iter().enumerate() {
        match &event.body {
            EventBody::BranchStarted(it) if it.split == *split => branches.push(&it.branch),
            EventBody::BranchEnded(it) if branches.contains(&&it.branch) => {
                if matches!(it.outcome, BranchOutcome::Failed { .. }) {
                    ends.push(place);
                }
            }
            _ => {}
        }
    }
    ends
}

/// The place of what made a branch fail: a stage, or nothing but its time.
fn cause_of_end(events: &[Event], end: usize) -> usize {
    let before = end.checked_sub(1).and_then(|before| events.get(before));
    match before.map(|event| &event.body) {
        Some(EventBody::StageFailed(failed)) if failed.next.is_none() => {
            first_cause(events, &failed.stage, end - 1)
        }
        _ => end,
    }
}
