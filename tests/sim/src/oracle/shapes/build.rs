//! Makes Programs and their ops in few words. Ops are named by their place in the list.

use lattice_ir::{
    Arm, Assign, Call, Choice, Effect, End, Eval, Gather, IR_VERSION, Invoke, Join, JoinPolicy,
    Map, Merge, ModelCall, NodeInfo, OnUnknown, Op, OpKind, Program, QuestionTemplate, Retry,
    Split, SplitBranch, Test, Timer, Transform, TransformLanguage, Wait, Way,
};
use lattice_journal::{Choice as AnswerChoice, QuestionOption};
use lattice_model::{Hash, NodeId, OpId, WorkflowId, limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A Program whose ops stand in this order; the first one is the entry. An op belongs to the node
/// that its name begins with: `ask.choice` is a part of `ask`.
pub fn program(name: &str, ops: Vec<(&str, OpKind)>) -> Program {
    let node_of = |name: &str| NodeId::new(name.split('.').next().unwrap_or_default());
    let nodes = ops.iter().map(|(name, kind)| {
        let node = node_of(name);
        let label = node.to_string();
        let kind = kind.word().to_owned();
        (node, NodeInfo { kind, label })
    });
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new(format!("wf-{name}")),
        name: name.to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: limits::LIFETIME_MS_MAX,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        nodes: nodes.collect(),
        ops: ops
            .into_iter()
            .map(|(name, kind)| Op {
                name: name.to_owned(),
                node: node_of(name),
                visits_max: None,
                kind,
            })
            .collect(),
    }
}

/// The same Program with a ceiling for the visits of some ops.
#[must_use]
pub fn bounded(mut program: Program, ceilings: &[(&str, u32)]) -> Program {
    for op in &mut program.ops {
        let ceiling = ceilings.iter().find(|(name, _)| *name == op.name);
        op.visits_max = ceiling.map(|(_, max)| *max);
    }
    program
}

/// The same Program with variables.
#[must_use]
pub fn with_variables(program: Program, variables: Value) -> Program {
    let variables = match variables {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    Program {
        variables,
        ..program
    }
}

/// A call that is tried five times and whose failures nothing catches.
pub fn call(prompt: &str, next: u32) -> Call {
    Call {
        effect: Effect::Model(ModelCall {
            model: "small".to_owned(),
            system: None,
            prompt: prompt.to_owned(),
            output_schema: None,
            max_output_tokens: None,
            temperature_milli: None,
        }),
        timeout_ms: 30_000,
        retry: retry(limits::STAGE_ATTEMPTS_MAX),
        on_unknown: OnUnknown::Retry,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    }
}

/// So many attempts with short pauses.
pub fn retry(attempts_max: u32) -> Retry {
    Retry {
        attempts_max,
        delay_ms: 500,
        delay_ms_max: 4_000,
    }
}

/// The same call with an answer of one of the labels as JSON: `{"label": ..}`.
#[must_use]
pub fn judging(call: Call, labels: &[&str]) -> Call {
    let Effect::Model(model) = call.effect;
    let schema = json!({
        "type": "object",
        "properties": { "label": { "enum": labels } },
        "required": ["label"],
        "additionalProperties": false,
    });
    let output_schema = Some(schema);
    Call {
        effect: Effect::Model(ModelCall {
            output_schema,
            ..model
        }),
        ..call
    }
}

/// A call as an op.
pub fn ask(prompt: &str, next: u32) -> OpKind {
    OpKind::Call(call(prompt, next))
}

/// A call as an op whose failures go to another one.
pub fn ask_or(prompt: &str, next: u32, on_error: u32) -> OpKind {
    OpKind::Call(Call {
        on_error: Some(OpId(on_error)),
        ..call(prompt, next)
    })
}

/// An eval without a transform.
pub fn eval(input: Value, next: u32) -> Eval {
    Eval {
        input,
        transform: None,
        fallback: None,
        next: OpId(next),
        on_error: None,
    }
}

/// An eval of a JMESPath.
pub fn jmespath(input: Value, expression: &str, next: u32) -> Eval {
    Eval {
        transform: Some(Transform {
            language: TransformLanguage::Jmespath,
            expression: expression.to_owned(),
        }),
        ..eval(input, next)
    }
}

/// An eval of a JSONPath.
pub fn jsonpath(input: Value, expression: &str, next: u32) -> Eval {
    Eval {
        transform: Some(Transform {
            language: TransformLanguage::Jsonpath,
            expression: expression.to_owned(),
        }),
        ..eval(input, next)
    }
}

/// An assign; it deletes without a value.
pub fn assign(variable: &str, value: Option<Value>, next: u32) -> OpKind {
    OpKind::Assign(Assign {
        variable: variable.to_owned(),
        value,
        next: OpId(next),
        on_error: None,
    })
}

/// A choice without another way that keeps its port.
pub fn choice(arms: Vec<Arm>) -> Choice {
    Choice {
        arms,
        otherwise: None,
        on_error: None,
        keeps_port: true,
    }
}

/// An arm with a CEL test.
pub fn when(test: &str, port: &str, to: u32) -> Arm {
    Arm {
        test: Test::Cel(test.to_owned()),
        way: way(port, to),
    }
}

/// An arm that compares the value of a template.
pub fn equal(target: &str, value: Value, port: &str, to: u32) -> Arm {
    Arm {
        test: Test::Equals {
            target: target.to_owned(),
            value,
        },
        way: way(port, to),
    }
}

/// A way.
pub fn way(port: &str, to: u32) -> Way {
    Way {
        port: port.to_owned(),
        to: OpId(to),
    }
}

/// A wait for a time.
pub fn delay(timer: Timer, next: u32) -> Wait {
    Wait {
        question: None,
        timer: Some(timer),
        on_answer: None,
        on_timer: Some(OpId(next)),
        on_error: None,
    }
}

/// A wait for an answer; a free text if there are no options.
pub fn question(text: &str, options: &[&str], next: u32) -> Wait {
    let option = |label: &&str| QuestionOption {
        label: (*label).to_owned(),
        value: Value::from(label.to_lowercase()),
        description: None,
    };
    Wait {
        question: Some(QuestionTemplate {
            text: text.to_owned(),
            options: options.iter().map(option).collect(),
            choice: match options {
                [] => AnswerChoice::Text,
                _ => AnswerChoice::One,
            },
        }),
        timer: None,
        on_answer: Some(OpId(next)),
        on_timer: None,
        on_error: None,
    }
}

/// A split whose branches begin at these ops, at the join where there is nothing in one.
pub fn split(branches: &[u32], join: u32) -> Split {
    let branch = |(place, to): (usize, &u32)| SplitBranch {
        way: way(&format!("branch-{place}"), *to),
        timeout_ms: None,
    };
    Split {
        branches: branches.iter().enumerate().map(branch).collect(),
        join: OpId(join),
    }
}

/// A split one of whose branches has so much time.
#[must_use]
pub fn hurried(mut split: Split, place: usize, timeout_ms: u64) -> Split {
    if let Some(branch) = split.branches.get_mut(place) {
        branch.timeout_ms = Some(timeout_ms);
    }
    split
}

/// A join whose failures nothing catches.
pub fn join(split: u32, policy: JoinPolicy, merge: Merge, next: u32) -> Join {
    Join {
        split: OpId(split),
        policy,
        merge,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    }
}

/// A map of a list whose items begin at an op, all at once, and that fails with the first of them.
pub fn map(items: Value, to: u32, gather: u32) -> Map {
    Map {
        items,
        batch_size: limits::MAP_BATCH_ITEMS_MAX,
        batches_at_once: 1,
        items_at_once: limits::MAP_INLINE_ITEMS_MAX,
        pause_ms: 0,
        goes_on: false,
        way: way("each", to),
        gather: OpId(gather),
        on_error: None,
    }
}

/// The gather of a map; where its failures are caught is where those of its map are.
pub fn gather(map: u32, of: &Map, next: u32) -> OpKind {
    OpKind::Gather(Gather {
        map: OpId(map),
        next: OpId(next),
        on_error: of.on_error,
    })
}

/// A call of another Program, without a time-out, whose failures nothing catches.
pub fn invoke(callee: &Program, input: Value, next: u32) -> Invoke {
    Invoke {
        workflow: callee.workflow.clone(),
        budget: callee.budget,
        program: callee.hash().unwrap_or(Hash::ZERO),
        input,
        timeout_ms: None,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    }
}

/// An end.
pub fn end(output: Value) -> OpKind {
    OpKind::End(End { output })
}
