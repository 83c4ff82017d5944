//! `switch`: one of two to ten branches, the last one the default.

use crate::branches::{self, BranchSettings};
use crate::choices;
use crate::kind::{NodeKind, Opened};
use crate::opening::Opening;
use crate::prose::{Teller, Told};
use lattice_model::limits::{SWITCH_BRANCHES_MAX, SWITCH_BRANCHES_MIN};
use schemars::{JsonSchema, Schema, schema_for};

/// The type.
pub(crate) struct Switch;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What the branches are compared with, or judged by: a template.
    evaluation_target: Option<String>,
    /// The branches, tried in order; the last one is the default.
    #[schemars(length(min = 2, max = 10))]
    branches: Vec<BranchSettings>,
}

impl NodeKind for Switch {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn title(&self) -> &'static str {
        "Switch"
    }

    fn summary(&self) -> &'static str {
        "Takes the first of two to ten branches whose test holds, or else the last one."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let count = SWITCH_BRANCHES_MIN..=SWITCH_BRANCHES_MAX;
        let opened = branches::open(opening, &mut fields, count);
        fields.done();
        opened
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        choices::tell(teller)
    }
}
