//! What events say of maps: the list, and the batches of it that are runs of their own. Stored for
//! ever, like the other payloads.

use crate::payload::StageRef;
use crate::value::ValueRef;
use lattice_model::{NodeId, OpId, StageId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A map has its list; its items begin from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapStarted {
    /// The visit of the map.
    pub stage: StageId,
    /// The op.
    pub op: OpId,
    /// The node it came from.
    pub node: NodeId,
    /// The gather that waits for the items.
    pub gather: StageRef,
    /// The items.
    pub items: ValueRef,
    /// The place of the first of them: 0, except in a run that is a batch.
    pub first: u32,
    /// How many they are.
    pub count: u32,
    /// Whether each batch is a run of its own.
    pub runs: bool,
    /// How the items go.
    pub pace: Pace,
}

/// How the items of a map go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pace {
    /// Items of one batch.
    pub batch_size: u32,
    /// Batches under way at once.
    pub batches_at_once: u32,
    /// Items of this run under way at once.
    pub items_at_once: u32,
    /// Milliseconds between the beginnings of two batches, at least.
    pub pause_ms: u64,
}

/// A batch of a map that is a run of its own, as the run says that started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// The visit of the map.
    pub map: StageId,
    /// The place of its first item in the whole list.
    pub first: u32,
    /// Its items.
    pub count: u32,
}

/// A batch of a map that is a run of its own, as that run itself says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchOf {
    /// The map.
    pub op: OpId,
    /// The place of its first item in the whole list.
    pub first: u32,
    /// Its items.
    pub items: ValueRef,
    /// What nodes gave before the map, as far as its body refers to it.
    pub outputs: BTreeMap<NodeId, ValueRef>,
}
