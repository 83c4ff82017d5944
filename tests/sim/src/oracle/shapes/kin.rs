//! Shapes of branches that call runs: of those that count, of those that lose, and of one whose time is
//! up.

use super::Shape;
use super::build::{ask, ask_or, end, eval, invoke, join, program, split};
use super::families::{HOUR_MS, asker, dreamer, of_topic, poet, world};
use crate::oracle::world::{fail, succeed};
use lattice_ir::{JoinPolicy, Merge, OpKind, Program};
use lattice_journal::FailureKind;
use lattice_model::OpId;
use serde_json::json;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        children_in_all(),
        children_ask(),
        children_in_any(),
        children_fail_fast(),
        branch_time_over_child(),
        child_left_at_once(),
    ]
}

/// Branches that begin with the ops given, each of which goes to the join, and what follows them.
fn fan(name: &'static str, policy: JoinPolicy, arms: [(&'static str, OpKind); 2]) -> Program {
    let fan = split(&[1, 2], 3);
    let ops = vec![("fan", OpKind::Split(fan))];
    let joined = lattice_ir::Join {
        on_error: Some(OpId(6)),
        ..join(0, policy, Merge::Collect, 4)
    };
    let rest = [
        ("fan.join", OpKind::Join(joined)),
        ("last", ask_or("praise them", 5, 6)),
        ("end", end(json!("{{nodes.fan.output}}"))),
        (
            "end-2",
            end(json!({ "sorry": "{{nodes.fan.output.error.kind}}" })),
        ),
    ];
    program(name, ops.into_iter().chain(arms).chain(rest).collect())
}

fn children_in_all() -> Shape {
    let child = poet();
    let two = |of: &str| OpKind::Invoke(invoke(&child, json!({ "of": of }), 3));
    let program = fan(
        "children_in_all",
        JoinPolicy::All,
        [("one", two("{{in.topic}}")), ("other", two("snow"))],
    );
    Shape::new("children_in_all", program, world).calling([poet()])
}

fn children_ask() -> Shape {
    let child = asker();
    let two = |of: &str| OpKind::Invoke(invoke(&child, json!({ "of": of }), 3));
    let arms = [("one", two("{{in.topic}}")), ("other", two("snow"))];
    let program = fan("children_ask", JoinPolicy::All, arms);
    let world = || world().answering("which", &[json!("No"), json!("No"), json!("No")]);
    Shape::new("children_ask", program, world)
        .calling([asker()])
        .noted("both ask by the same node; one answer is to spare, for one that is cancelled")
}

fn children_in_any() -> Shape {
    let (quick, slow) = (poet(), dreamer());
    let arms = [
        ("quick", OpKind::Invoke(of_topic(&quick, 3))),
        ("slow", OpKind::Invoke(of_topic(&slow, 3))),
    ];
    let program = fan("children_in_any", JoinPolicy::Quorum { needed: 1 }, arms);
    Shape::new("children_in_any", program, world)
        .calling([quick, slow])
        .noted("the slow one is cancelled when the quick one is over")
}

fn children_fail_fast() -> Shape {
    let (poet, dreamer) = (poet(), dreamer());
    let arms = [
        ("slow", OpKind::Invoke(of_topic(&dreamer, 3))),
        ("broken", OpKind::Invoke(of_topic(&poet, 3))),
    ];
    let program = fan("children_fail_fast", JoinPolicy::FailFast, arms);
    let world = || {
        world().calling(|stage, _, prompt| match stage {
            "verse" => fail(FailureKind::Auth),
            _ => succeed(format!("{stage}({prompt})")),
        })
    };
    Shape::new("children_fail_fast", program, world).calling([poet, dreamer])
}

/// The join is decided by the decision that calls the run.
fn child_left_at_once() -> Shape {
    let child = poet();
    let arms = [
        ("late", OpKind::Invoke(of_topic(&child, 3))),
        ("quick", OpKind::Eval(eval(json!("{{in.topic}}"), 3))),
    ];
    let name = "child_left_at_once";
    let program = fan(name, JoinPolicy::Quorum { needed: 1 }, arms);
    Shape::new(name, program, world)
        .calling([poet()])
        .noted("nobody may begin the run that is called")
}

fn branch_time_over_child() -> Shape {
    let dreamer = dreamer();
    let arms = [
        ("slow", OpKind::Invoke(of_topic(&dreamer, 3))),
        ("quick", ask("quickly {{in.topic}}", 3)),
    ];
    let mut program = fan("branch_time_over_child", JoinPolicy::All, arms);
    if let OpKind::Split(split) = &mut program.ops[0].kind {
        *split = super::build::hurried(split.clone(), 0, HOUR_MS);
    }
    Shape::new("branch_time_over_child", program, world).calling([dreamer])
}
