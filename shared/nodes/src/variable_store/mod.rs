//! `variableStore`: sets, gets, updates or deletes a variable of the workflow.

use crate::fields::Fields;
use crate::kind::{NodeKind, Opened, Output, Part, Port, Write};
use crate::lowering::reference_template;
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, code};
use lattice_document::{PORT_ERROR, PORT_OUT, id_is_legal};
use lattice_expr::Root;
use lattice_ir::{Assign, Eval, OpKind};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::Value;

/// The type.
pub(crate) struct VariableStore;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What to do with the variable.
    operation: Operation,
    /// How long the variable lives; `workflow`, which is the default, means this run.
    scope: Option<VariableScope>,
    /// The variable: letters, digits, `-`, `_` and `.`.
    #[schemars(length(min = 1, max = 128))]
    variable_name: String,
    /// What `set` and `update` put in: any JSON whose strings are templates.
    value: Option<Value>,
    /// For scopes that outlive the run: how long, in seconds.
    ttl: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Set,
    Get,
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum VariableScope {
    Workflow,
    Session,
    Persistent,
}

impl NodeKind for VariableStore {
    fn name(&self) -> &'static str {
        "variableStore"
    }

    fn title(&self) -> &'static str {
        "Variable"
    }

    fn summary(&self) -> &'static str {
        "Sets, gets, updates or deletes a variable."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let operation = fields.required::<Operation>("operation");
        let scope = fields.optional::<VariableScope>("scope");
        let name = fields.required_text("variableName").unwrap_or_default();
        check_name(&fields, &name);
        let value = fields.raw("value").cloned();
        fields.raw("ttl");
        check_scope(opening, &mut fields, scope);
        if let Some(value) = &value {
            opening.value(&fields.at("value"), value);
        }
        let opened = operation.map(|operation| {
            check_value(&fields, operation, value.is_some());
            if matches!(operation, Operation::Get | Operation::Update) && !name.is_empty() {
                opening.needs_variable(&fields.at("variableName"), &name);
            }
            into_op(operation, name, value)
        });
        fields.done();
        opened
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let name = code(teller.plain_or("variableName", ""));
        let told = Told::new(Need::Variables);
        match teller.plain("operation") {
            Some("get") => told.say(format!(
                "Take the value of the variable {name} as the result of this step."
            )),
            Some("delete") => told.say(format!(
                "Forget the variable {name}: from here on it has no value."
            )),
            _ => {
                let lead =
                    format!("Set the variable {name} to this, and keep it to the end of the work:");
                told.say_maybe(teller.shown(&lead, "value"))
            }
        }
    }
}

fn check_name(fields: &Fields<'_>, name: &str) {
    if !name.is_empty() && !id_is_legal(name) {
        let name = name.escape_debug();
        let text =
            format!("`{name}` cannot name a variable: only letters, digits, `-`, `_` and `.` can");
        fields.out_of_range("variableName", text);
    }
}

fn check_scope(opening: &Opening<'_>, fields: &mut Fields<'_>, scope: Option<VariableScope>) {
    let help = "use the scope `workflow`: the variable then lives as long as the run";
    match scope {
        Some(VariableScope::Session) => opening.not_yet("scope", "session", help),
        Some(VariableScope::Persistent) => opening.not_yet("scope", "persistent", help),
        Some(VariableScope::Workflow) | None => {
            if fields.raw("ttl").is_some() {
                fields.unused("ttl", "a variable of the workflow lives as long as its run");
            }
        }
    }
}

fn check_value(fields: &Fields<'_>, operation: Operation, has_value: bool) {
    match (operation, has_value) {
        (Operation::Set | Operation::Update, false) => fields.missing("value"),
        (Operation::Get, true) => fields.unused("value", "`get` only reads"),
        (Operation::Delete, true) => fields.unused("value", "`delete` takes the value away"),
        _ => {}
    }
}

fn into_op(operation: Operation, variable: String, value: Option<Value>) -> Opened {
    let both = vec![Port::out(), Port::error()];
    match operation {
        Operation::Get => {
            let input = Value::from(reference_template(Root::Vars, [variable.as_str()]));
            let part = Part::main(move |lowering| {
                OpKind::Eval(Eval {
                    input: input.clone(),
                    transform: None,
                    fallback: None,
                    next: lowering.to(PORT_OUT),
                    on_error: lowering.to_maybe(PORT_ERROR),
                })
            });
            Opened {
                output: Output::Any,
                ..Opened::new(both, vec![part])
            }
        }
        Operation::Set | Operation::Update => Opened {
            output: Output::Any,
            writes: Some(Write::Set(variable.clone())),
            ..Opened::new(
                both,
                vec![assign(variable, Some(value.unwrap_or_default()))],
            )
        },
        Operation::Delete => Opened {
            writes: Some(Write::Delete(variable.clone())),
            ..Opened::new(vec![Port::out()], vec![assign(variable, None)])
        },
    }
}

fn assign(variable: String, value: Option<Value>) -> Part {
    Part::main(move |lowering| {
        OpKind::Assign(Assign {
            variable: variable.clone(),
            value: value.clone(),
            next: lowering.to(PORT_OUT),
            on_error: lowering.to_maybe(PORT_ERROR),
        })
    })
}
