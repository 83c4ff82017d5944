//! Types that choose one of several ways: `ifElse`, `switch` and the older names for them.

use crate::legacy::ports::Ports;
use crate::legacy::work::Work;
use serde_json::{Value, json};

/// A branch of an older node.
#[derive(Default)]
struct Branch {
    label: String,
    condition: Option<String>,
    value: Option<Value>,
    is_default: bool,
    /// What older edges called the port.
    names: Vec<String>,
}

impl Branch {
    fn read(value: &Value, place: usize) -> Self {
        let text = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let literal = value.get("value").filter(|value| !value.is_null()).cloned();
        let literal = literal.or_else(|| (!value.is_object()).then(|| value.clone()));
        let spoken = literal.as_ref().map(plain);
        let label = text("label")
            .or(text("name"))
            .map(str::to_owned)
            .or(spoken.clone());
        let label = label.unwrap_or_else(|| format!("Branch {}", place + 1));
        let ids = [
            text("id"),
            text("label"),
            text("name"),
            text("port"),
            text("handle"),
        ];
        Self {
            condition: text("condition").map(str::to_owned),
            value: literal,
            is_default: value.get("isDefault").is_some_and(|flag| flag == true),
            names: ids
                .into_iter()
                .flatten()
                .map(str::to_owned)
                .chain(spoken)
                .collect(),
            label,
        }
    }

    /// What a model is asked about this branch.
    fn sentence(&self) -> String {
        self.condition.clone().unwrap_or_else(|| self.label.clone())
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn take_branches(work: &mut Work<'_>, keys: &[&str]) -> Vec<Branch> {
    match work.take(keys) {
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(place, value)| Branch::read(value, place))
            .collect(),
        Some(other) => {
            // Not a list: left where it was, and named among what has no place.
            work.data
                .insert(keys.first().copied().unwrap_or_default().to_owned(), other);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn ports(branches: &[Branch]) -> Ports {
    Ports::Branches(branches.iter().map(|branch| branch.names.clone()).collect())
}

/// `ifElse`: an expression, a comparison with a value, or two sentences that a model judges.
pub(crate) fn if_else(work: &mut Work<'_>) {
    let branches = take_branches(work, &["branches"]);
    let condition = work.take_text(&["condition"]);
    match (condition, branches.as_slice()) {
        (Some(condition), []) => if_condition(work, &condition),
        (_, [first, second, ..]) => if_branches(work, first, second),
        _ => {
            work.ports = Ports::TrueFalse(Vec::new());
            work.look_at_upgrade("this step has no condition", "write its `condition`");
        }
    }
}

fn if_condition(work: &mut Work<'_>, condition: &str) {
    match work.expression(condition) {
        Some(expression) => {
            work.ports = Ports::TrueFalse(Vec::new());
            work.put("condition", expression);
        }
        None => {
            work.change("the condition is a sentence: a model judges it, with one branch for yes and one for no");
            target(work);
            let condition = work.template(condition);
            work.put(
                "branches",
                json!([
                    {"label": "Yes", "condition": condition},
                    {"label": "No", "condition": "Otherwise"},
                ]),
            );
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            work.ports = Ports::Branches(vec![names(&["true", "yes"]), names(&["false", "no"])]);
        }
    }
}

fn if_branches(work: &mut Work<'_>, first: &Branch, second: &Branch) {
    let expression = first
        .condition
        .as_ref()
        .and_then(|text| work.expression(text));
    if let Some(expression) = expression.or_else(|| comparison(work, first)) {
        work.change(format!(
            "`{}` is now port `true`, and `{}` is port `false`",
            first.label, second.label
        ));
        work.put("condition", expression);
        work.ports = Ports::TrueFalse(vec![first.names.clone(), second.names.clone()]);
        return;
    }
    target(work);
    let branches = [first, second].map(|branch| {
        let condition = work.template(&branch.sentence());
        json!({"label": branch.label, "condition": condition})
    });
    work.put("branches", Value::from(branches.to_vec()));
    work.ports = Ports::Branches(vec![first.names.clone(), second.names.clone()]);
}

/// Some documents compared the target with the value of the first branch.
fn comparison(work: &mut Work<'_>, first: &Branch) -> Option<String> {
    let value = first.value.clone().filter(|_| first.condition.is_none())?;
    let target = work.take_text(&["evaluationTarget"]);
    let path = match target {
        Some(target) => {
            let template = work.template(&target);
            let path = template
                .strip_prefix("{{")
                .and_then(|rest| rest.strip_suffix("}}"));
            match path.filter(|path| !path.contains("{{")) {
                Some(path) => path.to_owned(),
                None => {
                    work.data
                        .insert("evaluationTarget".to_owned(), Value::from(target));
                    return None;
                }
            }
        }
        None => work.previous()?,
    };
    let equals = format!("{path} == {value}");
    // These tools kept every value as a text; what is compared may be the value itself.
    let bare = value
        .as_str()
        .filter(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| !value.is_string()));
    let expression = bare.map_or(equals.clone(), |bare| {
        format!("{equals} || {path} == {bare}")
    });
    work.change(format!(
        "the comparison with `{}` is now the condition `{expression}`",
        plain(&value)
    ));
    Some(expression)
}

/// What a model judges: the sentence that said so, and what the node before gave.
fn target(work: &mut Work<'_>) {
    let sentence = match work.take_text(&["evaluationTarget"]) {
        Some(sentence) => work.template(&sentence),
        None => String::new(),
    };
    if sentence.contains("{{") {
        work.put("evaluationTarget", sentence);
        return;
    }
    match work.previous() {
        Some(path) => {
            let between = if sentence.is_empty() { "" } else { "\n\n" };
            work.change(format!(
                "`{{{{{path}}}}}` stands in the evaluation target now"
            ));
            work.put(
                "evaluationTarget",
                format!("{sentence}{between}{{{{{path}}}}}"),
            );
        }
        None => {
            work.put("evaluationTarget", sentence);
            work.look_at_upgrade(
                "the evaluation target does not say which output is judged",
                "write it into `evaluationTarget`, such as `{{nodes.review.output}}`",
            );
        }
    }
}

/// `switch`: each branch by a value, an expression or a sentence; the last one is the default.
pub(crate) fn switch(work: &mut Work<'_>) {
    let mut branches = take_branches(work, &["branches"]);
    if branches.is_empty() {
        work.look_at_upgrade("this step has no branches", "write its `branches`");
        return;
    }
    if !branches.iter().any(|branch| branch.is_default)
        && let Some(last) = branches.last_mut()
    {
        last.is_default = true;
        let text = format!("the last branch, `{}`, is now the default", last.label);
        work.change(text);
    }
    put_branches(work, &branches);
}

/// The target and the branches of a `switch`.
fn put_branches(work: &mut Work<'_>, branches: &[Branch]) {
    target(work);
    // Only a target that is one template and nothing else has a value to compare.
    let target = work
        .settings
        .get("evaluationTarget")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_value = target.starts_with("{{") && target.find("}}") == target.len().checked_sub(2);
    let mut written = Vec::with_capacity(branches.len());
    for branch in branches {
        let expression = branch
            .condition
            .as_ref()
            .and_then(|text| work.expression(text));
        let value = branch
            .value
            .as_ref()
            .filter(|_| is_value && branch.condition.is_none());
        written.push(match (branch.is_default, expression, value) {
            (true, ..) => json!({"label": branch.label, "isDefault": true}),
            (_, Some(expression), _) => json!({"label": branch.label, "when": expression}),
            (_, _, Some(value)) => json!({"label": branch.label, "equals": value}),
            _ => json!({"label": branch.label, "condition": work.template(&branch.sentence())}),
        });
    }
    work.put("branches", written);
    work.ports = ports(branches);
}

/// `branch`: the older form of both.
pub(crate) fn branch(work: &mut Work<'_>) {
    let count = work
        .data
        .get("branches")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let is_switch = work
        .take(&["branchType"])
        .is_some_and(|kind| kind == "switch");
    if is_switch || count > 2 {
        work.become_type("switch");
        switch(work);
    } else {
        work.become_type("ifElse");
        if_else(work);
    }
}

/// `conditionalBranch`: one condition.
pub(crate) fn conditional_branch(work: &mut Work<'_>) {
    work.become_type("ifElse");
    if_else(work);
}

/// `switchCase`: a value and its cases.
pub(crate) fn switch_case(work: &mut Work<'_>) {
    work.become_type("switch");
    let target_names = [
        "evaluationTarget",
        "expression",
        "value",
        "variable",
        "target",
    ];
    if let Some(old) = work.take_text(&target_names) {
        // A bare path was a value here, not a sentence.
        let is_path = old
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "._$[]".contains(sign));
        let template = if is_path && !old.starts_with('$') {
            format!("{{{{{old}}}}}")
        } else {
            old
        };
        work.data
            .insert("evaluationTarget".to_owned(), Value::from(template));
    }
    let mut branches = take_branches(work, &["cases", "branches"]);
    let is_default =
        |branch: &Branch| branch.is_default || branch.label.eq_ignore_ascii_case("default");
    if !branches.iter().any(is_default) {
        let label = work.take_text(&["default", "defaultCase"]);
        work.change("a last branch for all other cases was added: `default`");
        let label = label.unwrap_or_else(|| "Default".to_owned());
        let names = vec!["default".to_owned(), label.clone()];
        branches.push(Branch {
            label,
            is_default: true,
            names,
            ..Branch::default()
        });
    }
    for branch in &mut branches {
        branch.is_default = is_default(branch);
    }
    put_branches(work, &branches);
}

/// `errorHandler`: a model judges whether the step before failed.
pub(crate) fn error_handler(work: &mut Work<'_>) {
    work.become_type("ifElse");
    target(work);
    work.put(
        "branches",
        json!([
            {"label": "Failed", "condition": "The text reports an error or a failure"},
            {"label": "Went well", "condition": "The text reports no error"},
        ]),
    );
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    work.ports = Ports::Branches(vec![
        names(&["failure", "failed", "catch", "retry", "fallback"]),
        names(&["success", "ok", "done", "out", "output"]),
    ]);
    work.look_at_upgrade(
        "this step caught the failure of the step before it, and judges its text now",
        "draw an edge from port `error` of the step before instead, and delete this one",
    );
}
