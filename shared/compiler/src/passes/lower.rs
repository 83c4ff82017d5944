//! Makes the Program of a document without errors. Nodes that no run comes to are left out.

use crate::input_shapes;
use crate::passes::concurrency::concurrency;
use crate::passes::inputs;
use crate::passes::settings::{budget, lifetime_ms};
use crate::unit::Unit;
use lattice_ir::{IR_VERSION, NodeInfo, Op, Program, Trigger};
use lattice_model::OpId;
use lattice_nodes::{Lowering, PORT_JOINED};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// See the head of the file.
pub fn lower(unit: &Unit<'_>) -> Program {
    let document = unit.document;
    let places = Places::new(unit);
    let mut ops = Vec::with_capacity(places.count as usize);
    let mut nodes = BTreeMap::new();
    for index in &unit.walk.order {
        let (Some(node), Some(opened)) = (unit.node(*index), unit.opened(*index)) else {
            continue;
        };
        let ports = |port: &str| places.behind(unit, *index, port);
        let input = inputs::template(unit, *index);
        let called = opened.calls.as_ref().and_then(|id| unit.flows.get(id));
        let lowering = Lowering::new(&node.id, places.first(*index), &ports, input)
            .calling(called.map(|flow| (flow.program, flow.budget)))
            .doing(unit.branching.items_at_once(*index));
        // Whoever comes to the node comes to its first part.
        let visits = std::iter::once(node.max_visits).chain(std::iter::repeat(None));
        ops.extend(
            opened
                .parts
                .iter()
                .zip(visits)
                .map(|(part, visits_max)| Op {
                    name: part.name(node.id.as_str()),
                    node: node.id.clone(),
                    visits_max,
                    kind: part.lower(&lowering),
                }),
        );
        if !opened.parts.is_empty() || opened.trigger.is_some() {
            let label = node.label.clone().unwrap_or_else(|| node.id.to_string());
            let kind = node.kind.clone();
            nodes.insert(node.id.clone(), NodeInfo { kind, label });
        }
    }
    // A start or a trigger becomes no op, so that its place is that of the first one behind it.
    let first = unit.entries.first();
    Program {
        ir_version: IR_VERSION,
        workflow: document.id.clone(),
        name: document.name.clone(),
        input: input_shapes::of_manual_start(unit).map(Cow::into_owned),
        variables: document.settings.variables.clone(),
        lifetime_ms: lifetime_ms(unit),
        budget: budget(unit),
        concurrency: concurrency(unit),
        entry: first.map_or(OpId(0), |first| places.entry(unit, *first)),
        triggers: triggers(unit, &places),
        ops,
        nodes,
    }
}

fn triggers(unit: &Unit<'_>, places: &Places) -> Vec<Trigger> {
    let triggers = unit.triggers().iter().filter_map(|index| {
        Some(Trigger {
            node: unit.node(*index)?.id.clone(),
            entry: places.entry(unit, *index),
            on: unit.opened(*index)?.trigger.clone()?,
        })
    });
    triggers.collect()
}

/// Where the ops of each node stand.
struct Places {
    first: Vec<u32>,
    count: u32,
}

impl Places {
    fn new(unit: &Unit<'_>) -> Self {
        let mut first = vec![0; unit.slots.len()];
        let mut count = 0;
        for index in &unit.walk.order {
            if let Some(slot) = first.get_mut(*index) {
                *slot = count;
            }
            let parts = unit.opened(*index).map_or(0, |opened| opened.parts.len());
            count += parts as u32;
        }
        Self { first, count }
    }

    fn first(&self, index: usize) -> OpId {
        OpId(self.first.get(index).copied().unwrap_or(u32::MAX))
    }

    /// Where a run goes that comes to a node: its first op, or what follows it if it has none.
    fn entry(&self, unit: &Unit<'_>, index: usize) -> OpId {
        let is_passed_over = unit
            .opened(index)
            .is_some_and(|opened| opened.parts.is_empty());
        let behind = || {
            unit.graph
                .links_out(index)
                .next()
                .map(|link| self.first(link.to))
        };
        match is_passed_over {
            true => behind().unwrap_or(OpId(u32::MAX)),
            false => self.first(index),
        }
    }

    fn behind(&self, unit: &Unit<'_>, index: usize, port: &str) -> Option<OpId> {
        if port == PORT_JOINED {
            let (node, around) = unit.branching.meeting(index)?;
            return Some(match around {
                Some(split) => self.join(split),
                None => self.entry(unit, node),
            });
        }
        let mut places = unit.graph.out_places(index).iter().copied();
        let drawn = places.find_map(|place| {
            let link = unit.graph.links.get(place)?;
            let edge = unit.document.edges.get(link.edge)?;
            (edge.from_port == port).then(|| match unit.branching.joins(place) {
                Some(split) => self.join(split),
                None => self.entry(unit, link.to),
            })
        });
        drawn.or_else(|| self.end_of_item(unit, index, port))
    }

    /// Where a way of a body goes that leads nowhere: to the gather of the map.
    fn end_of_item(&self, unit: &Unit<'_>, index: usize, port: &str) -> Option<OpId> {
        let ports = &unit.opened(index)?.ports;
        let is_required = ports.iter().any(|it| it.name == port && it.required);
        let map = unit.branching.ends_item(index)?;
        is_required.then(|| self.join(map))
    }

    /// The join of a split, as the gather of a map, is its second op.
    fn join(&self, split: usize) -> OpId {
        OpId(self.first(split).0.saturating_add(1))
    }
}
