//! Shapes of runs that wait for a place. The oracle knows no limits: a run under one comes to what it
//! comes to without, only later.

use super::Shape;
use super::build::{ask, delay, end, invoke, join, program, split};
use super::families::{HOUR_MS, dreamer, of_topic, poet, world};
use lattice_ir::{Concurrency, Invoke, Join, JoinPolicy, Merge, OpKind, Program, Timer};
use lattice_model::OpId;
use serde_json::json;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        chain(),
        of_kin(),
        by_key(),
        nested(),
        left_in_line(),
        times_out_in_line(),
    ]
}

fn limited(program: Program, max_runs: u32, key: Option<&str>) -> Program {
    let key = key.map(str::to_owned);
    let concurrency = Some(Concurrency { max_runs, key });
    Program {
        concurrency,
        ..program
    }
}

/// Three branches that call runs, and what they come to.
fn three(name: &str, called: [Invoke; 3], policy: JoinPolicy) -> Program {
    let [one, other, third] = called.map(OpKind::Invoke);
    let joined = Join {
        on_error: Some(OpId(6)),
        ..join(0, policy, Merge::Collect, 5)
    };
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 2, 3], 4))),
        ("one", one),
        ("other", other),
        ("third", third),
        ("fan.join", OpKind::Join(joined)),
        ("end", end(json!("{{nodes.fan.output}}"))),
        ("end-2", end(json!("one failed"))),
    ];
    program(name, ops)
}

fn about(callee: &Program, of: &str) -> Invoke {
    invoke(callee, json!({ "of": of }), 4)
}

/// The run that is started has a limit itself: its first commit begins nothing.
fn chain() -> Shape {
    let ops = vec![
        ("first", ask("about {{in.topic}}", 1)),
        ("last", ask("praise {{nodes.first.output}}", 2)),
        ("end", end(json!("{{nodes.last.output}}"))),
    ];
    let program = limited(program("limited_chain", ops), 1, Some("{{in.topic}}"));
    Shape::new("limited_chain", program, world)
}

/// An hour's rest before its call: nobody works for it meanwhile, and it keeps its place.
fn napper() -> Program {
    let ops = vec![
        ("nap", OpKind::Wait(delay(Timer::After(HOUR_MS), 1))),
        ("verse", ask("a verse on {{in.of}}", 2)),
        (
            "napper-end",
            end(json!({ "poem": "{{nodes.verse.output}}" })),
        ),
    ];
    program("napper", ops)
}

/// One after the other.
fn of_kin() -> Shape {
    let child = limited(napper(), 1, None);
    let called = ["rain", "snow", "fog"].map(|of| about(&child, of));
    let program = three("limited_kin", called, JoinPolicy::All);
    Shape::new("limited_kin", program, world)
        .calling([child])
        .noted("the three runs begin one after the other")
}

/// Two count together and the third one does not.
fn by_key() -> Shape {
    let child = limited(napper(), 1, Some("{{in.of}}"));
    let called = ["rain", "rain", "snow"].map(|of| about(&child, of));
    let program = three("limited_by_key", called, JoinPolicy::All);
    Shape::new("limited_by_key", program, world).calling([child])
}

/// Runs under a limit that call runs under another one: as no workflow calls itself, whoever waits for a
/// place below keeps no place that it waits for.
fn nested() -> Shape {
    let leaf = limited(napper(), 1, None);
    let below = vec![
        (
            "below",
            OpKind::Invoke(invoke(&leaf, json!({ "of": "{{in.of}}" }), 1)),
        ),
        ("middle-end", end(json!("{{nodes.below.output}}"))),
    ];
    let middle = limited(program("middle", below), 2, None);
    let called = [
        about(&middle, "rain"),
        about(&leaf, "snow"),
        about(&middle, "fog"),
    ];
    let program = three("limited_nested", called, JoinPolicy::All);
    Shape::new("limited_nested", program, world).calling([leaf, middle])
}

/// The join is decided while two of three stand in line, or one does and one dreams.
fn left_in_line() -> Shape {
    let (quick, slow) = (poet(), limited(dreamer(), 1, None));
    let called = [
        about(&slow, "rain"),
        Invoke {
            next: OpId(4),
            ..of_topic(&quick, 4)
        },
        about(&slow, "snow"),
    ];
    let program = three("limited_left", called, JoinPolicy::Quorum { needed: 1 });
    Shape::new("limited_left", program, world)
        .calling([quick, slow])
        .noted("who stands in line is cancelled there")
}

/// Neither run is waited for so long: one of them stands in line until its time is up.
fn times_out_in_line() -> Shape {
    let slow = limited(dreamer(), 1, None);
    let brief = |of: &str| Invoke {
        timeout_ms: Some(HOUR_MS),
        ..about(&slow, of)
    };
    let called = [brief("rain"), brief("snow"), about(&poet(), "fog")];
    let program = three("limited_times_out", called, JoinPolicy::All);
    Shape::new("limited_times_out", program, world).calling([poet(), slow])
}
