//! Call: an effect, claimed before it is performed.

use super::budget::{self, Allowed};
use super::expression_failure;
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_expr::{ExprError, Rendered, Schema};
use lattice_ir::{
    Call, CallDone, CallOutcome, CallRequest, Effect, EffectRequest, ModelCall, ModelRequest,
    OnUnknown, OpKind, PlannedOp,
};
use lattice_journal::payload::{
    LlmStepCompleted, LlmStepFailed, LlmStepStarted, StageRetrying, StageStarted, TraceBreadcrumb,
    late_detail,
};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::{Guard, Hash, StageId, limits};
use serde_json::Value;

/// Claims the attempt after `attempt`, if this worker can perform it.
pub(crate) fn claim(
    scratch: &mut Scratch<'_>,
    at: &At,
    attempt: u32,
    epoch: u32,
) -> Result<(), DecideError> {
    let (call, planned) = parts(scratch, at)?;
    let references = planned.references();
    let values = scratch.values(at, &references)?;
    let Effect::Model(model) = &call.effect;
    let mut request = match render(model, planned, &values) {
        Ok(request) => request,
        Err(error) => {
            let failure = expression_failure(&error);
            return scratch.fail_stage(at, attempt, failure, call.on_error);
        }
    };
    let reserved = match budget::allow(scratch, at, (attempt, epoch), &mut request) {
        Allowed::Yes { reserved } => reserved,
        Allowed::Later => return Ok(()),
        Allowed::Never(failure) => return scratch.fail_stage(at, attempt, failure, call.on_error),
    };
    let attempt = attempt + 1;
    let key = key(scratch, &at.stage, epoch);
    let lease_ms = call.timeout_ms + limits::LEASE_MARGIN_MS;
    let prompt = match scratch.keep(Value::String(request.prompt.to_display())) {
        Ok(prompt) => prompt,
        Err(failure) => return scratch.fail_stage(at, attempt - 1, failure, call.on_error),
    };
    let (stage, model) = (at.stage.clone(), model.model.clone());
    scratch.push(StageStarted {
        stage: stage.clone(),
        op: at.op,
        node: at.node.clone(),
        attempt,
        epoch,
        lease_ms,
        key,
        boot: scratch.input.boot.clone(),
        reserved,
    });
    scratch.push(LlmStepStarted {
        stage: stage.clone(),
        attempt,
        model,
        prompt,
    });
    scratch.call(CallRequest {
        tenant: scratch.state.tenant.clone(),
        run: scratch.input.run.clone(),
        stage,
        attempt,
        key,
        timeout_ms: call.timeout_ms,
        lease_ms,
        effect: EffectRequest::Model(request),
    });
    Ok(())
}

/// Takes the outcome of the attempt that runs.
pub(crate) fn end(
    scratch: &mut Scratch<'_>,
    at: &At,
    attempt: u32,
    epoch: u32,
    outcome: &CallOutcome,
) -> Result<(), DecideError> {
    match outcome {
        Ok(done) => complete(scratch, at, attempt, epoch, done),
        Err((failure, usage)) => fail(scratch, at, attempt, epoch, failure, *usage),
    }
}

/// Takes the loss of the attempt that runs: nobody will ever say what became of it.
pub(crate) fn lose(
    scratch: &mut Scratch<'_>,
    at: &At,
    attempt: u32,
    epoch: u32,
) -> Result<(), DecideError> {
    let (call, _) = parts(scratch, at)?;
    if call.on_unknown == OnUnknown::Fail {
        let message = "the worker was lost and the effect must not be repeated";
        let failure = Failure::new(FailureKind::UnknownOutcome, message);
        return scratch.fail_stage(at, attempt, failure, call.on_error);
    }
    let ceiling = scratch.input.guards.on(Guard::AttemptCeiling);
    if attempt >= call.retry.attempts_max && ceiling {
        let message = format!("{attempt} attempts were lost or failed, and no more are allowed");
        let failure = Failure::new(FailureKind::AttemptsExhausted, message);
        return scratch.fail_stage(at, attempt, failure, call.on_error);
    }
    if !scratch.input.claims {
        return Ok(());
    }
    // INVARIANT: the key is stable over lost attempts (Guard::StableKey), so that a receiver that
    // honours it applies the effect once.
    let stable = scratch.input.guards.on(Guard::StableKey);
    claim(scratch, at, attempt, if stable { epoch } else { epoch + 1 })
}

/// Records what a result that came too late has used.
pub(crate) fn note_late(
    scratch: &mut Scratch<'_>,
    stage: &StageId,
    attempt: u32,
    outcome: &CallOutcome,
) {
    let usage = match outcome {
        Ok(done) => done.usage,
        Err((_, usage)) => *usage,
    };
    let detail = late_detail(attempt, usage, scratch.state.seq);
    let stage = Some(stage.clone());
    scratch.push(TraceBreadcrumb {
        kind: "result.late".to_owned(),
        stage,
        detail,
    });
}

fn complete(
    scratch: &mut Scratch<'_>,
    at: &At,
    attempt: u32,
    epoch: u32,
    done: &CallDone,
) -> Result<(), DecideError> {
    let (call, planned) = parts(scratch, at)?;
    let PlannedOp::Model { schema, .. } = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let answer = read_answer(schema.as_ref(), &done.text);
    let kept = answer.and_then(|output| {
        let text = scratch.keep(Value::String(done.text.clone()))?;
        Ok((text, scratch.keep(output)?))
    });
    let (text, output) = match kept {
        Ok(kept) => kept,
        Err(failure) => return fail(scratch, at, attempt, epoch, &failure, done.usage),
    };
    scratch.push(LlmStepCompleted {
        stage: at.stage.clone(),
        attempt,
        model: word(&done.model),
        text,
        usage: done.usage,
        finish: word(&done.finish),
        latency_ms: done.latency_ms,
    });
    scratch.complete_stage(at, Some(output), None, Some(call.next))
}

/// A provider's own word, cut at the stored limit.
fn word(text: &str) -> String {
    text.chars().take(limits::PROVIDER_WORD_CHARS_MAX).collect()
}

/// The output in an answer: the text, or the JSON that the schema asks for.
fn read_answer(schema: Option<&Schema>, text: &str) -> Result<Value, Failure> {
    let malformed = |message| Failure::new(FailureKind::MalformedOutput, message);
    let Some(schema) = schema else {
        return Ok(Value::String(text.to_owned()));
    };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| malformed(format!("the answer is not JSON: {error}")))?;
    match schema.validate(&value) {
        Ok(()) => Ok(value),
        Err(problems) => {
            let lines = problems.iter().map(|problem| {
                let pointer = if problem.pointer.is_empty() {
                    "/"
                } else {
                    &problem.pointer
                };
                format!("at `{pointer}`: {}", problem.message)
            });
            let lines: Vec<_> = lines.take(5).collect();
            let text = lines.join("; ");
            Err(malformed(format!(
                "the answer does not fit the output schema: {text}"
            )))
        }
    }
}

fn fail(
    scratch: &mut Scratch<'_>,
    at: &At,
    attempt: u32,
    epoch: u32,
    failure: &Failure,
    usage: Usage,
) -> Result<(), DecideError> {
    let (call, _) = parts(scratch, at)?;
    let stage = at.stage.clone();
    scratch.push(LlmStepFailed {
        stage,
        attempt,
        failure: failure.clone(),
        usage,
    });
    let ceiling = scratch.input.guards.on(Guard::AttemptCeiling);
    if failure.retryable && (attempt < call.retry.attempts_max || !ceiling) {
        let due_at = scratch
            .input
            .at
            .plus(pause_ms(scratch, call, at, attempt, failure));
        scratch.push(StageRetrying {
            stage: at.stage.clone(),
            attempt,
            epoch: epoch + 1,
            failure: failure.clone(),
            due_at,
        });
        return Ok(());
    }
    let target = match failure.kind {
        FailureKind::Timeout => call.on_timeout.or(call.on_error),
        _ => call.on_error,
    };
    scratch.fail_stage(at, attempt, failure.clone(), target)
}

/// Exponential back-off, shortened by up to a quarter so that many runs do not come back at once;
/// at least what the provider asked for, up to the longest delay of a queue. The "chance" in it is
/// the hash of the attempt's identity, so that the same log always decides the same.
fn pause_ms(scratch: &Scratch<'_>, call: &Call, at: &At, attempt: u32, failure: &Failure) -> u64 {
    let doubled = call
        .retry
        .delay_ms
        .saturating_mul(1 << (attempt - 1).min(20));
    let pause = doubled.min(call.retry.delay_ms_max);
    let hash = key(scratch, &at.stage, attempt).to_hex();
    let quarter = u64::from_str_radix(hash.get(..4).unwrap_or("0"), 16).unwrap_or(0);
    let shortened = pause - pause * quarter / 65_536 / 4;
    let asked = failure
        .retry_after_ms
        .unwrap_or(0)
        .min(limits::QUEUE_DELAY_MS_MAX);
    shortened.max(asked)
}

/// The idempotency key: a hash of run, stage and epoch (protocol, rule 5).
fn key(scratch: &Scratch<'_>, stage: &StageId, epoch: u32) -> Hash {
    let (run, stage) = (scratch.input.run.as_str(), stage.as_str());
    Hash::of_parts(&[run.as_bytes(), stage.as_bytes(), &epoch.to_be_bytes()])
}

fn render(
    model: &ModelCall,
    planned: &PlannedOp,
    values: &crate::scope::Values,
) -> Result<ModelRequest, ExprError> {
    let scope = values.scope();
    let (system, prompt): (Option<Rendered>, Rendered) = match planned {
        PlannedOp::Model { system, prompt, .. } => (
            system
                .as_ref()
                .map(|system| system.render(&scope))
                .transpose()?,
            prompt.render(&scope)?,
        ),
        _ => (None, Rendered { parts: Vec::new() }),
    };
    Ok(ModelRequest {
        model: model.model.clone(),
        system,
        prompt,
        output_schema: model.output_schema.clone(),
        max_output_tokens: model.max_output_tokens,
        temperature_milli: model.temperature_milli,
    })
}

fn parts<'a>(scratch: &Scratch<'a>, at: &At) -> Result<(&'a Call, &'a PlannedOp), DecideError> {
    match scratch.plan.op(at.op) {
        Some((op, planned)) => match &op.kind {
            OpKind::Call(call) => Ok((call, planned)),
            _ => Err(DecideError::UnknownOp(at.stage.clone())),
        },
        None => Err(DecideError::UnknownOp(at.stage.clone())),
    }
}
