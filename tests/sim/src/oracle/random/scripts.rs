//! Makes the worlds of random Programs: the input, what calls give, what people answer.

use crate::oracle::chance::Chance;
use crate::oracle::visits::op_of;
use crate::oracle::world::{STARTED_AT, fail, succeed};
use lattice_ir::CallOutcome;
use lattice_journal::FailureKind;
use lattice_model::Hash;
use lattice_model::limits::INLINE_VALUE_BYTES_MAX;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a call that is to judge may say.
pub(super) const LABELS: [&str; 2] = ["left", "right"];

/// What one call does over and over.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// So many failures come first; `u32::MAX` = there is nothing else.
    failures: u32,
    kind: FailureKind,
    answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Text,
    Long,
    Label,
    Broken,
}

impl Script {
    pub fn random(chance: &mut Chance) -> Self {
        let retryable = [
            FailureKind::Timeout,
            FailureKind::Network,
            FailureKind::ProviderUnavailable,
        ];
        let lasting = [
            FailureKind::Refused,
            FailureKind::ContextLength,
            FailureKind::Unknown,
            FailureKind::Timeout,
            FailureKind::RateLimit,
        ];
        let answers = [Answer::Text, Answer::Long, Answer::Label, Answer::Broken];
        let (failures, kind) = match chance.below(10) {
            0..6 => (0, FailureKind::Unknown),
            6 | 7 => {
                let kind = chance.pick(FailureKind::RateLimit, &retryable);
                (1 + u32::from(chance.percent(30)), kind)
            }
            _ => (u32::MAX, chance.pick(FailureKind::Auth, &lasting)),
        };
        Self {
            failures,
            kind,
            answer: chance.pick(Answer::Text, &answers),
        }
    }

    /// Whether the call asks for a label and not for a text.
    pub fn is_json(&self) -> bool {
        matches!(self.answer, Answer::Label | Answer::Broken)
    }

    /// The outcome depends on the whole prompt, so that a prompt with a wrong byte is seen.
    fn play(&self, stage: &str, failures: u32, prompt: &str) -> CallOutcome {
        if failures < self.failures {
            return fail(self.kind);
        }
        let digest = Hash::of_parts(&[stage.as_bytes(), prompt.as_bytes()]).short();
        let bytes = prompt.len();
        match self.answer {
            Answer::Text => succeed(format!("{stage} read {bytes} bytes, {digest}")),
            Answer::Long => succeed(format!("{digest} ").repeat(INLINE_VALUE_BYTES_MAX / 12)),
            Answer::Broken => succeed(format!("{{\"label\": {digest}")),
            Answer::Label => {
                let label = match digest.as_bytes().first() {
                    Some(b'0'..=b'7') => "left",
                    _ => "right",
                };
                succeed(format!("{{\"label\": \"{label}\"}}"))
            }
        }
    }
}

/// Plays each call's script, every visit from its beginning; a call that has none is refused.
pub(super) fn player(
    scripts: BTreeMap<String, Script>,
) -> impl Fn(&str, u32, &str) -> CallOutcome + Send + Sync + 'static {
    move |stage, failures, prompt| match scripts.get(op_of(stage)) {
        Some(script) => script.play(stage, failures, prompt),
        None => fail(FailureKind::Refused),
    }
}

/// An input; one in eight holds a text for the blob store.
pub(super) fn input(chance: &mut Chance) -> Value {
    let items: Vec<_> = (0..=chance.below(4))
        .map(|_| json!({ "n": chance.below(10) }))
        .collect();
    let text = match chance.below(8) {
        0 => "long ".repeat(INLINE_VALUE_BYTES_MAX / 4),
        1 => "{{in.n}} \"quoted\" \\ \u{1F600}".to_owned(),
        _ => "short".to_owned(),
    };
    let moment = match chance.below(3) {
        0 => "tomorrow".to_owned(),
        1 => "1999-12-31T23:59:59Z".to_owned(),
        _ => STARTED_AT.plus(chance.below(90_000_000) as u64).rfc3339(),
    };
    json!({
        "n": chance.below(10),
        "tag": chance.pick("a", &["b", "c"]),
        "items": items,
        "text": text,
        "moment": moment,
    })
}

/// What people answer to a question with these options: nothing, or up to three things of which the
/// last one is mostly acceptable.
pub(super) fn answers(chance: &mut Chance, options: &[&str]) -> Vec<Value> {
    if chance.percent(15) {
        return Vec::new();
    }
    let mut answers: Vec<_> = (0..chance.below(3))
        .map(|_| chance.pick(json!("Maybe"), &[json!(9), json!(["Yes"]), json!(null)]))
        .collect();
    if chance.percent(85) {
        let label = options.get(chance.below(options.len()));
        answers.push(match label {
            Some(label) => json!(label),
            None => json!(format!("some words, {}", chance.below(1_000))),
        });
    }
    answers
}
