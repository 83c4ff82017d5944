//! What a visit of each op does that has no branches.

use super::interpret::{Step, Walk};
use super::values::{self, expression, kept, read_answer};
use super::visits::within;
use lattice_expr::{Condition, ExprError, Template, Transform, TransformKind};
use lattice_ir::{
    Assign, Call, Choice, Effect, Eval, QuestionTemplate, Test, Timer, TransformLanguage, Wait,
};
use lattice_journal::{Failure, FailureKind, Question};
use lattice_model::{Millis, NodeId, canonical_len, limits};
use serde_json::{Value, json};

impl Walk<'_> {
    /// Calls until it has come to something; `None` = it was given so many outcomes at most, and
    /// has come to nothing with them.
    pub fn call(&mut self, stage: &str, call: &Call, outcomes_max: Option<u32>) -> Option<Step> {
        if outcomes_max == Some(0) {
            return None;
        }
        let Effect::Model(model) = &call.effect;
        let prompt = match values::prompt(&self.scope(), model) {
            Ok(prompt) => prompt,
            Err(failure) => return Some(Step::Fail(failure, call.on_error)),
        };
        let lost = self.world.lost.get(stage).copied().unwrap_or(0);
        let attempts_max = call.retry.attempts_max.saturating_sub(lost).max(1);
        let mut failures = 0;
        while outcomes_max != Some(failures) {
            let (result, usage) = match (self.world.calls)(stage, failures, &prompt) {
                Ok(done) => (read_answer(model, done.text), done.usage),
                Err((failure, usage)) => (Err(failure), usage),
            };
            self.usage = self.usage.plus(usage);
            *self.calls.entry(stage.to_owned()).or_default() += 1;
            match result {
                Ok(output) => return Some(Step::go(call.next, output)),
                Err(failure) if failure.retryable && failures + 1 < attempts_max => {
                    failures += 1;
                }
                Err(failure) => {
                    let timed_out = failure.kind == FailureKind::Timeout;
                    let to = call.on_timeout.filter(|_| timed_out).or(call.on_error);
                    return Some(Step::Fail(failure, to));
                }
            }
        }
        None
    }

    pub fn eval(&self, eval: &Eval) -> Step {
        let computed = self.value(&eval.input).and_then(|input| {
            let Some(transform) = &eval.transform else {
                return kept(input);
            };
            let kind = match transform.language {
                TransformLanguage::Jmespath => TransformKind::JmesPath,
                TransformLanguage::Jsonpath => TransformKind::JsonPath,
            };
            let parsed = Transform::parse(kind, &transform.expression);
            let output = parsed.and_then(|transform| transform.evaluate(&input));
            output.map_err(expression).and_then(kept)
        });
        match (computed, &eval.fallback) {
            (Ok(output), _) => Step::go(eval.next, output),
            (Err(_), Some(fallback)) => Step::go(eval.next, fallback.clone()),
            (Err(failure), None) => Step::Fail(failure, eval.on_error),
        }
    }

    pub fn assign(&mut self, assign: &Assign) -> Step {
        let Some(value) = &assign.value else {
            self.frame.set(&assign.variable, None);
            return Step::Go {
                to: assign.next,
                output: None,
            };
        };
        match self.value(value).and_then(kept) {
            Ok(value) => {
                self.frame.set(&assign.variable, Some(value.clone()));
                Step::go(assign.next, value)
            }
            Err(failure) => Step::Fail(failure, assign.on_error),
        }
    }

    pub fn choose(&self, choice: &Choice) -> Step {
        let mut taken = None;
        for arm in &choice.arms {
            match self.holds(&arm.test) {
                Ok(false) => {}
                Ok(true) => {
                    taken = Some(&arm.way);
                    break;
                }
                Err(error) => return Step::Fail(expression(error), choice.on_error),
            }
        }
        match taken.or(choice.otherwise.as_ref()) {
            Some(way) => Step::Go {
                to: way.to,
                output: choice.keeps_port.then(|| Value::from(way.port.clone())),
            },
            None => {
                let message = "no arm of the choice holds and it has no other way";
                Step::Fail(
                    Failure::new(FailureKind::Expression, message),
                    choice.on_error,
                )
            }
        }
    }

    fn holds(&self, test: &Test) -> Result<bool, ExprError> {
        match test {
            Test::Cel(text) => Condition::parse(text)?.evaluate(&self.scope()),
            Test::Equals { target, value } => {
                let found = Template::parse(target)?.render_value(&self.scope())?;
                Ok(found == *value)
            }
        }
    }

    pub fn wait(&mut self, stage: &str, node: &NodeId, wait: &Wait) -> Step {
        let question = wait
            .question
            .as_ref()
            .map(|question| self.question(question));
        let due = wait.timer.as_ref().map(|timer| self.due(timer));
        let (question, due) = match (question.transpose(), due.transpose()) {
            (Ok(question), Ok(due)) => (question, due),
            (Err(failure), _) | (_, Err(failure)) => return Step::Fail(failure, wait.on_error),
        };
        let asked = question
            .as_ref()
            .filter(|_| !self.world.late.contains(stage));
        let answer = asked.and_then(|asked| self.answer(node, asked));
        if let (Some(answer), Some(to)) = (answer, wait.on_answer) {
            return Step::go(to, answer);
        }
        let (Some(due), Some(to)) = (due, wait.on_timer) else {
            return Step::Stay;
        };
        // Something around it is over before, so this timer never fires.
        if self.frame.horizon.is_some_and(|horizon| due > horizon) {
            return Step::Stay;
        }
        self.frame.now = self.frame.now.max(due);
        match question {
            Some(_) => Step::go(to, json!({ "timedOut": true })),
            None => Step::go(to, json!({ "waitedUntil": due })),
        }
    }

    fn question(&self, question: &QuestionTemplate) -> Result<Question, Failure> {
        let text = self.text(&question.text)?;
        // As its JSON has it, with some room for the names of an option's fields.
        let bytes_of = |text: &str| canonical_len(&Value::from(text));
        let options = question.options.iter().map(|option| {
            let more = option.description.as_deref().map_or(0, bytes_of);
            bytes_of(&option.label) + canonical_len(&option.value) + more + 64
        });
        let bytes = bytes_of(&text) + options.sum::<usize>();
        if bytes > limits::QUESTION_BYTES_MAX {
            return Err(Failure::new(FailureKind::Limit, "too much to ask"));
        }
        let (options, choice) = (question.options.clone(), question.choice);
        Ok(Question {
            text,
            options,
            choice,
        })
    }

    fn due(&self, timer: &Timer) -> Result<Millis, Failure> {
        match timer {
            Timer::After(duration_ms) => Ok(self.frame.now.plus(*duration_ms)),
            Timer::Until(template) => {
                let text = self.text(template)?;
                Millis::from_rfc3339(&text).ok_or_else(|| {
                    Failure::new(FailureKind::Expression, format!("`{text}` is no moment"))
                })
            }
        }
    }

    /// The first acceptable answer that came for the node and that no visit before took. Those before
    /// it are refused for good.
    fn answer(&mut self, node: &NodeId, question: &Question) -> Option<Value> {
        let asked_by = NodeId::new(within(node.as_str(), self.frame.index()));
        let came = self.answers.get_mut(&asked_by)?;
        while let Some(answer) = came.pop_front() {
            if let Ok(output) = question.accept(&answer) {
                return Some(output);
            }
        }
        None
    }
}
