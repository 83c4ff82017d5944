//! What is done for each item of a list: the map that begins its items, and the gather that waits
//! for them.

use crate::program::{OpKind, Program, Way};
use lattice_model::OpId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Does the same for each item of a list. What stands between a map and its gather is the body: it
/// belongs to one item, and sees it as `item` and its place as `index`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Map {
    /// The list: JSON whose strings are templates; at most `MAP_ITEMS_MAX` items.
    pub items: Value,
    /// Items of one batch, 1..=`MAP_BATCH_ITEMS_MAX`; the last batch may have fewer.
    pub batch_size: u32,
    /// Batches that are under way at once, 1..=`MAP_BATCHES_MAX`; 1 = one after the other.
    pub batches_at_once: u32,
    /// Items of the run that are under way at once, 1..=`MAP_INLINE_ITEMS_MAX`.
    pub items_at_once: u32,
    /// Milliseconds from the beginning of one batch to that of the next one, at least;
    /// 0..=`MAP_PAUSE_MS_MAX`.
    pub pause_ms: u64,
    /// Whether an item that fails leaves the others alone; its result is then `{"error": ..}`.
    pub goes_on: bool,
    /// Where an item begins; the gather itself, if nothing is done with it.
    pub way: Way,
    /// The gather that waits for them.
    pub gather: OpId,
    /// Where to go if there is no list; unset = what the map stands in fails.
    pub on_error: Option<OpId>,
}

/// Waits for the items of a map; the list of their results, by their places, is the node's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gather {
    /// The map.
    pub map: OpId,
    /// Where to go with the results.
    pub next: OpId,
    /// Where to go if an item failed; unset = what the map stands in fails.
    pub on_error: Option<OpId>,
}

/// For each op, the map in whose body it stands.
pub(crate) fn bodies(program: &Program) -> Vec<Option<OpId>> {
    let mut around = vec![None; program.ops.len()];
    for (place, op) in program.ops.iter().enumerate() {
        let OpKind::Map(map) = &op.kind else {
            continue;
        };
        let mut met = vec![map.way.to];
        while let Some(id) = met.pop() {
            let slot = around.get_mut(id.index()).filter(|slot| slot.is_none());
            let (Some(slot), Some(op)) = (slot, program.ops.get(id.index())) else {
                continue;
            };
            if id != map.gather {
                *slot = Some(OpId(place as u32));
                met.extend(op.kind.targets());
            }
        }
    }
    around
}
