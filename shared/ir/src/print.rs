//! A Program as a text for people: one line per op, in the order of the list.

use crate::branches::{Join, JoinPolicy, Split};
use crate::invoke::Invoke;
use crate::map::{Gather, Map};
use crate::program::{
    Assign, Call, Choice, Effect, Eval, Op, OpKind, Program, Test, Timer, Wait, Way,
};
use crate::trigger::{Schedule, Trigger, TriggerKind, WebhookAuth};
use lattice_model::OpId;
use std::fmt::Write;

/// Prints the Program. The text is for reading and for cases; it is not parsed back.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    // INVARIANT: writing to a String cannot fail.
    let _ = writeln!(out, "program {} entry {}", program.workflow, program.entry);
    if let Some(budget) = &program.budget {
        let _ = writeln!(out, "  budget {} tokens", budget.tokens);
    }
    if let Some(limit) = &program.concurrency {
        let key = limit.key.as_ref().map(|key| format!(" for each {key:?}"));
        let key = key.unwrap_or_default();
        let _ = writeln!(out, "  at most {} runs at once{key}", limit.max_runs);
    }
    for (name, value) in &program.variables {
        let _ = writeln!(out, "  var {name} = {value}");
    }
    for trigger in &program.triggers {
        let _ = writeln!(out, "  on {}", trigger_line(trigger));
    }
    for (place, op) in program.ops.iter().enumerate() {
        let _ = writeln!(out, "  %{place} {} = {}", op.name, line(op));
    }
    out
}

fn trigger_line(trigger: &Trigger) -> String {
    let Trigger { node, entry, on } = trigger;
    match on {
        TriggerKind::Webhook(webhook) => {
            let methods = webhook.methods.join(",");
            let payload = format!("{:?}", webhook.payload).to_lowercase();
            let schema = webhook.schema.as_ref().map_or("", |_| " schema");
            let proof = match &webhook.authentication {
                WebhookAuth::HmacSha256 { secret, header } => {
                    format!("hmac-sha256 {secret} in {header}")
                }
                WebhookAuth::StandardWebhooks { secret } => format!("standard-webhooks {secret}"),
                WebhookAuth::ApiKey { secret, header } => format!("api-key {secret} in {header}"),
            };
            format!("webhook {node} = {methods} {payload}{schema} by {proof} -> {entry}")
        }
        TriggerKind::Schedule(schedule) => {
            let Schedule {
                expression,
                timezone,
                input,
                overlap,
                missed,
            } = schedule;
            let mut policies = String::new();
            if !overlap.is_usual() {
                policies = format!(" overlap {}", overlap.as_str());
            }
            if !missed.is_usual() {
                policies.push_str(&format!(" missed {}", missed.as_str()));
            }
            format!("schedule {node} = {expression} in {timezone} {input}{policies} -> {entry}")
        }
    }
}

fn line(op: &Op) -> String {
    let text = match &op.kind {
        OpKind::Call(op) => call(op),
        OpKind::Eval(op) => eval(op),
        OpKind::Assign(op) => assign(op),
        OpKind::Choice(op) => choice(op),
        OpKind::Wait(op) => wait(op),
        OpKind::Split(op) => split(op),
        OpKind::Join(op) => join(op),
        OpKind::Map(op) => map(op),
        OpKind::Gather(op) => gather(op),
        OpKind::Invoke(op) => invoke(op),
        OpKind::End(op) => format!(" {}", op.output),
    };
    let visits = op.visits_max.map(|max| format!(" at most {max} times"));
    format!("{}{}{text}", op.kind.word(), visits.unwrap_or_default())
}

fn call(op: &Call) -> String {
    let Effect::Model(model) = &op.effect;
    let system = model
        .system
        .as_ref()
        .map(|text| format!(" system {text:?}"));
    format!(
        " model {}{} {:?}{} timeout {}ms attempts {} -> {}{}{}",
        model.model,
        system.unwrap_or_default(),
        model.prompt,
        if model.output_schema.is_some() {
            " schema"
        } else {
            ""
        },
        op.timeout_ms,
        op.retry.attempts_max,
        op.next,
        target("error", op.on_error),
        target("timeout", op.on_timeout),
    )
}

fn eval(op: &Eval) -> String {
    let transform = op.transform.as_ref();
    let transform =
        transform.map(|query| format!(" | {:?} {:?}", query.language, query.expression));
    let fallback = op.fallback.as_ref().map(|value| format!(" else {value}"));
    format!(
        " {}{}{} -> {}{}",
        op.input,
        transform.unwrap_or_default(),
        fallback.unwrap_or_default(),
        op.next,
        target("error", op.on_error),
    )
}

fn assign(op: &Assign) -> String {
    let value = op
        .value
        .as_ref()
        .map_or("deleted".to_owned(), ToString::to_string);
    let error = target("error", op.on_error);
    format!(" vars.{} = {value} -> {}{error}", op.variable, op.next)
}

fn choice(op: &Choice) -> String {
    let arms = op.arms.iter().map(|arm| arm_text(&arm.test, &arm.way));
    let otherwise = op
        .otherwise
        .iter()
        .map(|way| format!("else {}", way_text(way)));
    let parts: Vec<String> = arms.chain(otherwise).collect();
    format!(" {}{}", parts.join("; "), target("error", op.on_error))
}

fn wait(op: &Wait) -> String {
    let question = op.question.as_ref().map(|asked| {
        let labels: Vec<_> = asked
            .options
            .iter()
            .map(|option| option.label.as_str())
            .collect();
        format!(" {:?} {:?} {labels:?}", asked.choice, asked.text)
    });
    let timer = op.timer.as_ref().map(|timer| match timer {
        Timer::After(ms) => format!(" after {ms}ms"),
        Timer::Until(text) => format!(" until {text:?}"),
    });
    format!(
        "{}{}{}{}{}",
        question.unwrap_or_default(),
        timer.unwrap_or_default(),
        target("answer", op.on_answer),
        target("timer", op.on_timer),
        target("error", op.on_error),
    )
}

fn split(op: &Split) -> String {
    let branches = op.branches.iter().map(|branch| {
        let within = branch.timeout_ms.map(|ms| format!(" within {ms}ms"));
        format!("{}{}", way_text(&branch.way), within.unwrap_or_default())
    });
    let branches: Vec<_> = branches.collect();
    format!(" {} join {}", branches.join("; "), op.join)
}

fn join(op: &Join) -> String {
    let policy = match op.policy {
        JoinPolicy::All => "all".to_owned(),
        JoinPolicy::FailFast => "fail-fast".to_owned(),
        JoinPolicy::Quorum { needed } => format!("quorum {needed}"),
    };
    format!(
        " {} {policy} merge {:?} -> {}{}{}",
        op.split,
        op.merge,
        op.next,
        target("error", op.on_error),
        target("timeout", op.on_timeout),
    )
}

fn map(op: &Map) -> String {
    let pause = match op.pause_ms {
        0 => String::new(),
        ms => format!(", pause {ms}ms"),
    };
    let goes_on = if op.goes_on { ", goes on" } else { "" };
    format!(
        " {} in batches of {}, {} at once, {} items at once{pause}{goes_on}; {} gather {}{}",
        op.items,
        op.batch_size,
        op.batches_at_once,
        op.items_at_once,
        way_text(&op.way),
        op.gather,
        target("error", op.on_error),
    )
}

fn gather(op: &Gather) -> String {
    let error = target("error", op.on_error);
    format!(" {} -> {}{error}", op.map, op.next)
}

fn invoke(op: &Invoke) -> String {
    let program = op.program.to_hex();
    let within = op.timeout_ms.map(|ms| format!(" within {ms}ms"));
    let up_to = op
        .budget
        .map(|budget| format!(" up to {} tokens", budget.tokens));
    format!(
        " {} {} {}{}{} -> {}{}{}",
        op.workflow,
        program.get(..8).unwrap_or(&program),
        op.input,
        within.unwrap_or_default(),
        up_to.unwrap_or_default(),
        op.next,
        target("error", op.on_error),
        target("timeout", op.on_timeout),
    )
}

fn arm_text(test: &Test, way: &Way) -> String {
    match test {
        Test::Cel(text) => format!("{text:?} {}", way_text(way)),
        Test::Equals { target, value } => format!("{target:?} == {value} {}", way_text(way)),
    }
}

fn way_text(way: &Way) -> String {
    format!("{} -> {}", way.port, way.to)
}

fn target(name: &str, to: Option<OpId>) -> String {
    to.map(|to| format!(" {name} -> {to}")).unwrap_or_default()
}
