//! What is certain on every path, against an oracle that walks every path of a small graph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_compiler::{codes, compile};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A node, and for each of its ports where it leads.
#[derive(Debug, Clone)]
struct Step {
    kind: Kind,
    ports: Vec<(&'static str, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Start,
    /// Begins runs too.
    Clock,
    /// Gives an output on `out` and an error on `error`.
    Prompt,
    /// Gives an output on `out` and nothing on `timeout`.
    Ask,
    Choose,
    Set,
    Delete,
    /// Reads the variable and the output.
    Reader,
    End,
}

const KINDS: &[Kind] = &[
    Kind::Prompt,
    Kind::Ask,
    Kind::Choose,
    Kind::Set,
    Kind::Delete,
    Kind::Choose,
];

impl Kind {
    fn ports(self) -> &'static [&'static str] {
        match self {
            Self::Prompt => &["out", "error"],
            Self::Set => &["out", "error"],
            Self::Ask => &["out", "timeout"],
            Self::Choose => &["true", "false"],
            Self::Start | Self::Clock | Self::Delete | Self::Reader => &["out"],
            Self::End => &[],
        }
    }

    fn settings(self, read: &str) -> Value {
        let variable = |operation: &str| json!({"operation": operation, "variableName": "x"});
        match self {
            Self::Start | Self::End => json!({}),
            // The condition of a choice reads it.
            Self::Clock => json!({"expression": "rate(1 day)", "input": {"ok": true}}),
            Self::Prompt => json!({"prompt": "Hello"}),
            Self::Ask => json!({"questionText": "Why?", "freeText": true, "timeoutMs": 1}),
            Self::Choose => json!({"condition": "in.ok"}),
            Self::Set => json!({"operation": "set", "variableName": "x", "value": 1}),
            Self::Delete => variable("delete"),
            Self::Reader => json!({"prompt": read}),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Clock => "scheduleTrigger",
            Self::Prompt | Self::Reader => "prompt",
            Self::Ask => "askUserQuestion",
            Self::Choose => "ifElse",
            Self::Set | Self::Delete => "variableStore",
            Self::End => "end",
        }
    }
}

/// What a node's output is at some point of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    Output,
    Error,
}

/// On every path to the reader, whether the variable is set, and what the output of `of` is.
fn ends(steps: &[Step], of: usize, reader: usize, declared: bool) -> Vec<(bool, Given)> {
    let mut found = Vec::new();
    let begins = |at: &usize| matches!(steps[*at].kind, Kind::Start | Kind::Clock);
    let entries = (0..steps.len()).filter(begins);
    let mut open: Vec<_> = entries.map(|at| (at, declared, Given::Nothing)).collect();
    while let Some((at, is_set, given)) = open.pop() {
        if at == reader {
            found.push((is_set, given));
            continue;
        }
        for (port, to) in &steps[at].ports {
            let failed = *port == "error";
            let is_set = match steps[at].kind {
                Kind::Set if !failed => true,
                Kind::Delete => false,
                _ => is_set,
            };
            let given = match (at == of, *port) {
                (false, _) => given,
                (true, "error") => Given::Error,
                (true, "timeout") => Given::Nothing,
                (true, _) => Given::Output,
            };
            open.push((*to, is_set, given));
        }
    }
    found
}

prop_compose! {
    fn any_steps()(count in 1_usize..7)(
        kinds in prop::collection::vec(0..KINDS.len(), count),
        hops in prop::collection::vec(1_usize..4, count * 2 + 2),
        // Some ports that may do without an edge do.
        drawn in prop::collection::vec(any::<bool>(), count),
        reader in 1..=count,
        // Where the triggers lead, as parts of a hundred of the way.
        clocks in prop::collection::vec(0_usize..100, 0..3),
        with_start in any::<bool>(),
    ) -> Vec<Step> {
        let mut kinds: Vec<_> = kinds.iter().map(|kind| KINDS[*kind]).collect();
        kinds.insert(0, Kind::Start);
        kinds.insert(reader, Kind::Reader);
        kinds.push(Kind::End);
        let last = kinds.len() - 1;
        let mut hops = hops.into_iter().cycle();
        let mut drawn = drawn.into_iter().cycle();
        let mut steps: Vec<_> = kinds.iter().enumerate().map(|(at, kind)| {
            let ports = kind.ports().iter().filter(|port| **port != "error" || drawn.next().unwrap());
            let ports = ports.map(|port| (*port, (at + hops.next().unwrap()).min(last)));
            Step { kind: *kind, ports: ports.collect() }
        }).collect();
        if !with_start && !clocks.is_empty() {
            steps[0].kind = Kind::Clock;
        }
        steps.extend(clocks.into_iter().map(|part| {
            Step { kind: Kind::Clock, ports: vec![("out", 1 + part * last / 100)] }
        }));
        steps
    }
}

fn document(steps: &[Step], declared: bool, read: &str) -> Vec<u8> {
    let nodes = steps.iter().enumerate().map(|(at, step)| {
        let settings = step.kind.settings(read);
        json!({"id": format!("n{at}"), "type": step.kind.name(), "settings": settings})
    });
    let edges = steps.iter().enumerate().flat_map(|(at, step)| {
        step.ports.iter().map(move |(port, to)| {
            let id = format!("{at}.{port}");
            json!({"id": id, "from": format!("n{at}"), "fromPort": port, "to": format!("n{to}")})
        })
    });
    // Another variable keeps the settings there; a node that is never reached sets `x`, so that it
    // is defined in every document.
    let mut nodes: Vec<_> = nodes.collect();
    nodes.push(json!({"id": "apart", "type": "variableStore", "settings": Kind::Set.settings("")}));
    let variables = if declared {
        json!({"x": 0})
    } else {
        json!({"y": 0})
    };
    let document = json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W",
        "settings": {"variables": variables}, "nodes": nodes, "edges": edges.collect::<Vec<_>>(),
    });
    document.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_read_is_refused_exactly_where_some_path_does_not_set_it(
        steps in any_steps(),
        declared in any::<bool>(),
        of in 0_usize..9,
        part in prop_oneof![Just(""), Just(".error"), Just(".text")],
    ) {
        let reader = steps.iter().position(|step| step.kind == Kind::Reader).unwrap();
        let silent = [Kind::Start, Kind::Clock, Kind::Delete, Kind::End, Kind::Reader];
        let gives: Vec<_> = (0..steps.len()).filter(|at| !silent.contains(&steps[*at].kind)).collect();
        prop_assume!(!gives.is_empty());
        let of = gives[of % gives.len()];
        let read = format!("{{{{vars.x}}}} {{{{nodes.n{of}.output{part}}}}}");
        let compiled = compile(&document(&steps, declared, &read));
        let said = |code| compiled.problems.iter().any(|problem| problem.code == code);
        let ends = ends(&steps, of, reader, declared);
        let is_unset = ends.iter().any(|(is_set, _)| !is_set);
        prop_assert_eq!(said(codes::UNSET_VARIABLE), is_unset, "{:?}", compiled.problems);
        let is_missing = |given: Given| match part {
            ".text" => given != Given::Output,
            _ => given == Given::Nothing,
        };
        let is_refused = ends.iter().any(|(_, given)| is_missing(*given));
        prop_assert_eq!(said(codes::UNSET_OUTPUT), is_refused, "{:?}", compiled.problems);
    }
}
