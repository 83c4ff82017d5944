//! `batchIterator`: the same for each item of a list, in batches.

use crate::codes;
use crate::fields::Fields;
use crate::kind::{Carries, InputUse, NodeKind, Opened, Output, Part, Port};
use crate::lowering::{Lowering, PORT_EACH};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, code, duration};
use lattice_document::{PORT_ERROR, PORT_OUT, id_is_legal};
use lattice_ir::{Gather, Invoke, Map, OpKind, Way};
use lattice_model::WorkflowId;
use lattice_model::limits::{
    LIFETIME_MS_MAX, MAP_BATCH_ITEMS_MAX, MAP_BATCHES_MAX, MAP_PAUSE_MS_MAX,
};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type.
pub(crate) struct BatchIterator;

/// Items of a batch, where nothing is said.
const BATCH_SIZE_DEFAULT: u64 = 10;
/// Batches at once, where they are parallel and nothing is said.
const BATCHES_DEFAULT: u64 = 4;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// The list: a template that gives one, or a list whose strings are templates.
    items: Value,
    /// Items of one batch; left out, 10.
    #[schemars(range(min = 1, max = MAP_BATCH_ITEMS_MAX))]
    batch_size: Option<u64>,
    /// Whether the batches go one after the other, which is what happens when it is left out.
    processing_mode: Option<Mode>,
    /// Batches under way at once, if they are parallel; left out, 4.
    #[schemars(range(min = 1, max = MAP_BATCHES_MAX))]
    max_concurrent_batches: Option<u64>,
    /// Milliseconds from the beginning of one batch to that of the next one, at least.
    #[schemars(range(max = MAP_PAUSE_MS_MAX))]
    rate_limit_ms: Option<u64>,
    /// Whether an item that fails leaves the others alone.
    continue_on_error: Option<bool>,
    /// The stored workflow that is run for each item, if no body is drawn.
    flow_id: Option<String>,
    /// What goes into it; left out, `{"item": .., "index": ..}`.
    input_mapping: Option<Value>,
    /// How long its run may take for one item, in milliseconds.
    #[schemars(range(min = 1, max = LIFETIME_MS_MAX))]
    timeout_ms: Option<u64>,
}

/// How the batches go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Mode {
    /// One after the other.
    Sequential,
    /// Several at once.
    Parallel,
}

impl NodeKind for BatchIterator {
    fn name(&self) -> &'static str {
        "batchIterator"
    }

    fn title(&self) -> &'static str {
        "For each item"
    }

    fn summary(&self) -> &'static str {
        "Does the same for each item of a list, in batches."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let items = items(opening, &mut fields);
        let batch_size = fields.whole("batchSize", 1..=u64::from(MAP_BATCH_ITEMS_MAX));
        let mode = fields.optional::<Mode>("processingMode");
        let at_once = fields.whole("maxConcurrentBatches", 1..=u64::from(MAP_BATCHES_MAX));
        let pause_ms = fields.whole("rateLimitMs", 0..=MAP_PAUSE_MS_MAX);
        let goes_on = fields.optional::<bool>("continueOnError").unwrap_or(false);
        let timeout_ms = fields.whole("timeoutMs", 1..=LIFETIME_MS_MAX);
        let wait = timeout_ms.map(|ms| (ms, fields.at("timeoutMs")));
        let input = fields.raw("inputMapping").cloned();
        if let Some(input) = &input {
            opening.value(&fields.at("inputMapping"), input);
        }
        let flow = flow(opening, &mut fields);
        fields.done();
        let batches_at_once = match mode.unwrap_or(Mode::Sequential) {
            Mode::Sequential => 1,
            Mode::Parallel => at_once.unwrap_or(BATCHES_DEFAULT),
        };
        let map = Map {
            // Where it is wrong, that is said already; the ports are what they are.
            items: items.unwrap_or_default(),
            batch_size: u32::try_from(batch_size.unwrap_or(BATCH_SIZE_DEFAULT)).ok()?,
            batches_at_once: u32::try_from(batches_at_once).ok()?,
            // The three that follow are known when the node is lowered.
            items_at_once: 1,
            way: way(lattice_model::OpId(0)),
            gather: lattice_model::OpId(0),
            pause_ms: pause_ms.unwrap_or(0),
            goes_on,
            on_error: None,
        };
        let batches = map.batches_at_once as usize;
        let call = flow.clone().map(|flow| call(flow, input, timeout_ms));
        let parts = [map_part(map, flow.is_some()), gather_part()];
        let each = Port {
            required: false,
            carries: Carries::Nothing,
            ..Port::required(PORT_EACH)
        };
        Some(Opened {
            output: Output::Shape(json!({"type": "array"})),
            input: InputUse::None,
            wait,
            calls: flow,
            map: Some(batches),
            ..Opened::new(
                vec![each, Port::out(), Port::error()],
                parts.into_iter().chain(call).collect(),
            )
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        tell(teller)
    }
}

fn items(opening: &Opening<'_>, fields: &mut Fields<'_>) -> Option<Value> {
    let items = fields.raw("items").cloned();
    match &items {
        None => fields.missing("items"),
        Some(value) => opening.value(&fields.at("items"), value),
    }
    let is_list = |items: &Value| match items {
        Value::String(text) => text.contains("{{"),
        other => other.is_array(),
    };
    if let Some(items) = items.as_ref().filter(|items| !is_list(items)) {
        let text = format!("`items` is {}, and has to give a list", described(items));
        let help = "write a template such as `{{nodes.find.output}}`, or a list";
        opening.error(codes::WRONG_TYPE, &fields.at("items"), text, help);
        return None;
    }
    items
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text without a template",
        Value::Object(_) => "an object",
        _ => "one value",
    }
}

fn flow(opening: &Opening<'_>, fields: &mut Fields<'_>) -> Option<WorkflowId> {
    let flow = fields.optional::<String>("flowId");
    if flow.is_none() {
        for name in ["inputMapping", "timeoutMs"] {
            if fields.raw(name).is_some() {
                let text = format!("`{name}` counts only with a `flowId`");
                let help =
                    format!("name the workflow that is run for each item, or remove `{name}`");
                opening.error(codes::CONTRADICTION, &fields.at(name), text, &help);
            }
        }
    }
    let flow = flow?;
    if !id_is_legal(&flow) {
        let text = format!("`{}` cannot be the id of a workflow", flow.escape_debug());
        fields.out_of_range("flowId", text);
        return None;
    }
    Some(WorkflowId::new(flow))
}

fn way(to: lattice_model::OpId) -> Way {
    let port = PORT_EACH.to_owned();
    Way { port, to }
}

fn map_part(map: Map, calls: bool) -> Part {
    Part::main(move |lowering| {
        let nothing = || lowering.part(1);
        let body = match calls {
            true => lowering.part(2),
            false => lowering.to_maybe(PORT_EACH).unwrap_or_else(nothing),
        };
        OpKind::Map(Map {
            items_at_once: lowering.items_at_once(),
            way: way(body),
            gather: lowering.part(1),
            on_error: lowering.to_maybe(PORT_ERROR),
            ..map.clone()
        })
    })
}

fn gather_part() -> Part {
    Part::named("gather", |lowering| {
        OpKind::Gather(Gather {
            map: lowering.part(0),
            next: lowering.to(PORT_OUT),
            on_error: lowering.to_maybe(PORT_ERROR),
        })
    })
}

fn call(flow: WorkflowId, input: Option<Value>, timeout_ms: Option<u64>) -> Part {
    let input = input.unwrap_or_else(|| json!({"item": "{{item}}", "index": "{{index}}"}));
    Part::named("call", move |lowering: &Lowering<'_>| {
        OpKind::Invoke(Invoke {
            workflow: flow.clone(),
            program: lowering.called(),
            budget: lowering.called_budget(),
            input: input.clone(),
            timeout_ms,
            next: lowering.part(1),
            on_error: None,
            on_timeout: None,
        })
    })
}

fn tell(teller: Teller<'_>) -> Told {
    let size = teller.number("batchSize").unwrap_or(BATCH_SIZE_DEFAULT);
    let at_once = match teller.plain("processingMode") {
        Some("parallel") => {
            let batches = teller.number("maxConcurrentBatches");
            let batches = batches.unwrap_or(BATCHES_DEFAULT);
            format!("Work on up to {batches} batches of {size} items at the same time.")
        }
        _ => format!("Work on batches of {size} items, one batch after the other."),
    };
    let pause = teller.number("rateLimitMs").filter(|ms| *ms > 0);
    let pause = pause.map(|ms| {
        format!(
            "Begin a batch at least {} after the one before.",
            duration(ms)
        )
    });
    let failing = match teller.is("continueOnError") {
        true => "An item that fails leaves the others alone; its result is `{\"error\": ..}`.",
        false => "If an item fails, stop: this step has failed.",
    };
    let flow = teller
        .plain("flowId")
        .map(|flow| format!("For each item run the workflow {} to its end.", code(flow)));
    Told::new(Need::List)
        .say_maybe(teller.shown("Take every item of this list:", "items"))
        .say(at_once)
        .say_maybe(pause)
        .say_maybe(flow)
        .say_maybe(teller.shown("Its input:", "inputMapping"))
        .say(failing)
        .say("The result is the list of the items' results, in the order of the items.")
        .way(PORT_EACH, "it is one item's turn")
}
