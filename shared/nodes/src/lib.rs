//! The shelf of node types: what a person can draw, and what each becomes. No IO, no clock, no
//! randomness.
//!
//! `kind` says what a node type is and what one node of it turns out to be, `opening` is how a type
//! reads its settings and reports what is wrong, `lowering` is what it knows when it becomes ops.
//! Each type has a folder with its code and `README.md`, the manual page whose cases are run.

mod ask_user_question;
mod batch_iterator;
mod branch;
mod branches;
mod choices;
mod code_executor;
pub mod codes;
mod data_transform;
mod delay;
mod end;
mod fields;
mod flow;
mod group;
mod http_request;
mod if_else;
mod kind;
mod lowering;
mod mcp;
mod model_call;
mod nearest;
mod note;
mod opening;
mod parallel;
mod prompt;
pub mod prose;
mod schedule_trigger;
mod skill;
mod start;
mod sub_agent;
mod switch;
mod variable_store;
mod webhook_trigger;

pub use fields::Fields;
pub use kind::{Carries, InputUse, NodeKind, Opened, Output, Part, Port, Split, Write};
pub use lowering::{Lowering, PORT_EACH, PORT_JOINED, output_template};
pub use nearest::nearest;
pub use opening::{Opening, Read, Secrets};
use serde_json::Value;

/// Every node type that is known. Those that also stand in `NOT_YET` are checked and exported, and
/// refused when a workflow is to be run. Adding one: its folder, the `mod` above and a line here.
pub const ALL: &[&dyn NodeKind] = &[
    &start::Start,
    &end::End,
    &prompt::Prompt,
    &if_else::IfElse,
    &switch::Switch,
    &branch::Branch,
    &parallel::Parallel,
    &flow::Flow,
    &batch_iterator::BatchIterator,
    &data_transform::DataTransform,
    &variable_store::VariableStore,
    &delay::Delay,
    &webhook_trigger::WebhookTrigger,
    &schedule_trigger::ScheduleTrigger,
    &ask_user_question::AskUserQuestion,
    &sub_agent::SubAgent,
    &skill::Skill,
    &mcp::Mcp,
    &http_request::HttpRequest,
    &code_executor::CodeExecutor,
    &group::Group,
    &note::Note,
];

/// What the catalogue has and this build does not run yet: node types, and `type:value` for one
/// value of a type's main setting.
pub const NOT_YET: &[&str] = &[
    "subAgent",
    "skill",
    "mcp",
    "httpRequest",
    "codeExecutor",
    "dataTransform:javascript",
    "variableStore:session",
    "variableStore:persistent",
];

/// Whether this build runs nodes of this type.
pub fn runs(name: &str) -> bool {
    find(name).is_some() && !NOT_YET.contains(&name)
}

/// Reads a setting that is a list of names, or a text with commas between them.
fn word_list(opening: &Opening<'_>, fields: &mut Fields<'_>, name: &'static str) -> Vec<String> {
    let value = fields.raw(name);
    let is_list = |items: &[Value]| items.iter().all(Value::is_string);
    let is_good = match value {
        None | Some(Value::String(_)) => true,
        Some(Value::Array(items)) => is_list(items),
        Some(_) => false,
    };
    if !is_good {
        let text = format!("`{name}` must be a list of names");
        let help = "write it as `[\"Read\", \"Grep\"]`";
        opening.error(codes::WRONG_TYPE, &fields.at(name), text, help);
    }
    prose::words(value)
}

/// The node type of this name.
pub fn find(name: &str) -> Option<&'static dyn NodeKind> {
    ALL.iter().copied().find(|kind| kind.name() == name)
}

#[cfg(test)]
mod tests;
