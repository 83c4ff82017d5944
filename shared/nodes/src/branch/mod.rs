//! `branch`: how older documents drew a choice. It still runs; `ifElse` and `switch` replace it.

use crate::branches::{self, BranchSettings};
use crate::choices;
use crate::codes;
use crate::kind::{NodeKind, Opened};
use crate::opening::Opening;
use crate::prose::{Teller, Told};
use lattice_document::PatchOp;
use lattice_model::limits::{SWITCH_BRANCHES_MAX, SWITCH_BRANCHES_MIN};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

/// The type.
pub(crate) struct Branch;

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

impl NodeKind for Branch {
    fn name(&self) -> &'static str {
        "branch"
    }

    fn title(&self) -> &'static str {
        "Branch"
    }

    fn summary(&self) -> &'static str {
        "The older form of `ifElse` and `switch`; it works as they do."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let count = fields
            .raw("branches")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let replacement = match count {
            2 => "ifElse",
            _ => "switch",
        };
        let path = opening.pointer_beside("type");
        let fix = vec![PatchOp::Replace {
            path: path.clone(),
            value: Value::from(replacement),
        }];
        let text = format!("`branch` is an older node type; `{replacement}` replaces it");
        let help = format!("set the type to `{replacement}`; settings and edges stay as they are");
        opening.warning_with_fix(codes::OLDER_TYPE, &path, text, &help, fix);
        let opened = branches::open(
            opening,
            &mut fields,
            SWITCH_BRANCHES_MIN..=SWITCH_BRANCHES_MAX,
        );
        fields.done();
        opened
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        choices::tell(teller)
    }
}
