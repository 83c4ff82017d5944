//! Where a stage stands, and what it is called.

use lattice_ir::Plan;
use lattice_journal::payload::StageRef;
use lattice_model::{BranchId, NodeId, OpId, StageId};

/// Where a stage stands: its identity, its op, its node.
#[derive(Clone)]
pub(crate) struct At {
    pub stage: StageId,
    pub op: OpId,
    pub node: NodeId,
    /// The branch that it stands in.
    pub branch: Option<BranchId>,
}

/// The visit of an op behind so many others: its name is the identity of the first one, and of those
/// behind it the name and their number. In the body of a map the place of the item stands between.
pub(crate) fn visit(plan: &Plan, op: OpId, before: u32, item: Option<u32>) -> Option<StageRef> {
    let name = plan.name(op)?;
    let name = match item.filter(|_| plan.map_around(op).is_some()) {
        Some(item) => format!("{name}[{item}]"),
        None => name.to_owned(),
    };
    let (stage, visit) = match (plan.is_in_loop(op), before) {
        (false, _) => (StageId::new(name), None),
        (true, 0) => (StageId::new(name), Some(1)),
        (true, _) => (
            StageId::new(format!("{name}@{}", before + 1)),
            Some(before + 1),
        ),
    };
    Some(StageRef { stage, op, visit })
}
