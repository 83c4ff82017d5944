//! From the files of a coding agent to a document: sub-agents, skills, MCP servers and permissions of
//! Claude Code, Codex, OpenCode and GitHub Copilot. No IO, no clock, no randomness.
//!
//! `tree` and `text` read YAML, JSON and TOML; `reading` goes through fields and remembers what no one
//! has read; one file per client knows where its things stand; `skills` reads what all clients share;
//! `tools` and `rules` turn a client's words into those of a document, never into wider ones; `prompt`
//! makes a template of a text; `drawing` puts nodes into a document.
//!
//! Nothing is dropped in silence: what is not taken over stands in `Import::left`, with the reason and
//! what to do.

mod claude_code;
mod codex;
mod copilot;
mod drawing;
mod opencode;
mod prompt;
mod reading;
mod rules;
mod servers;
mod skills;
mod text;
mod tools;
mod tree;

use lattice_document::Document;
use lattice_export::Target;
use lattice_model::NodeId;
use reading::Reading;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Files by their path below the project's folder, with `/` between its parts.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What an import gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The document. Its nodes are drawn one after the other; tools that are denied stand beside the way.
    pub document: Document,
    /// What became a node, in the order of the nodes.
    pub taken: Vec<Taken>,
    /// What did not, in the order of the files.
    pub left: Vec<Left>,
}

/// Something that became a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// The file that it stands in.
    pub file: String,
    /// The node type: `subAgent`, `skill` or `mcp`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The node.
    pub node: NodeId,
}

/// Something that was not taken over, or not as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// The file.
    pub file: String,
    /// Where in the file, with `.` between keys; left out, all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why: a sentence, lowercase, no full stop.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(key) = &self.key {
            write!(f, " ({key})")?;
        }
        write!(f, ": {}; {}", self.why, self.help)
    }
}

/// The files and folders, below a project's folder, in which a client keeps what it knows. Nothing
/// else has to be looked at.
pub fn places(from: Target) -> &'static [&'static str] {
    match from {
        Target::ClaudeCode => claude_code::PLACES,
        Target::Codex => codex::PLACES,
        Target::OpenCode => opencode::PLACES,
        Target::Copilot => copilot::PLACES,
    }
}

/// Makes a document of a client's files. `name` is what the workflow is called, as a rule the
/// project's folder. The document compiles, but for what no run can do yet; what would keep it from that is left
/// out and said.
///
/// # Errors
/// Nothing was found that could become a node: what was left out, which may be nothing.
pub fn import(files: &Files, from: Target, name: &str) -> Result<Import, Vec<Left>> {
    let mut reading = Reading::new(files);
    match from {
        Target::ClaudeCode => claude_code::read(&mut reading),
        Target::Codex => codex::read(&mut reading),
        Target::OpenCode => opencode::read(&mut reading),
        Target::Copilot => copilot::read(&mut reading),
    }
    reading.unread(from);
    drawing::draw(reading, from, name)
}
