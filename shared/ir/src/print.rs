//! A Program as a text for people: one line per op, in the order of the list.

use crate::program::{Effect, Op, OpKind, Program, Test, Timer, Way};
use lattice_model::OpId;
use std::fmt::Write;

/// Prints the Program. The text is for reading and for cases; it is not parsed back.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    // INVARIANT: writing to a String cannot fail.
    let _ = writeln!(out, "program {} entry {}", program.workflow, program.entry);
    for (name, value) in &program.variables {
        let _ = writeln!(out, "  var {name} = {value}");
    }
    for (place, op) in program.ops.iter().enumerate() {
        let _ = writeln!(out, "  %{place} {} = {}", op.name, line(op));
    }
    out
}

fn line(op: &Op) -> String {
    let word = op.kind.word();
    match &op.kind {
        OpKind::Call(call) => {
            let Effect::Model(model) = &call.effect;
            let schema = if model.output_schema.is_some() {
                " schema"
            } else {
                ""
            };
            let system = model
                .system
                .as_ref()
                .map(|text| format!(" system {text:?}"));
            format!(
                "{word} model {}{} {:?}{schema} timeout {}ms attempts {} -> {}{}{}",
                model.model,
                system.unwrap_or_default(),
                model.prompt,
                call.timeout_ms,
                call.retry.attempts_max,
                call.next,
                target("error", call.on_error),
                target("timeout", call.on_timeout),
            )
        }
        OpKind::Eval(eval) => {
            let transform = eval
                .transform
                .as_ref()
                .map(|transform| format!(" | {:?} {:?}", transform.language, transform.expression));
            let fallback = eval.fallback.as_ref().map(|value| format!(" else {value}"));
            format!(
                "{word} {}{}{} -> {}{}",
                eval.input,
                transform.unwrap_or_default(),
                fallback.unwrap_or_default(),
                eval.next,
                target("error", eval.on_error),
            )
        }
        OpKind::Assign(assign) => {
            let value = assign
                .value
                .as_ref()
                .map_or("deleted".to_owned(), ToString::to_string);
            let error = target("error", assign.on_error);
            format!(
                "{word} vars.{} = {value} -> {}{error}",
                assign.variable, assign.next
            )
        }
        OpKind::Choice(choice) => {
            let mut parts: Vec<String> = choice
                .arms
                .iter()
                .map(|arm| arm_text(&arm.test, &arm.way))
                .collect();
            parts.extend(
                choice
                    .otherwise
                    .as_ref()
                    .map(|way| format!("else {}", way_text(way))),
            );
            format!(
                "{word} {}{}",
                parts.join("; "),
                target("error", choice.on_error)
            )
        }
        OpKind::Wait(wait) => {
            let question = wait.question.as_ref().map(|question| {
                let labels: Vec<_> = question
                    .options
                    .iter()
                    .map(|option| option.label.as_str())
                    .collect();
                format!(" {:?} {:?} {labels:?}", question.choice, question.text)
            });
            let timer = wait.timer.as_ref().map(|timer| match timer {
                Timer::After(ms) => format!(" after {ms}ms"),
                Timer::Until(text) => format!(" until {text:?}"),
            });
            format!(
                "{word}{}{}{}{}{}",
                question.unwrap_or_default(),
                timer.unwrap_or_default(),
                target("answer", wait.on_answer),
                target("timer", wait.on_timer),
                target("error", wait.on_error),
            )
        }
        OpKind::End(end) => format!("{word} {}", end.output),
    }
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
