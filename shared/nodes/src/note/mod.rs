//! `note`: something that is only drawn.

use crate::kind::{NodeKind, Opened};
use crate::opening::Opening;
use crate::prose::{Teller, Told};
use schemars::{JsonSchema, Schema, schema_for};

/// The type.
pub(crate) struct Note;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What is shown.
    text: Option<String>,
}

impl NodeKind for Note {
    fn name(&self) -> &'static str {
        "note"
    }

    fn title(&self) -> &'static str {
        "Note"
    }

    fn summary(&self) -> &'static str {
        "A text on the canvas; it has no meaning in a run."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        // An empty text is no mistake here.
        fields.optional::<String>("text");
        fields.done();
        Some(Opened::drawing())
    }

    fn tell(&self, _: Teller<'_>) -> Told {
        Told::default()
    }
}
