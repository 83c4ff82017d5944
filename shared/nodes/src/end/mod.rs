//! `end`: where a run is over, and what it gives.

use crate::kind::{InputUse, NodeKind, Opened, Part};
use crate::opening::Opening;
use crate::prose::{Teller, Told};
use lattice_ir::{End as EndOp, OpKind};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Value, json};

/// The type.
pub(crate) struct End;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What the run gives: any JSON whose strings are templates. Left out, it is the output of the
    /// node before this one, or `{}` if there are several or it has none.
    output: Option<Value>,
}

impl NodeKind for End {
    fn name(&self) -> &'static str {
        "end"
    }

    fn title(&self) -> &'static str {
        "End"
    }

    fn summary(&self) -> &'static str {
        "Ends the run and says what it gives; a workflow has one or more."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let output = fields.raw("output").cloned();
        if let Some(output) = &output {
            opening.value(&fields.at("output"), output);
        }
        fields.done();
        let input = match output {
            Some(_) => InputUse::None,
            None => InputUse::OutputIfAny,
        };
        let part = Part::main(move |lowering| {
            let given = || lowering.input().map(Value::from);
            let output = output.clone().or_else(given);
            OpKind::End(EndOp {
                output: output.unwrap_or_else(|| json!({})),
            })
        });
        Some(Opened {
            input,
            ..Opened::new(Vec::new(), vec![part])
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        Told::default()
            .say("The work is over here. Take no step after this one.")
            .say_maybe(teller.shown(
                "Give exactly this as the result of the whole workflow:",
                "output",
            ))
            .say_maybe(teller.raw("output").is_none().then(|| {
                "The result of the whole workflow is the result of the step before this one."
                    .to_owned()
            }))
    }
}
