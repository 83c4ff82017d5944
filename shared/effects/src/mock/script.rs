//! The mock's script: a JSON file that says what to answer, stage by stage.
//!
//! ```json
//! {
//!   "stages": {
//!     "triage": [
//!       {"when": "refund", "json": {"category": "billing"}, "latencyMs": 20},
//!       {"fault": "rate_limit", "times": 1, "retryAfterMs": 50, "text": "other"}
//!     ],
//!     "*": [{"text": "fine"}]
//!   }
//! }
//! ```

use lattice_journal::{FailureKind, Usage};
use lattice_model::limits::MOCK_SCRIPT_BYTES_MAX;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A script: for each stage a list of entries.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// By the id of the node, by `id.part` for one op of a node that became several, or `*` for
    /// every stage that has no list of its own.
    pub stages: BTreeMap<String, Vec<Entry>>,
}

/// One thing that the mock may do. The first entry whose `when` fits and whose attempts are not
/// used up is taken.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Taken only if the prompt holds this text.
    #[serde(default)]
    pub when: Option<String>,
    /// The answer, as a text.
    #[serde(default)]
    pub text: Option<String>,
    /// The answer, as JSON.
    #[serde(default)]
    pub json: Option<Value>,
    /// One answer for each attempt; the last one stays.
    #[serde(default)]
    pub answers: Option<Vec<Answer>>,
    /// Fails instead of answering.
    #[serde(default)]
    pub fault: Option<Fault>,
    /// For how many attempts the fault lasts; without it, for all.
    #[serde(default)]
    pub times: Option<u32>,
    /// The pause that the fault asks for.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// How long it takes.
    #[serde(default)]
    pub latency_ms: u64,
    /// In how many pieces the answer comes. `cut` loses the second half of them, and the usage
    /// counts the first half.
    #[serde(default = "chunks_default")]
    pub chunks: u32,
    /// What it uses; without it four characters are a token.
    #[serde(default)]
    pub usage: Option<Usage>,
}

fn chunks_default() -> u32 {
    8
}

/// One answer of a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// A text.
    Text(String),
    /// JSON.
    Json(Value),
}

/// How a question may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // they are the failure kinds, and `stall` and `cut`
pub enum Fault {
    Auth,
    RateLimit,
    Timeout,
    Network,
    MalformedOutput,
    ContextLength,
    Refused,
    ProviderUnavailable,
    Unknown,
    /// Nothing comes until the time is over.
    Stall,
    /// The answer breaks off.
    Cut,
}

impl Fault {
    /// The failure that it becomes.
    pub fn kind(self) -> FailureKind {
        match self {
            Self::Auth => FailureKind::Auth,
            Self::RateLimit => FailureKind::RateLimit,
            Self::Timeout | Self::Stall => FailureKind::Timeout,
            Self::Network | Self::Cut => FailureKind::Network,
            Self::MalformedOutput => FailureKind::MalformedOutput,
            Self::ContextLength => FailureKind::ContextLength,
            Self::Refused => FailureKind::Refused,
            Self::ProviderUnavailable => FailureKind::ProviderUnavailable,
            Self::Unknown => FailureKind::Unknown,
        }
    }

    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Auth => "refused the key",
            Self::RateLimit => "was asked too often",
            Self::Timeout | Self::Stall => "took too long",
            Self::Network => "could not be reached",
            Self::MalformedOutput => "gave an answer that cannot be read",
            Self::ContextLength => "found the prompt too long",
            Self::Refused => "declined to answer",
            Self::ProviderUnavailable => "cannot serve now",
            Self::Unknown => "failed without a reason",
            Self::Cut => "broke off in the middle of the answer",
        }
    }
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the mock script `{file}` cannot be read; check `LATTICE_MOCK_SCRIPT`")]
    File {
        /// The file.
        file: String,
        /// What was met.
        source: std::io::Error,
    },
    /// The file is too large.
    #[error(
        "the mock script `{file}` is larger than {MOCK_SCRIPT_BYTES_MAX} bytes; make it shorter"
    )]
    TooLarge {
        /// The file.
        file: String,
    },
    /// The text is not a script.
    #[error("the mock script `{file}` is wrong at `{pointer}`: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// Where, as a JSON pointer.
        pointer: String,
        /// What is wrong.
        reason: String,
    },
}

impl Script {
    /// Reads a script file.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let file = path.display().to_string();
        let failed = |source| ScriptError::File {
            file: path.display().to_string(),
            source,
        };
        let mut text = String::new();
        let bytes = std::fs::File::open(path).map_err(failed)?;
        let limit = MOCK_SCRIPT_BYTES_MAX as u64 + 1;
        bytes
            .take(limit)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() > MOCK_SCRIPT_BYTES_MAX {
            return Err(ScriptError::TooLarge { file });
        }
        Self::parse(&file, &text)
    }

    /// Reads the text of a script; `file` names it in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScriptError> {
        let wrong = |pointer: String, reason: String| ScriptError::Wrong {
            file: file.to_owned(),
            pointer,
            reason,
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let script: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| wrong(pointer_of(error.path()), error.inner().to_string()))?;
        json.end()
            .map_err(|error| wrong(String::new(), error.to_string()))?;
        for (stage, entries) in &script.stages {
            for (place, entry) in entries.iter().enumerate() {
                if let Err((field, reason)) = entry.check() {
                    let stage = escape(stage);
                    return Err(wrong(
                        format!("/stages/{stage}/{place}{field}"),
                        reason.to_owned(),
                    ));
                }
            }
        }
        Ok(script)
    }

    /// The entry for an attempt, with the number of attempts that are left for it. `op` is the name
    /// of the op: a node's id, or `id.part`.
    pub fn entry(&self, op: &str, prompt: &str, attempt: u32) -> Option<(&Entry, u32)> {
        let node = op.rsplit_once('.').map_or(op, |(node, _)| node);
        let entries = [op, node, "*"]
            .iter()
            .find_map(|name| self.stages.get(*name))?;
        let mut attempt = attempt;
        for entry in entries {
            if !entry.when.as_ref().is_none_or(|when| prompt.contains(when)) {
                continue;
            }
            match entry.times {
                Some(times) if !entry.has_answer() && attempt > times => attempt -= times,
                _ => return Some((entry, attempt)),
            }
        }
        None
    }
}

impl Entry {
    fn has_answer(&self) -> bool {
        self.text.is_some() || self.json.is_some() || self.answers.is_some()
    }

    /// The answer to an attempt, from 1; `None` if the entry gives none.
    pub fn answer(&self, attempt: u32) -> Option<String> {
        if let Some(answers) = &self.answers {
            let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
            return match answers.get(place).or(answers.last())? {
                Answer::Text(text) => Some(text.clone()),
                Answer::Json(value) => Some(value.to_string()),
            };
        }
        self.text
            .clone()
            .or_else(|| self.json.as_ref().map(Value::to_string))
    }

    /// The field and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let answers = [
            self.text.is_some(),
            self.json.is_some(),
            self.answers.is_some(),
        ];
        if answers.iter().filter(|given| **given).count() > 1 {
            return Err(("", "give one of `text`, `json` and `answers`, not several"));
        }
        if self.answers.as_ref().is_some_and(Vec::is_empty) {
            return Err(("/answers", "the list is empty"));
        }
        if self.fault.is_none() && self.times.is_some() {
            return Err(("/times", "`times` belongs to a `fault`"));
        }
        if self.fault.is_none() && self.retry_after_ms.is_some() {
            return Err(("/retryAfterMs", "`retryAfterMs` belongs to a `fault`"));
        }
        let lasts = self.fault.is_some() && self.times.is_none();
        if lasts && self.has_answer() && self.fault != Some(Fault::Cut) {
            return Err((
                "/fault",
                "without `times` the fault never lets the answer through",
            ));
        }
        if self.times == Some(0) || self.chunks == 0 {
            return Err(("", "`times` and `chunks` are at least 1"));
        }
        Ok(())
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}
