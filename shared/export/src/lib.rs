//! From a document to the files of a coding agent: Claude Code, Codex, OpenCode, GitHub Copilot. No
//! IO, no clock, no randomness.
//!
//! `outline` is the workflow in neutral terms: steps in the order in which they are read, sub-agents,
//! skills, servers, and what is wrong; `steps` writes the steps as Markdown. `common` is what the
//! targets share, one file per target says where things go and what they are called there, `matrix`
//! what a target can do, `vocabulary` the models, tools and taken names of each client. `yaml` and
//! `names` write what every client can read.
//!
//! A workflow becomes an Agent Skill of two files. `SKILL.md` holds our own words only, because clients
//! replace `$1`, run commands and read files that are named in it; the texts of the document stand in
//! `WORKFLOW.md`, which is read as it is.

mod claude_code;
pub mod codes;
mod codex;
mod common;
mod copilot;
mod lost;
pub mod matrix;
mod names;
mod opencode;
mod outline;
mod rights;
mod servers;
mod steps;
pub mod vocabulary;
mod yaml;

pub use claude_code::NO_TOOLS;
pub use common::{PLACEHOLDERS, is_workflow_skill};
pub use names::slug;

use lattice_document::{Document, Problem};
use lattice_model::NodeId;
use outline::Outline;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A coding agent that workflows can be exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Claude Code.
    ClaudeCode,
    /// Codex.
    Codex,
    /// OpenCode.
    #[serde(rename = "opencode")]
    OpenCode,
    /// GitHub Copilot.
    Copilot,
}

impl Target {
    /// Every target.
    pub const ALL: &[Self] = &[Self::ClaudeCode, Self::Codex, Self::OpenCode, Self::Copilot];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
            Self::Copilot => "copilot",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
            Self::OpenCode => "OpenCode",
            Self::Copilot => "GitHub Copilot",
        }
    }

    /// The version of what is written for it. It rises with every change of a file, of a warning or of the
    /// launch command of any example; `tests/golden/contract.json` says what each version was.
    pub fn contract(self) -> u32 {
        match self {
            Self::ClaudeCode | Self::Codex | Self::OpenCode | Self::Copilot => 2,
        }
    }

    /// The target of this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|target| target.word() == word)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// What an export gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The files: a path below the project's folder, with `/` between its parts, and the bytes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is lost on the way.
    pub warnings: Vec<Warning>,
    /// What to type to start the workflow in the client.
    pub launch: String,
}

/// Something that a target cannot do as the workflow does it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// The node it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The target.
    pub target: Target,
    /// What is lost: a sentence, lowercase, no full stop.
    pub lost: String,
    /// What to do about it.
    pub help: String,
    /// Where it is documented.
    pub link: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.target)?;
        if let Some(node) = &self.node {
            write!(f, " (node `{node}`)")?;
        }
        write!(f, ": {}; {} ({})", self.lost, self.help, self.link)
    }
}

/// Exports a document to one target; see `export_all`.
///
/// # Errors
/// As `export_all`.
pub fn export(document: &Document, target: Target) -> Result<Export, Vec<Problem>> {
    let made = export_all(document, &[target])?.pop();
    // INVARIANT: one export for each target.
    made.map(|(_, export)| export).ok_or_else(Vec::new)
}

/// Exports a document to several targets. Either everything is sound and there are files for all of them, or
/// there are problems, of which one at least is an error, and there is no file.
///
/// # Errors
/// Everything that is wrong with the document itself (nodes that cannot be run yet can be exported),
/// and what one of the targets cannot hold.
pub fn export_all(
    document: &Document,
    targets: &[Target],
) -> Result<Vec<(Target, Export)>, Vec<Problem>> {
    let (outline, mut problems) = Outline::of(document);
    if problems.iter().any(Problem::is_error) {
        return Err(problems);
    }
    let mut all = Vec::new();
    for target in targets {
        let made = match target {
            Target::ClaudeCode => claude_code::export(&outline),
            Target::Codex => codex::export(&outline),
            Target::OpenCode => opencode::export(&outline),
            Target::Copilot => copilot::export(&outline),
        };
        let (export, found) = made.finish();
        problems.extend(found);
        all.push((*target, export));
    }
    match problems.iter().any(Problem::is_error) {
        true => Err(problems),
        false => Ok(all),
    }
}
