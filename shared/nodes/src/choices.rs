//! Choices in words: what `ifElse`, `switch` and `branch` have in common when they are told.

use crate::branches::is_expression;
use crate::prose::{Need, Teller, Told, code};
use lattice_document::branch_port as port;
use serde_json::Value;

/// Says in words how the branch is chosen.
pub(crate) fn tell(teller: Teller<'_>) -> Told {
    let branches = teller.raw("branches").and_then(Value::as_array);
    let branches = branches.map(Vec::as_slice).unwrap_or_default();
    let mut told = Told::new(Need::Choice)
        .say("Decide which one of the ways below is taken. Try them in their order; the first that fits is taken.")
        .say_maybe(teller.shown("What to look at:", "evaluationTarget"));
    for (place, branch) in branches.iter().enumerate() {
        let text = |field: &str| branch.get(field).and_then(Value::as_str);
        let label = code(text("label").unwrap_or_default());
        let test = match (branch.get("equals"), text("when").or(text("condition"))) {
            _ if place + 1 == branches.len() => "none of the others fits".to_owned(),
            (Some(value), _) => format!("it is {}", code(&value.to_string())),
            (None, Some(test)) if is_expression(test) => format!("{} is true", code(test)),
            (None, Some(sentence)) => {
                format!(
                    "this holds: {}",
                    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
                )
            }
            (None, None) => "it fits".to_owned(),
        };
        told = told.way(port(place), format!("{test} ({label})"));
    }
    told.say(
        "The result of this step is `{\"choice\": label}` with the label of the way that is taken.",
    )
}
