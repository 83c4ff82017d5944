//! Reads the settings of the whole workflow.

use crate::codes;
use crate::document::{
    BudgetSettings, ConcurrencySettings, WorkflowSettings, variable_name_is_legal,
};
use crate::fields::Fields;
use crate::problem::Sink;
use lattice_model::limits::{BUDGET_TOKENS_MAX, CONCURRENT_RUNS_MAX, LIFETIME_MS_MAX};
use serde_json::Value;

const SETTINGS_FIELDS: &[&str] = &["maxLifetimeMs", "budget", "concurrency", "variables"];

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
    let concurrency = read_concurrency(&fields, sink);
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
        concurrency,
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

fn read_concurrency(settings: &Fields<'_>, sink: &mut Sink) -> Option<ConcurrencySettings> {
    let place = settings.place.inside("concurrency");
    let fields = Fields::open(settings.value("concurrency")?, place, sink)?;
    fields.only(&["maxRuns", "key"], sink);
    fields.require("maxRuns", None, sink);
    let key = fields.text("key", sink);
    if key.as_ref().is_some_and(|key| key.trim().is_empty()) {
        let problem = fields
            .place
            .inside("key")
            .error(codes::OUT_OF_RANGE, "`key` is empty");
        sink.push(problem.help("leave it out, so that all runs of the workflow count together"));
    }
    let max_runs = fields.get("maxRuns", "a whole number", Value::as_u64, sink)?;
    let legal = u32::try_from(max_runs).ok();
    let legal = legal.filter(|it| (1..=CONCURRENT_RUNS_MAX).contains(it));
    if legal.is_none() {
        let text = format!("`maxRuns` is {max_runs} and must be from 1 to {CONCURRENT_RUNS_MAX}");
        let place = fields.place.inside("maxRuns");
        let problem = place.error(codes::OUT_OF_RANGE, text);
        sink.push(problem.help("say how many runs may be open at once"));
    }
    let max_runs = legal.unwrap_or(CONCURRENT_RUNS_MAX);
    Some(ConcurrencySettings { max_runs, key })
}
