//! Settings of the whole workflow: the schema of the input, and waits that outlive the run.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::Problem;
use lattice_expr::Schema;
use lattice_journal::Budget;
use lattice_model::limits::LIFETIME_MS_DEFAULT;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let schema = unit.document.input.as_ref().map(Schema::parse);
    if let Some(Err(error)) = schema {
        let pointer = unit.pointers.top("/input");
        let problem = Problem::error(codes::BAD_INPUT_SCHEMA, pointer, error.to_string());
        problems
            .add(problem.help("write a JSON Schema of draft 2020-12 that refers to no other file"));
    }
    let lifetime_ms = lifetime_ms(unit);
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let Some((ms, pointer)) = unit.opened(index).and_then(|opened| opened.wait.as_ref()) else {
            continue;
        };
        if *ms >= lifetime_ms {
            let text = format!(
                "`{}` waits for {ms} ms, and a run of this workflow lives for {lifetime_ms} ms",
                node.id
            );
            let problem = Problem::error(codes::LONG_WAIT, pointer.as_str(), text);
            let help = "wait for less, or raise `maxLifetimeMs` in the workflow's settings";
            problems.add(problem.at_node(&node.id).help(help));
        }
    }
}

/// How long a run may live.
pub fn lifetime_ms(unit: &Unit<'_>) -> u64 {
    unit.document
        .settings
        .max_lifetime_ms
        .unwrap_or(LIFETIME_MS_DEFAULT)
}

/// What a run may use.
pub fn budget(unit: &Unit<'_>) -> Option<Budget> {
    let budget = unit.document.settings.budget;
    budget.map(|it| Budget { tokens: it.tokens })
}
