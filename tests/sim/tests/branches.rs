//! Every join with every merge policy, under 200 drawn latencies and orders each: what comes of it
//! is byte for byte what is written here by hand. Nothing here asks the oracle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_ir::{Join, JoinPolicy, Merge, OpKind};
use lattice_journal::FailureKind;
use lattice_model::{Guard, Guards, OpId, canonical_json};
use lattice_sim::oracle::shapes::build::{
    ask, assign, end, eval, join, program, split, with_variables,
};
use lattice_sim::oracle::world::{fail, succeed};
use lattice_sim::oracle::{Chance, World};
use lattice_sim::scenario::{Case, Order, Traffic};
use lattice_sim::{Scenario, simulate};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DRAWS: u64 = 200;
const MERGES: [Merge; 5] = [
    Merge::Collect,
    Merge::DeepMerge,
    Merge::First,
    Merge::Last,
    Merge::Error,
];
const CALLS: [&str; 3] = ["ant", "bee", "cat"];

/// Three branches, each of a call, two writes and an output. What comes of the run is one value:
/// the merged output, or the kind of the failure, and the variables behind the join.
fn fan(policy: JoinPolicy, merge: Merge, broken: Option<&'static str>) -> Case {
    let caught = Join {
        on_error: Some(OpId(15)),
        ..join(0, policy, merge, 14)
    };
    let mut ops = vec![("fan", OpKind::Split(split(&[1, 5, 9], 13)))];
    let names = [
        ["ant", "ant-both", "ant-own", "ant-out"],
        ["bee", "bee-both", "bee-own", "bee-out"],
        ["cat", "cat-both", "cat-own", "cat-out"],
    ];
    for (number, [call, both, own, out]) in (0..).zip(names) {
        let at = 1 + 4 * number;
        let value = json!({ "who": call, "in": { call: number, "n": [number] } });
        ops.push((call, ask(call, at + 1)));
        ops.push((both, assign("both", Some(value.clone()), at + 2)));
        ops.push((own, assign(call, Some(json!(number)), at + 3)));
        ops.push((out, OpKind::Eval(eval(value, 13))));
    }
    let vars = |output: &str| {
        end(json!({
            "got": output, "both": "{{vars.both}}",
            "ant": "{{vars.ant}}", "bee": "{{vars.bee}}", "cat": "{{vars.cat}}",
        }))
    };
    ops.push(("fan.join", OpKind::Join(caught)));
    ops.push(("end", vars("{{nodes.fan.output}}")));
    ops.push(("end-2", vars("{{nodes.fan.output.error.kind}}")));
    let before = json!({ "both": "before", "ant": "-", "bee": "-", "cat": "-" });
    let program = with_variables(program("every_join", ops), before);
    let world = move || {
        World::new(json!({})).calling(move |stage, _, _| match Some(stage) == broken {
            true => fail(FailureKind::Refused),
            false => succeed("done"),
        })
    };
    Case::new("every_join", program, world).unwrap()
}

/// Distinct latencies, with the order in which the branches end.
fn latencies(seed: u64) -> (BTreeMap<String, u64>, Vec<usize>) {
    let mut chance = Chance::new(seed);
    let mut order: Vec<usize> = vec![0, 1, 2];
    for place in (1..3).rev() {
        order.swap(place, chance.below(place + 1));
    }
    let of = |(rank, branch): (usize, &usize)| {
        let ms = 1 + chance.below(4_000) + rank * 4_500;
        (CALLS[*branch].to_owned(), ms as u64)
    };
    let ms = order.iter().enumerate().map(of).collect();
    (ms, order)
}

/// What comes of the case under so many latencies, for each order in which the branches ended.
fn outcomes(case: &Case) -> BTreeMap<Vec<usize>, String> {
    let mut seen: BTreeMap<Vec<usize>, String> = BTreeMap::new();
    for seed in 0..DRAWS {
        let (stages_ms, order) = latencies(seed);
        let mut scenario = Scenario {
            seed,
            order: Order::Drawn,
            // A quarter with workers that race for the branches.
            workers: if seed % 4 == 0 { 2 } else { 1 },
            traffic: match seed % 4 {
                0 => Traffic::Duplicated,
                _ => Traffic::Plain,
            },
            local: seed % 4 == 1,
            ..Scenario::of(case)
        };
        scenario.rig.stages_ms = stages_ms;
        let report = simulate(case, &scenario);
        assert_eq!(report.breaches, [], "{scenario}");
        let output = report.outcome.unwrap().output.unwrap();
        let bytes = String::from_utf8(canonical_json(&output)).unwrap();
        let first = seen.entry(order).or_insert_with(|| bytes.clone());
        assert_eq!(*first, bytes, "{scenario}");
    }
    assert_eq!(seen.len(), 6, "every order was drawn");
    seen
}

fn bytes(value: &Value) -> String {
    String::from_utf8(canonical_json(value)).unwrap()
}

/// What a branch writes into `both`, and gives.
fn made(branch: usize) -> Value {
    match branch {
        0 => json!({ "who": "ant", "in": { "ant": 0, "n": [0] } }),
        1 => json!({ "who": "bee", "in": { "bee": 1, "n": [1] } }),
        _ => json!({ "who": "cat", "in": { "cat": 2, "n": [2] } }),
    }
}

/// Worked out by hand: the output and the variable that all write, when these branches count.
fn merged(merge: Merge, counted: &[usize]) -> (Value, Value) {
    let (first, last) = (made(counted[0]), made(counted[counted.len() - 1]));
    match (merge, counted) {
        (Merge::First, _) => (first.clone(), first),
        (Merge::Last, _) => (last.clone(), last),
        (Merge::Collect, [0, 1, 2]) => (
            json!([made(0), made(1), made(2)]),
            json!([made(0), made(1), made(2)]),
        ),
        (Merge::Collect, [0, 1]) => (json!([made(0), made(1), null]), json!([made(0), made(1)])),
        (Merge::Collect, [0, 2]) => (json!([made(0), null, made(2)]), json!([made(0), made(2)])),
        (Merge::Collect, [1, 2]) => (json!([null, made(1), made(2)]), json!([made(1), made(2)])),
        (Merge::Collect, [0]) => (json!([made(0), null, null]), made(0)),
        (Merge::Collect, [1]) => (json!([null, made(1), null]), made(1)),
        (Merge::Collect, [2]) => (json!([null, null, made(2)]), made(2)),
        (Merge::DeepMerge, several) => {
            let deep = match several {
                [0, 1, 2] => {
                    json!({ "who": "cat", "in": { "ant": 0, "bee": 1, "cat": 2, "n": [2] } })
                }
                [0, 1] => json!({ "who": "bee", "in": { "ant": 0, "bee": 1, "n": [1] } }),
                [0, 2] => json!({ "who": "cat", "in": { "ant": 0, "cat": 2, "n": [2] } }),
                [1, 2] => json!({ "who": "cat", "in": { "bee": 1, "cat": 2, "n": [2] } }),
                one => made(one[0]),
            };
            (deep.clone(), deep)
        }
        // One value agrees with itself.
        (Merge::Error, [one]) => (made(*one), made(*one)),
        other => panic!("{other:?} is not a case"),
    }
}

fn expected(merge: Merge, counted: &[usize]) -> String {
    let own = |branch: usize| match counted.contains(&branch) {
        true => json!(branch),
        false => json!("-"),
    };
    let (got, both) = match merge == Merge::Error && counted.len() > 1 {
        true => return failed("merge_conflict"),
        false => merged(merge, counted),
    };
    bytes(&json!({ "got": got, "both": both, "ant": own(0), "bee": own(1), "cat": own(2) }))
}

/// A join that fails takes nothing over.
fn failed(kind: &str) -> String {
    bytes(&json!({ "got": kind, "both": "before", "ant": "-", "bee": "-", "cat": "-" }))
}

/// The branches among the first to end, as they were drawn.
fn first(order: &[usize], count: usize) -> Vec<usize> {
    let mut counted = order[..count].to_vec();
    counted.sort_unstable();
    counted
}

#[test]
fn a_join_of_all_gives_the_same_whatever_ends_first() {
    for merge in MERGES {
        for policy in [JoinPolicy::All, JoinPolicy::FailFast] {
            for bytes in outcomes(&fan(policy, merge, None)).values() {
                assert_eq!(*bytes, expected(merge, &[0, 1, 2]), "{policy:?} {merge:?}");
            }
        }
    }
}

#[test]
fn a_quorum_gives_what_the_quickest_made_in_the_order_in_which_they_were_drawn() {
    for merge in MERGES {
        for needed in [1, 2] {
            let policy = JoinPolicy::Quorum { needed };
            for (order, bytes) in outcomes(&fan(policy, merge, None)) {
                let counted = first(&order, needed as usize);
                assert_eq!(bytes, expected(merge, &counted), "{merge:?} {order:?}");
            }
        }
    }
}

#[test]
fn a_branch_that_fails_fails_the_join_or_is_outvoted() {
    for merge in MERGES {
        for policy in [
            JoinPolicy::All,
            JoinPolicy::FailFast,
            JoinPolicy::Quorum { needed: 3 },
        ] {
            for bytes in outcomes(&fan(policy, merge, Some("bee"))).values() {
                assert_eq!(*bytes, failed("refused"), "{policy:?} {merge:?}");
            }
        }
        let two = fan(JoinPolicy::Quorum { needed: 2 }, merge, Some("bee"));
        for bytes in outcomes(&two).values() {
            assert_eq!(*bytes, expected(merge, &[0, 2]), "{merge:?}");
        }
        let any = fan(JoinPolicy::Quorum { needed: 1 }, merge, Some("bee"));
        for (order, bytes) in outcomes(&any) {
            let well: Vec<usize> = order.into_iter().filter(|branch| *branch != 1).collect();
            assert_eq!(bytes, expected(merge, &well[..1]), "{merge:?}");
        }
    }
}

/// The cases above show something only if the order of ending would change what is merged.
#[test]
fn every_merge_would_give_something_else_in_the_order_of_ending() {
    let reversed = [
        (Merge::First, made(2)),
        (Merge::Last, made(0)),
        (Merge::Collect, json!([made(2), made(1), made(0)])),
        (
            Merge::DeepMerge,
            json!({ "who": "ant", "in": { "ant": 0, "bee": 1, "cat": 2, "n": [0] } }),
        ),
    ];
    for (merge, ended) in reversed {
        assert_ne!(merged(merge, &[0, 1, 2]).0, ended, "{merge:?}");
    }
    // Values that do not agree do not do so in any order.
    for merge in MERGES.into_iter().filter(|merge| *merge != Merge::Error) {
        let case = fan(JoinPolicy::All, merge, None);
        let mut scenario = Scenario::of(&case);
        let slow_first = [9_000, 6_000, 3_000];
        let stages_ms = CALLS.map(str::to_owned).into_iter().zip(slow_first);
        scenario.rig.stages_ms = stages_ms.collect();
        scenario.rig.guards = Guards::ALL.without(Guard::MergeInOrder);
        assert!(!simulate(&case, &scenario).is_clean(), "{merge:?}");
    }
}
