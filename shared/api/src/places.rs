//! What a queued run waits for.

use lattice_engine::RunState;
use lattice_model::RunId;
use lattice_model::limits::LIST_ROWS_MAX;
use lattice_ports::{PortError, SlotKey, Slots};
use lattice_wire::shapes::PlaceAnswer;

/// The place that a run stands in line for, if it does.
pub async fn waits_for<S: Slots>(
    store: &S,
    run: &RunId,
    state: &RunState,
) -> Result<Option<PlaceAnswer>, PortError> {
    let Some(limit) = state.waits_for_place() else {
        return Ok(None);
    };
    let key = SlotKey {
        tenant: state.tenant.clone(),
        workflow: state.workflow.clone(),
        key: limit.key.clone(),
    };
    let line = store.line(&key, LIST_ROWS_MAX).await?;
    let place = line.iter().position(|asker| asker.run == *run);
    // Who has not asked yet stands behind all who have.
    let whole = line.len() < LIST_ROWS_MAX;
    let before = place.or_else(|| whole.then_some(line.len()));
    Ok(Some(PlaceAnswer {
        key: limit.key.clone(),
        max_runs: limit.max_runs,
        before: before.map(|before| before as u64),
    }))
}
