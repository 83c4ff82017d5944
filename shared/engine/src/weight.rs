//! How many bytes an event takes in a commit, so that a decision is cut before it is too large.

use lattice_journal::payload::{BatchOf, BranchOutcome, ChildOutcome, SignalOutcome};
use lattice_journal::{EventBody, Failure, Question, ValueRef};
use lattice_model::{NodeId, canonical_len, json_text_len};

/// Bytes of an envelope and of the ids and numbers in a payload, which are all bounded.
const EVENT_BYTES: usize = 1024;

/// Never less than what the event takes when it is stored.
pub(crate) fn weight(body: &EventBody) -> usize {
    EVENT_BYTES + parts(body)
}

fn parts(body: &EventBody) -> usize {
    match body {
        EventBody::RunQueued(queued) => {
            let variable = |(name, value): (&String, &ValueRef)| json_text_len(name) + of(value);
            of(&queued.input)
                + queued.variables.iter().map(variable).sum::<usize>()
                + queued.limit.as_ref().map_or(0, |it| json_text_len(&it.key))
                + queued.batch.as_ref().map_or(0, |batch| batch_bytes(batch))
        }
        EventBody::RunCompleted(done) => of(&done.output),
        EventBody::RunFailed(failed) => said(&failed.failure),
        EventBody::CancelRequested(cancel) => json_text_len(&cancel.reason),
        EventBody::StageCompleted(done) => done.output.as_ref().map_or(0, of),
        EventBody::StageFailed(failed) => said(&failed.failure),
        EventBody::StageRetrying(retrying) => said(&retrying.failure),
        EventBody::StageSkipped(skipped) => json_text_len(&skipped.reason),
        EventBody::LlmStepStarted(started) => of(&started.prompt),
        EventBody::LlmStepCompleted(done) => {
            of(&done.text) + json_text_len(&done.model) + json_text_len(&done.finish)
        }
        EventBody::LlmStepFailed(failed) => said(&failed.failure),
        EventBody::WaitOpened(wait) => wait.question.as_ref().map_or(0, question_bytes),
        EventBody::SignalReceived(signal) => {
            let reason = match &signal.outcome {
                SignalOutcome::Refused { reason } => json_text_len(reason),
                SignalOutcome::Accepted | SignalOutcome::Buffered => 0,
            };
            of(&signal.value) + reason
        }
        EventBody::VariableSet(set) => set.value.as_ref().map_or(0, of),
        EventBody::BranchEnded(ended) => match &ended.outcome {
            BranchOutcome::Completed { output } => of(output),
            BranchOutcome::Failed { failure, .. } => said(failure),
        },
        EventBody::JoinFired(fired) => {
            let variable = |(name, value): (&String, &Option<ValueRef>)| {
                json_text_len(name) + value.as_ref().map_or(4, of)
            };
            fired.variables.iter().map(variable).sum()
        }
        EventBody::MapStarted(started) => of(&started.items),
        EventBody::RunForked(forked) => stored_bytes(forked),
        EventBody::ChildStarted(started) => of(&started.input),
        EventBody::ChildEnded(ended) => match &ended.outcome {
            ChildOutcome::Completed { output } => of(output),
            ChildOutcome::Failed { failure } => said(failure),
            ChildOutcome::Cancelled => 0,
        },
        EventBody::TraceBreadcrumb(note) => canonical_len(&note.detail),
        EventBody::RunStarted(_)
        | EventBody::RunWaiting(_)
        | EventBody::RunResumed(_)
        | EventBody::RunCancelled(_)
        | EventBody::StageStarted(_)
        | EventBody::BranchStarted(_)
        | EventBody::StageHeld(_)
        | EventBody::TimerSet(_)
        | EventBody::TimerFired(_) => 0,
    }
}

/// Bytes of what is as large as it is.
pub(crate) fn stored_bytes<T: serde::Serialize>(stored: &T) -> usize {
    serde_json::to_vec(stored).map_or(usize::MAX / 4, |bytes| bytes.len())
}

fn batch_bytes(batch: &BatchOf) -> usize {
    let output = |(node, value): (&NodeId, &ValueRef)| node.as_str().len() + 3 + of(value);
    of(&batch.items) + batch.outputs.iter().map(output).sum::<usize>()
}

/// Bytes of a question: its text and its options.
pub(crate) fn question_bytes(question: &Question) -> usize {
    let options = question.options.iter().map(|option| {
        let more = option.description.as_deref().map_or(0, json_text_len);
        json_text_len(&option.label) + canonical_len(&option.value) + more + 64
    });
    json_text_len(&question.text) + options.sum::<usize>()
}

fn of(value: &ValueRef) -> usize {
    value.inline().map_or(0, |value| canonical_len(value))
}

fn said(failure: &Failure) -> usize {
    json_text_len(&failure.message)
}
