//! How many runs of a workflow may be open at once, and which of them count together.

use lattice_expr::{ExprError, Root, Template};
use lattice_model::limits::CONCURRENT_RUNS_MAX;
use serde::{Deserialize, Serialize};

/// How many runs may be open at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Concurrency {
    /// How many, for each key; 1..=`CONCURRENT_RUNS_MAX`.
    pub max_runs: u32,
    /// Template over the input: runs count together for which it gives the same text. Unset = all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Why a text cannot be the key of a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error(transparent)]
    Template(#[from] ExprError),
    /// It reads something else than the input: nothing else is there when a run is queued, and facts of
    /// the run are the same for all runs or different for each.
    #[error("`{0}` cannot be part of the key: only `in` can, the input of the run")]
    NotInput(String),
}

impl Concurrency {
    /// The key, parsed.
    pub fn template(&self) -> Result<Option<Template>, KeyError> {
        self.key.as_deref().map(parse_key).transpose()
    }

    /// What is wrong with it, as a sentence about the Program.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(1..=CONCURRENT_RUNS_MAX).contains(&self.max_runs) {
            let max = CONCURRENT_RUNS_MAX;
            return Err(format!(
                "limits its open runs to none, or to more than {max}"
            ));
        }
        let parsed = self.template().map(|_| ());
        parsed.map_err(|error| format!("has a limit whose key is not valid: {error}"))
    }
}

/// Reads the key of a limit.
pub fn parse_key(text: &str) -> Result<Template, KeyError> {
    let template = Template::parse(text)?;
    let mut references = template.references().iter();
    match references.find(|it| it.root != Root::Input) {
        Some(other) => Err(KeyError::NotInput(other.to_string())),
        None => Ok(template),
    }
}
