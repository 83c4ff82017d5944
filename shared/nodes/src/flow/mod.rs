//! `flow`: another workflow, run as a child of this run.

use crate::kind::{InputUse, NodeKind, Opened, Output, Part, Port};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, code, duration};
use lattice_document::{PORT_ERROR, PORT_OUT, PORT_TIMEOUT, id_is_legal};
use lattice_ir::{Invoke, OpKind};
use lattice_model::WorkflowId;
use lattice_model::limits::LIFETIME_MS_MAX;
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Value, json};

/// The type.
pub(crate) struct Flow;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// The id under which the other workflow is stored.
    #[schemars(length(min = 1))]
    flow_id: String,
    /// What goes into it: JSON whose strings are templates. Left out, it is what came before this
    /// node.
    input_mapping: Option<Value>,
    /// How long it may take, in milliseconds; left out, as long as this run.
    #[schemars(range(min = 1, max = LIFETIME_MS_MAX))]
    timeout_ms: Option<u64>,
}

impl NodeKind for Flow {
    fn name(&self) -> &'static str {
        "flow"
    }

    fn title(&self) -> &'static str {
        "Workflow"
    }

    fn summary(&self) -> &'static str {
        "Runs another workflow and waits for its output."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let flow = fields.required_text("flowId");
        if let Some(flow) = flow.as_deref().filter(|id| !id_is_legal(id)) {
            let text = format!("`{}` cannot be the id of a workflow", flow.escape_debug());
            fields.out_of_range("flowId", text);
        }
        let input = fields.raw("inputMapping").cloned();
        if let Some(input) = &input {
            opening.value(&fields.at("inputMapping"), input);
        }
        let timeout_ms = fields.whole("timeoutMs", 1..=LIFETIME_MS_MAX);
        let wait = timeout_ms.map(|ms| (ms, fields.at("timeoutMs")));
        fields.done();
        let flow = WorkflowId::new(flow?);
        let calls = Some(flow.clone()).filter(|id| id_is_legal(id.as_str()));
        let use_of = match input {
            Some(_) => InputUse::None,
            None => InputUse::ValueIfAny,
        };
        let part = Part::main(move |lowering| {
            let before = || lowering.input().map(Value::from);
            OpKind::Invoke(Invoke {
                workflow: flow.clone(),
                program: lowering.called(),
                budget: lowering.called_budget(),
                input: input.clone().or_else(before).unwrap_or_else(|| json!({})),
                timeout_ms,
                next: lowering.to(PORT_OUT),
                on_error: lowering.to_maybe(PORT_ERROR),
                on_timeout: lowering.to_maybe(PORT_TIMEOUT),
            })
        });
        let mut ports = vec![Port::out(), Port::error()];
        ports.extend(timeout_ms.map(|_| Port::failure(PORT_TIMEOUT)));
        Some(Opened {
            output: Output::Any,
            input: use_of,
            wait,
            calls,
            ..Opened::new(ports, vec![part])
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let flow = code(teller.plain_or("flowId", ""));
        let limit = teller
            .number("timeoutMs")
            .map(|ms| format!("It may take {}.", duration(ms)));
        let told = Told::new(Need::Flow)
            .say(format!(
                "Run the workflow {flow} to its end, and keep what it gives as the result of this step."
            ))
            .say_maybe(teller.shown("Its input:", "inputMapping"))
            .say_maybe(limit);
        told.way(PORT_TIMEOUT, "its time is up")
    }
}
