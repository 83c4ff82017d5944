//! What must hold before a Program may run, whoever made it.

use crate::branches::Split;
use crate::loops;
use crate::map::Map;
use crate::nesting;
use crate::program::{Call, IR_VERSION, Op, OpKind, Program, Wait};
use crate::trigger::{TriggerKind, WebhookAuth};
use lattice_expr::{ExprError, Schema};
use lattice_model::limits;
use std::collections::BTreeSet;

/// What is wrong with a Program. A Program of our own compiler has none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Of the whole.
    #[error("the program {reason}")]
    Program {
        /// What.
        reason: String,
    },
    /// Of one op.
    #[error("op `{op}` {reason}")]
    Op {
        /// Its name.
        op: String,
        /// What.
        reason: String,
    },
}

impl VerifyError {
    pub(crate) fn op(op: &Op, reason: impl Into<String>) -> Self {
        Self::Op {
            op: op.name.clone(),
            reason: reason.into(),
        }
    }

    pub(crate) fn expression(op: &Op, error: &ExprError) -> Self {
        Self::op(
            op,
            format!("has an expression that does not parse: {error}"),
        )
    }
}

/// Checks the Program and gives everything that is wrong with it.
pub fn verify(program: &Program) -> Result<(), Vec<VerifyError>> {
    let mut errors = Vec::new();
    if program.ir_version != IR_VERSION {
        let version = program.ir_version;
        let reason = format!("has IR version {version}, this build reads {IR_VERSION}");
        return Err(vec![VerifyError::Program { reason }]);
    }
    check_whole(program, &mut errors);
    check_triggers(program, &mut errors);
    let mut names = BTreeSet::new();
    for op in &program.ops {
        if op.name.is_empty() || op.name.contains(['@', '[']) || !names.insert(&op.name) {
            errors.push(VerifyError::op(
                op,
                "has a name that is empty, has an `@` or a `[`, or is taken",
            ));
        }
        for target in op.kind.targets() {
            if target.index() >= program.ops.len() {
                errors.push(VerifyError::op(
                    op,
                    format!("leads to {target}, which is not there"),
                ));
            }
        }
        check_op(op, &mut errors);
    }
    if errors.is_empty() {
        errors.extend(loops::check(program));
        errors.extend(nesting::check(program));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn check_whole(program: &Program, errors: &mut Vec<VerifyError>) {
    let mut add = |reason: &str| {
        errors.push(VerifyError::Program {
            reason: reason.to_owned(),
        })
    };
    if program.ops.is_empty() {
        add("has no ops");
    }
    if program.entry.index() >= program.ops.len() {
        add("begins at an op that is not there");
    }
    if !(1..=limits::LIFETIME_MS_MAX).contains(&program.lifetime_ms) {
        add("has a lifetime of 0 or of more than 366 days");
    }
    let tokens = 1..=limits::BUDGET_TOKENS_MAX;
    if program
        .budget
        .is_some_and(|it| !tokens.contains(&it.tokens))
    {
        add("has a budget of no tokens, or of too many");
    }
    if let Some(Err(reason)) = program.concurrency.as_ref().map(|it| it.check()) {
        add(&reason);
    }
    if !program
        .ops
        .iter()
        .any(|op| matches!(op.kind, OpKind::End(_)))
    {
        add("has no end");
    }
}

fn check_triggers(program: &Program, errors: &mut Vec<VerifyError>) {
    let mut add = |reason: String| errors.push(VerifyError::Program { reason });
    let count = program.triggers.len();
    if count > limits::TRIGGERS_MAX {
        let max = limits::TRIGGERS_MAX;
        add(format!("has {count} triggers, the limit is {max}"));
    }
    let mut nodes = BTreeSet::new();
    for trigger in &program.triggers {
        let node = &trigger.node;
        if trigger.entry.index() >= program.ops.len() {
            add(format!(
                "has a trigger `{node}` that begins at an op that is not there"
            ));
        }
        if !nodes.insert(node) {
            add(format!("has two triggers `{node}`"));
        }
        if let Some(reason) = check_trigger(&trigger.on) {
            add(format!("has a trigger `{node}` that {reason}"));
        }
    }
}

fn check_trigger(on: &TriggerKind) -> Option<String> {
    match on {
        TriggerKind::Schedule(schedule) => {
            let is_empty = schedule.expression.is_empty() || schedule.timezone.is_empty();
            is_empty.then(|| "has no expression or no time zone".to_owned())
        }
        TriggerKind::Webhook(webhook) => {
            let header = match &webhook.authentication {
                WebhookAuth::HmacSha256 { header, .. } | WebhookAuth::ApiKey { header, .. } => {
                    header.as_str()
                }
                WebhookAuth::StandardWebhooks { .. } => "webhook-signature",
            };
            // INVARIANT: a webhook without a secret is never open to everybody.
            if webhook.authentication.secret().is_empty() {
                return Some("names no secret".to_owned());
            }
            if webhook.methods.is_empty() {
                return Some("takes no method".to_owned());
            }
            if header.is_empty() || header.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Some("has a header that is not in lower case".to_owned());
            }
            let schema = webhook.schema.as_ref().map(Schema::parse)?;
            let error = schema.err()?;
            Some(format!("has a schema that cannot be used: {error}"))
        }
    }
}

fn check_op(op: &Op, errors: &mut Vec<VerifyError>) {
    let reason = match &op.kind {
        OpKind::Call(call) => check_call(call),
        OpKind::Wait(wait) => check_wait(wait),
        OpKind::Split(split) => check_split(split),
        OpKind::Map(map) => check_map(map),
        OpKind::Invoke(invoke) => {
            let within = 1..=limits::LIFETIME_MS_MAX;
            let is_wrong = invoke.timeout_ms.is_some_and(|ms| !within.contains(&ms));
            is_wrong.then_some("has a time-out of 0 or of more than 366 days")
        }
        OpKind::Choice(choice) if choice.arms.is_empty() && choice.otherwise.is_none() => {
            Some("has no way out")
        }
        _ => None,
    };
    errors.extend(reason.map(|reason| VerifyError::op(op, reason)));
}

fn check_call(call: &Call) -> Option<&'static str> {
    if !(1..=limits::STAGE_TIMEOUT_MS_MAX).contains(&call.timeout_ms) {
        return Some("has a timeout of 0 or of more than 10 minutes");
    }
    if !(1..=limits::STAGE_ATTEMPTS_MAX).contains(&call.retry.attempts_max) {
        return Some("has no attempt, or more than 5");
    }
    (call.retry.delay_ms > call.retry.delay_ms_max
        || call.retry.delay_ms_max > limits::RETRY_DELAY_MS_MAX)
        .then_some("has a pause between attempts that is out of bounds")
}

fn check_split(split: &Split) -> Option<&'static str> {
    let count = limits::SPLIT_BRANCHES_MIN..=limits::SPLIT_BRANCHES_MAX;
    if !count.contains(&split.branches.len()) {
        return Some("has fewer than 2 branches, or more than 16");
    }
    let within = 1..=limits::LIFETIME_MS_MAX;
    let mut timeouts = split.branches.iter().filter_map(|branch| branch.timeout_ms);
    (!timeouts.all(|ms| within.contains(&ms))).then_some("has a branch with a time-out of 0")
}

fn check_map(map: &Map) -> Option<&'static str> {
    if !(1..=limits::MAP_BATCH_ITEMS_MAX).contains(&map.batch_size) {
        return Some("has batches of 0 items, or of more than 1,000");
    }
    if !(1..=limits::MAP_BATCHES_MAX).contains(&map.batches_at_once) {
        return Some("has 0 batches at once, or more than 16");
    }
    if !(1..=limits::MAP_INLINE_ITEMS_MAX).contains(&map.items_at_once) {
        return Some("has 0 items at once, or more than 16");
    }
    (map.pause_ms > limits::MAP_PAUSE_MS_MAX).then_some("waits more than a day between batches")
}

fn check_wait(wait: &Wait) -> Option<&'static str> {
    if wait.question.is_none() && wait.timer.is_none() {
        return Some("waits for nothing");
    }
    if wait.question.is_some() != wait.on_answer.is_some() {
        return Some("has a question without a way on, or the reverse");
    }
    (wait.timer.is_some() != wait.on_timer.is_some())
        .then_some("has a timer without a way on, or the reverse")
}
