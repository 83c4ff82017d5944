//! Spans, and what one op costs.

use lattice_expr::Template;
use lattice_ir::{Call, Effect, ModelCall, OpKind, Timer, Wait};
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes of text for one token: a rule of thumb for English prose, given by OpenAI for its own
/// tokenizers ("about four characters"). Other languages take more tokens for the same bytes.
pub const BYTES_A_TOKEN: usize = 4;

/// From `least` to `most`, both included; without `most` nothing bounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// At least.
    pub least: u64,
    /// At most.
    pub most: Option<u64>,
}

impl Default for Span {
    fn default() -> Self {
        Self::exactly(0)
    }
}

impl Span {
    /// This much and nothing else.
    pub fn exactly(amount: u64) -> Self {
        Self {
            least: amount,
            most: Some(amount),
        }
    }

    /// Nothing, or up to this much.
    pub fn up_to(most: Option<u64>) -> Self {
        Self { least: 0, most }
    }

    /// One after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_add(other.least),
            most: self
                .most
                .zip(other.most)
                .map(|(one, two)| one.saturating_add(two)),
        }
    }

    /// One of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.zip(other.most).map(|(one, two)| one.max(two)),
        }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            least: self.least.saturating_mul(times),
            most: match times {
                0 => Some(0),
                _ => self.most.map(|most| most.saturating_mul(times)),
            },
        }
    }

    /// The same, or nothing at all.
    #[must_use]
    pub fn maybe(self) -> Self {
        Self { least: 0, ..self }
    }
}

/// What is asked of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelUse {
    /// Calls, further attempts among them.
    pub calls: Span,
    /// Tokens that are sent: `BYTES_A_TOKEN` bytes each. Without a reference in them the texts are
    /// known; what a template puts in has no bound.
    pub prompt_tokens: Span,
    /// Tokens that are answered.
    pub answer_tokens: Span,
}

/// What something costs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Durable steps: ops that a run comes to.
    pub steps: Span,
    /// By the class or the name of the model.
    pub models: BTreeMap<String, ModelUse>,
    /// Milliseconds.
    pub time_ms: Span,
    /// Questions that a person answers.
    pub questions: Span,
    /// Runs of other workflows; what they cost is not in here.
    pub other_runs: Span,
}

impl Cost {
    /// What one visit of an op costs.
    pub(crate) fn of(kind: &OpKind) -> Self {
        let mut cost = Self {
            steps: Span::exactly(1),
            ..Self::default()
        };
        match kind {
            OpKind::Call(call) => cost.call(call),
            OpKind::Wait(wait) => cost.wait(wait),
            OpKind::Invoke(invoke) => {
                cost.other_runs = Span::exactly(1);
                cost.time_ms = Span::up_to(invoke.timeout_ms);
            }
            _ => {}
        }
        cost
    }

    fn call(&mut self, call: &Call) {
        let attempts = u64::from(call.retry.attempts_max);
        let pauses = attempts
            .saturating_sub(1)
            .saturating_mul(call.retry.delay_ms_max);
        let trying = attempts.saturating_mul(call.timeout_ms);
        self.time_ms = Span::up_to(Some(trying.saturating_add(pauses)));
        let Effect::Model(model) = &call.effect;
        let calls = Span {
            least: 1,
            most: Some(attempts),
        };
        let answer = model.max_output_tokens.map(u64::from);
        let usage = ModelUse {
            calls,
            prompt_tokens: per_call(prompt_tokens(model), attempts),
            answer_tokens: per_call(Span::up_to(answer), attempts),
        };
        self.models.insert(model.model.clone(), usage);
    }

    fn wait(&mut self, wait: &Wait) {
        self.questions = Span::exactly(u64::from(wait.question.is_some()));
        let longest = match &wait.timer {
            Some(Timer::After(ms)) => Some(*ms),
            Some(Timer::Until(_)) | None => None,
        };
        self.time_ms = match (&wait.question, longest) {
            (None, Some(ms)) => Span::exactly(ms),
            (_, most) => Span::up_to(most),
        };
    }

    /// One after the other.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.time_ms = self.time_ms.and(other.time_ms);
        self.beside(other);
        self
    }

    /// Adds what is done at the same time: everything but the time.
    pub(crate) fn beside(&mut self, other: &Self) {
        self.steps = self.steps.and(other.steps);
        self.questions = self.questions.and(other.questions);
        self.other_runs = self.other_runs.and(other.other_runs);
        for (model, usage) in &other.models {
            let own = self.models.entry(model.clone()).or_default();
            own.calls = own.calls.and(usage.calls);
            own.prompt_tokens = own.prompt_tokens.and(usage.prompt_tokens);
            own.answer_tokens = own.answer_tokens.and(usage.answer_tokens);
        }
    }

    /// One of the two.
    #[must_use]
    pub(crate) fn or(mut self, other: &Self) -> Self {
        let names: Vec<String> = other.models.keys().cloned().collect();
        for model in names {
            self.models.entry(model).or_default();
        }
        for (model, own) in &mut self.models {
            let usage = other.models.get(model).copied().unwrap_or_default();
            own.calls = own.calls.or(usage.calls);
            own.prompt_tokens = own.prompt_tokens.or(usage.prompt_tokens);
            own.answer_tokens = own.answer_tokens.or(usage.answer_tokens);
        }
        self.steps = self.steps.or(other.steps);
        self.time_ms = self.time_ms.or(other.time_ms);
        self.questions = self.questions.or(other.questions);
        self.other_runs = self.other_runs.or(other.other_runs);
        self
    }

    /// Every span changed alike.
    #[must_use]
    pub(crate) fn each(mut self, change: impl Fn(Span) -> Span) -> Self {
        for usage in self.models.values_mut() {
            usage.calls = change(usage.calls);
            usage.prompt_tokens = change(usage.prompt_tokens);
            usage.answer_tokens = change(usage.answer_tokens);
        }
        self.steps = change(self.steps);
        self.time_ms = change(self.time_ms);
        self.questions = change(self.questions);
        self.other_runs = change(self.other_runs);
        self
    }
}

/// The span of one call, for one call at least and so many at most.
fn per_call(one: Span, attempts: u64) -> Span {
    Span {
        most: one.times(attempts).most,
        ..one
    }
}

fn prompt_tokens(model: &ModelCall) -> Span {
    let texts = [model.system.as_deref(), Some(model.prompt.as_str())];
    let parsed = texts.into_iter().flatten().map(Template::parse);
    let (mut bytes, mut is_fixed) = (0, model.output_schema.is_none());
    for template in parsed {
        let Ok(template) = template else { continue };
        is_fixed &= template.references().is_empty();
        bytes += template.fixed_bytes();
    }
    let least = bytes.div_ceil(BYTES_A_TOKEN) as u64;
    Span {
        least,
        most: is_fixed.then_some(least),
    }
}
