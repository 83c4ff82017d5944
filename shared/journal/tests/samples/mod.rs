//! The larger samples.

use lattice_journal::ValueRef;
use lattice_journal::fork::{
    EarlyAnswer, ForkedBranch, ForkedFrom, ForkedMap, ForkedStage, Gathers, RunForked,
};
use lattice_journal::payload::{Batch, BranchOutcome, Pace};
use lattice_model::{BranchId, Hash, InboxId, Millis, NodeId, OpId, RunId, Seq, StageId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn inline(value: Value) -> ValueRef {
    ValueRef::Inline(Arc::new(value))
}

fn stage(op: u32, gathers: Option<Gathers>) -> ForkedStage {
    ForkedStage {
        op: OpId(op),
        branch: None,
        gathers,
    }
}

fn map() -> ForkedMap {
    ForkedMap {
        map: StageId::new("each"),
        op: OpId(4),
        items: inline(json!([1, 2, 3])),
        first: 0,
        count: 3,
        runs: true,
        pace: Pace {
            batch_size: 1,
            batches_at_once: 2,
            items_at_once: 1,
            pause_ms: 0,
        },
        begun: 2,
        results: vec![(0, inline(json!(["one"])))],
        again: vec![Batch {
            map: StageId::new("each"),
            first: 1,
            count: 1,
        }],
    }
}

/// A fork of a run with an open split, an open map and an early answer.
pub fn run_forked() -> RunForked {
    let split = StageId::new("both");
    let branch = |index: u32, end: Option<BranchOutcome>| ForkedBranch {
        split: split.clone(),
        index,
        outer: None,
        due_at: Some(Millis::new(1_767_225_660_000)),
        variables: BTreeMap::from([("tone".to_owned(), None)]),
        outputs: BTreeMap::from([(NodeId::new("draft"), inline(json!("a draft")))]),
        last: Some(inline(json!("a draft"))),
        end,
        item: false,
        visits: BTreeMap::new(),
    };
    let output = inline(json!("a draft"));
    let within = ForkedStage {
        branch: Some(BranchId::of(&split, 0)),
        ..stage(2, None)
    };
    let joins = Gathers::Branches {
        split: split.clone(),
    };
    RunForked {
        from: ForkedFrom {
            run: RunId::from_parts(Millis::new(1_767_225_600_000), [9; 10]),
            seq: Seq::from_stored(12),
            named: Some(Seq::from_stored(13)),
            state_hash: Hash::of(b"state"),
        },
        request: Hash::of(b"request"),
        set: BTreeSet::from(["vars.tone".to_owned()]),
        outputs: BTreeMap::from([(NodeId::new("classify"), inline(json!({"kind": "bug"})))]),
        stages: BTreeMap::from([
            (StageId::new("review"), within),
            (StageId::new("both.join"), stage(3, Some(joins))),
            (
                StageId::new("each.gather"),
                stage(5, Some(Gathers::Items(map()))),
            ),
        ]),
        branches: BTreeMap::from([
            (BranchId::of(&split, 0), branch(0, None)),
            (
                BranchId::of(&split, 1),
                branch(1, Some(BranchOutcome::Completed { output })),
            ),
        ]),
        asked: BTreeSet::from([NodeId::new("approve")]),
        visits: BTreeMap::from([(OpId(1), 2)]),
        early: vec![EarlyAnswer {
            inbox: InboxId::new("in_1"),
            node: NodeId::new("publish"),
            value: inline(json!("yes")),
        }],
    }
}
