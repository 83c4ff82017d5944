//! Walks a Program from its entry to where the run ends or stays, one op after the other.
//!
//! The rules are those in the comments of `lattice_ir::program`, and where they are silent:
//! - Whatever an op is, a failure that is caught becomes its node's output, `{"error": ..}`; one
//!   that is not caught ends the run and leaves the node's output as it was.
//! - An expression that cannot be evaluated is a failure of kind `expression`; a value that is too
//!   large to be kept is one of kind `limit`. Neither is tried again.
//! - An assign that deletes, a choice that does not keep its port and an end leave the node's
//!   output as it was.

use super::outcome::Outcome;
use super::values::{self, expression, kept, read_answer};
use super::world::World;
use lattice_expr::{Condition, ExprError, Scope, Template, Transform, TransformKind};
use lattice_ir::{
    Assign, Call, Choice, Effect, Eval, Op, OpKind, Program, QuestionTemplate, Test, Timer,
    TransformLanguage, Wait,
};
use lattice_journal::{Failure, FailureKind, Question, RunStatus, Usage};
use lattice_model::{Millis, NodeId, OpId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// What a run of the Program comes to in this world. The Program has to verify; on a way back, or at
/// an op that is not there, the run ends as failed with `configuration` at no node.
pub fn interpret(program: &Program, world: &World) -> Outcome {
    let mut walk = Walk::new(program, world);
    let mut at = program.entry;
    // INVARIANT: a verified Program has no way back, so no walk is longer than its list of ops.
    for _ in 0..program.ops.len() {
        let Some(op) = program.ops.get(at.index()) else {
            break;
        };
        walk.path.push(op.name.clone());
        match walk.visit(op) {
            Step::Go { to, output } => {
                if let Some(output) = output {
                    walk.outputs.insert(op.node.to_string(), output);
                }
                at = to;
            }
            Step::Fail(failure, Some(to)) => {
                let error = json!({ "kind": failure.kind, "message": failure.message });
                let output = json!({ "error": error });
                walk.outputs.insert(op.node.to_string(), output);
                at = to;
            }
            Step::Fail(failure, None) => return walk.failed(failure.kind, Some(op.node.clone())),
            Step::End(output) => return walk.over(RunStatus::Completed, Some(output), None),
            Step::Stay => return walk.over(RunStatus::Waiting, None, None),
        }
    }
    walk.failed(FailureKind::Configuration, None)
}

/// What a visit of an op leads to.
enum Step {
    /// On, with an output for the node if there is one.
    Go { to: OpId, output: Option<Value> },
    /// A failure, and where it is caught.
    Fail(Failure, Option<OpId>),
    /// The end of the run.
    End(Value),
    /// Nowhere: nobody answers and no timer runs.
    Stay,
}

impl Step {
    fn go(to: OpId, output: Value) -> Self {
        let output = Some(output);
        Self::Go { to, output }
    }
}

struct Walk<'w> {
    world: &'w World,
    run: Value,
    now: Millis,
    outputs: BTreeMap<String, Value>,
    variables: BTreeMap<String, Value>,
    answers: BTreeMap<NodeId, VecDeque<Value>>,
    path: Vec<String>,
    usage: Usage,
    calls: BTreeMap<String, u32>,
}

impl<'w> Walk<'w> {
    fn new(program: &Program, world: &'w World) -> Self {
        let answers = world.answers.iter();
        let answers =
            answers.map(|(node, values)| (node.clone(), values.iter().cloned().collect()));
        Self {
            world,
            run: json!({
                "id": world.run_id,
                "workflow": program.workflow,
                "startedAt": world.started_at,
            }),
            now: world.started_at,
            outputs: BTreeMap::new(),
            variables: program.variables.clone(),
            answers: answers.collect(),
            path: Vec::new(),
            usage: Usage::default(),
            calls: BTreeMap::new(),
        }
    }

    fn failed(self, kind: FailureKind, node: Option<NodeId>) -> Outcome {
        self.over(RunStatus::Failed, None, Some((kind, node)))
    }

    fn over(
        self,
        status: RunStatus,
        output: Option<Value>,
        failure: Option<(FailureKind, Option<NodeId>)>,
    ) -> Outcome {
        let outputs = self.outputs.into_iter();
        Outcome {
            status,
            output,
            failure,
            outputs: outputs
                .map(|(id, value)| (NodeId::new(id), value))
                .collect(),
            variables: self.variables,
            path: self.path,
            usage: self.usage,
            calls: self.calls,
        }
    }

    fn visit(&mut self, op: &Op) -> Step {
        match &op.kind {
            OpKind::Call(call) => self.call(&op.name, call),
            OpKind::Eval(eval) => self.eval(eval),
            OpKind::Assign(assign) => self.assign(assign),
            OpKind::Choice(choice) => self.choose(choice),
            OpKind::Wait(wait) => self.wait(&op.node, wait),
            OpKind::End(end) => match self.value(&end.output).and_then(kept) {
                Ok(output) => Step::End(output),
                Err(failure) => Step::Fail(failure, None),
            },
        }
    }

    fn call(&mut self, stage: &str, call: &Call) -> Step {
        let Effect::Model(model) = &call.effect;
        let prompt = match values::prompt(&self.scope(), model) {
            Ok(prompt) => prompt,
            Err(failure) => return Step::Fail(failure, call.on_error),
        };
        let mut failures = 0;
        loop {
            let (result, usage) = match (self.world.calls)(stage, failures, &prompt) {
                Ok(done) => (read_answer(model, done.text), done.usage),
                Err((failure, usage)) => (Err(failure), usage),
            };
            self.usage = self.usage.plus(usage);
            *self.calls.entry(stage.to_owned()).or_default() += 1;
            match result {
                Ok(output) => return Step::go(call.next, output),
                Err(failure) if failure.retryable && failures + 1 < call.retry.attempts_max => {
                    failures += 1;
                }
                Err(failure) => {
                    let timed_out = failure.kind == FailureKind::Timeout;
                    let to = call.on_timeout.filter(|_| timed_out).or(call.on_error);
                    return Step::Fail(failure, to);
                }
            }
        }
    }

    fn eval(&self, eval: &Eval) -> Step {
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

    fn assign(&mut self, assign: &Assign) -> Step {
        let Some(value) = &assign.value else {
            self.variables.remove(&assign.variable);
            return Step::Go {
                to: assign.next,
                output: None,
            };
        };
        match self.value(value).and_then(kept) {
            Ok(value) => {
                self.variables
                    .insert(assign.variable.clone(), value.clone());
                Step::go(assign.next, value)
            }
            Err(failure) => Step::Fail(failure, assign.on_error),
        }
    }

    fn choose(&self, choice: &Choice) -> Step {
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

    fn wait(&mut self, node: &NodeId, wait: &Wait) -> Step {
        let question = wait
            .question
            .as_ref()
            .map(|question| self.question(question));
        let due = wait.timer.as_ref().map(|timer| self.due(timer));
        let (question, due) = match (question.transpose(), due.transpose()) {
            (Ok(question), Ok(due)) => (question, due),
            (Err(failure), _) | (_, Err(failure)) => return Step::Fail(failure, wait.on_error),
        };
        let answer = question.as_ref().and_then(|asked| self.answer(node, asked));
        if let (Some(answer), Some(to)) = (answer, wait.on_answer) {
            return Step::go(to, answer);
        }
        let (Some(due), Some(to)) = (due, wait.on_timer) else {
            return Step::Stay;
        };
        self.now = self.now.max(due);
        match question {
            Some(_) => Step::go(to, json!({ "timedOut": true })),
            None => Step::go(to, json!({ "waitedUntil": due })),
        }
    }

    fn question(&self, question: &QuestionTemplate) -> Result<Question, Failure> {
        Ok(Question {
            text: self.text(&question.text)?,
            options: question.options.clone(),
            choice: question.choice,
        })
    }

    fn due(&self, timer: &Timer) -> Result<Millis, Failure> {
        match timer {
            Timer::After(duration_ms) => Ok(self.now.plus(*duration_ms)),
            Timer::Until(template) => {
                let text = self.text(template)?;
                Millis::from_rfc3339(&text).ok_or_else(|| {
                    Failure::new(FailureKind::Expression, format!("`{text}` is no moment"))
                })
            }
        }
    }

    /// The first acceptable answer that came for the node. Those before it are refused for good.
    fn answer(&mut self, node: &NodeId, question: &Question) -> Option<Value> {
        let came = self.answers.get_mut(node)?;
        while let Some(answer) = came.pop_front() {
            if let Ok(output) = question.accept(&answer) {
                return Some(output);
            }
        }
        None
    }

    fn scope(&self) -> Scope<'_> {
        Scope::new(&self.world.input, &self.variables, &self.outputs, &self.run)
    }

    fn value(&self, value: &Value) -> Result<Value, Failure> {
        values::value(&self.scope(), value)
    }

    fn text(&self, template: &str) -> Result<String, Failure> {
        values::text(&self.scope(), template)
    }
}
