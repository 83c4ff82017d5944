//! `start`: where a run begins that nothing but a request for it starts.

use crate::kind::{NodeKind, Opened, Port};
use crate::opening::Opening;
use crate::prose::{Teller, Told};
use schemars::{JsonSchema, Schema, schema_for};

/// The type.
pub(crate) struct Start;

/// It has no settings; the schema of the input is a field of the document.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {}

impl NodeKind for Start {
    fn name(&self) -> &'static str {
        "start"
    }

    fn title(&self) -> &'static str {
        "Start"
    }

    fn summary(&self) -> &'static str {
        "Where a run begins that a person or a program starts; a workflow has at most one."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn begins_runs(&self) -> bool {
        true
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        opening.fields().done();
        Some(Opened {
            takes_edges: false,
            ..Opened::new(vec![Port::out()], Vec::new())
        })
    }

    fn tell(&self, _: Teller<'_>) -> Told {
        Told::default()
            .say("Take the input from whoever asks. Ask for what is missing before you go on.")
    }
}
