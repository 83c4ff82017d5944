//! What `in` is, as JSON Schema: behind the start what the document says, behind a webhook its body,
//! headers and query, behind a schedule the input that stands in its settings.

use crate::unit::Unit;
use lattice_ir::{Payload, Schedule, TriggerKind, Webhook};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The inputs that may arrive at each node.
pub(crate) struct InputShapes<'u> {
    unit: &'u Unit<'u>,
    /// For each place where a run can begin: its schema, if anything is known.
    shapes: Vec<Option<Cow<'u, Value>>>,
    /// For each node one bit for each of those places from which a path leads to it.
    from: Vec<u32>,
}

impl<'u> InputShapes<'u> {
    /// Follows the flow from each of them.
    pub fn new(unit: &'u Unit<'u>) -> Self {
        let mut from = vec![0_u32; unit.slots.len()];
        // INVARIANT: a document with more triggers than bits is refused (`TRIGGERS_MAX`).
        for (bit, entry) in unit.entries.iter().enumerate().take(32) {
            let mut ready = vec![*entry];
            while let Some(node) = ready.pop() {
                let Some(bits) = from.get_mut(node) else {
                    continue;
                };
                if *bits >> bit & 1 == 0 {
                    *bits |= 1 << bit;
                    ready.extend(unit.graph.links_out(node).map(|link| link.to));
                }
            }
        }
        let shapes = unit.entries.iter().map(|entry| of_entry(unit, *entry));
        Self {
            unit,
            shapes: shapes.collect(),
            from,
        }
    }

    /// Each input that may arrive at the node: the id of the trigger that gives it (the start has
    /// none), and its schema. Where no run comes it is what the document says.
    pub fn at(&self, node: usize) -> Vec<(Option<&'u str>, Option<&Value>)> {
        let bits = self.from.get(node).copied().unwrap_or_default();
        if bits == 0 {
            return vec![(None, self.unit.document.input.as_ref())];
        }
        let entries = self.unit.entries.iter().zip(&self.shapes).enumerate();
        let entries = entries.filter(|(bit, _)| bits >> bit & 1 == 1);
        let shapes = entries.map(|(_, (entry, shape))| {
            let is_start = self.unit.starts.contains(entry);
            ((!is_start).then(|| self.unit.id(*entry)), shape.as_deref())
        });
        shapes.collect()
    }
}

/// What a run must be given that is started by hand: what the document says, or, in a workflow
/// without a start, what its first trigger would give.
pub(crate) fn of_manual_start<'u>(unit: &'u Unit<'u>) -> Option<Cow<'u, Value>> {
    match (&unit.document.input, unit.entries.first()) {
        (Some(declared), _) => Some(Cow::Borrowed(declared)),
        (None, first) => of_entry(unit, *first?),
    }
}

fn of_entry<'u>(unit: &'u Unit<'u>, entry: usize) -> Option<Cow<'u, Value>> {
    if unit.starts.contains(&entry) {
        return unit.document.input.as_ref().map(Cow::Borrowed);
    }
    let shape = match unit.opened(entry)?.trigger.as_ref()? {
        TriggerKind::Webhook(webhook) => of_webhook(webhook),
        TriggerKind::Schedule(schedule) => of_schedule(schedule),
    };
    Some(Cow::Owned(shape))
}

/// What `lattice-webhook` makes of a request.
fn of_webhook(webhook: &Webhook) -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let body = match (&webhook.schema, webhook.payload) {
        (Some(schema), _) => schema.clone(),
        (None, Payload::Json) => json!(true),
        (None, Payload::Form) => json!({"type": "object"}),
        (None, Payload::Text) => json!({"type": "string"}),
    };
    json!({
        "type": "object",
        "properties": {"body": body, "headers": texts, "query": {"type": "object"}},
        "required": ["body"],
        "additionalProperties": false,
    })
}

fn of_schedule(schedule: &Schedule) -> Value {
    of_value(&schedule.input)
}

/// The schema of what has the fields of this value.
fn of_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let properties: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| (name.clone(), of_value(value)))
                .collect();
            let required: Vec<_> = fields.keys().collect();
            json!({
                "type": "object",
                "required": required,
                "properties": properties,
                "additionalProperties": false,
            })
        }
        Value::Array(_) => json!({"type": "array"}),
        Value::String(_) => json!({"type": "string"}),
        Value::Number(_) => json!({"type": "number"}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Null => json!({"type": "null"}),
    }
}
