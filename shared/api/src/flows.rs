//! The stored workflows that a document may call.

use lattice_compiler::flows::called;
use lattice_compiler::{Flow, Flows, calls_of};
use lattice_model::{ProgramHash, Tenant};
use lattice_ports::{PortError, Workflows};
use std::collections::BTreeMap;

/// What the document calls, as far as it is stored, in the newest version of each.
pub async fn flows_for<S: Workflows>(
    store: &S,
    tenant: &Tenant,
    document: &[u8],
) -> Result<Flows, PortError> {
    let (mut flows, mut known) = (Flows::new(), BTreeMap::new());
    for id in calls_of(document) {
        if let Some(stored) = store.workflow(tenant, &id, None).await? {
            let flow = learn(store, stored.row.program, &mut known).await?;
            flows.insert(id, flow);
        }
    }
    Ok(flows)
}

/// What a stored Program and all below it call. They stand in each other no deeper than they were
/// let when they were stored.
async fn learn<S: Workflows>(
    store: &S,
    hash: ProgramHash,
    known: &mut BTreeMap<ProgramHash, Flow>,
) -> Result<Flow, PortError> {
    if let Some(flow) = known.get(&hash) {
        return Ok(flow.clone());
    }
    let program = store.program(hash).await?;
    for (_, below) in called(&program) {
        Box::pin(learn(store, below, known)).await?;
    }
    let flow = Flow::of(hash, &program, known);
    known.insert(hash, flow.clone());
    Ok(flow)
}
