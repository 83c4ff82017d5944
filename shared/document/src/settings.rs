//! Reads the settings of the whole workflow.

use crate::codes;
use crate::document::{BudgetSettings, WorkflowSettings, variable_name_is_legal};
use crate::fields::Fields;
use crate::problem::Sink;
use lattice_model::limits::{BUDGET_TOKENS_MAX, LIFETIME_MS_MAX};
use serde_json::Value;

const SETTINGS_FIELDS: &[&str] = &["maxLifetimeMs", "budget", "variables"];

/// The settings of the whole workflow.
pub(crate) fn read_settings(top: &Fields<'_>, sink: &mut Sink) -> WorkflowSettings {
    let opened = top
        .value("settings")
        .map(|value| Fields::open(value, top.place.inside("settings"), sink));
    let Some(fields) = opened.flatten() else {
        return WorkflowSettings::default();
    };
    fields.only(SETTINGS_FIELDS, sink);
    let max_lifetime_ms = fields.get("maxLifetimeMs", "a whole number", Value::as_u64, sink);
    if max_lifetime_ms.is_some_and(|number| number == 0 || number > LIFETIME_MS_MAX) {
        let text = format!("`maxLifetimeMs` must be from 1 to {LIFETIME_MS_MAX} (366 days)");
        sink.push(
            fields
                .place
                .inside("maxLifetimeMs")
                .error(codes::OUT_OF_RANGE, text),
        );
    }
    let budget = read_budget(&fields, sink);
    let variables = fields
        .object("variables", sink)
        .cloned()
        .unwrap_or_default();
    for name in variables
        .keys()
        .filter(|name| !variable_name_is_legal(name))
    {
        let place = fields.place.inside("variables").inside(name);
        let text = format!("`{}` cannot name a variable", name.escape_debug());
        let help = "use letters, digits and `_`, and no digit first";
        sink.push(place.error(codes::ILLEGAL_ID, text).help(help));
    }
    WorkflowSettings {
        max_lifetime_ms,
        budget,
        variables: variables.into_iter().collect(),
    }
}

fn read_budget(settings: &Fields<'_>, sink: &mut Sink) -> Option<BudgetSettings> {
    let place = settings.place.inside("budget");
    let fields = Fields::open(settings.value("budget")?, place, sink)?;
    fields.only(&["tokens"], sink);
    fields.require("tokens", None, sink);
    let tokens = fields.get("tokens", "a whole number", Value::as_u64, sink)?;
    if !(1..=BUDGET_TOKENS_MAX).contains(&tokens) {
        let text = format!("`tokens` is {tokens} and must be from 1 to {BUDGET_TOKENS_MAX}");
        let problem = fields
            .place
            .inside("tokens")
            .error(codes::OUT_OF_RANGE, text);
        sink.push(problem.help("say how many tokens a run may use in all"));
    }
    Some(BudgetSettings { tokens })
}
