//! A Program with every expression parsed once: what the engine runs.

use crate::concurrency::Concurrency;
use crate::program::{Effect, Op, OpKind, Program, Test, TransformLanguage, Way};
use crate::value_template::ValueTemplate;
use crate::verify::{VerifyError, verify};
use lattice_expr::{Condition, ExprError, Reference, Schema, Template, Transform, TransformKind};
use lattice_model::{OpId, ProgramHash};
use serde_json::Value;
use std::sync::Arc;

/// A verified Program, ready to run. Cheap to share.
#[derive(Debug)]
pub struct Plan {
    program: Arc<Program>,
    hash: ProgramHash,
    ops: Vec<PlannedOp>,
    /// Whether a way leads back to the op.
    loops: Vec<bool>,
    /// The map in whose body the op stands.
    bodies: Vec<Option<OpId>>,
    input: Option<Schema>,
    /// The key of the limit on open runs.
    limit_key: Option<Template>,
}

/// The parsed expressions of one op.
#[derive(Debug)]
pub enum PlannedOp {
    /// Of a call to a model.
    Model {
        /// The instructions.
        system: Option<Template>,
        /// The prompt.
        prompt: Template,
        /// What the answer must be.
        schema: Option<Schema>,
    },
    /// Of an eval.
    Eval {
        /// What to compute on.
        input: ValueTemplate,
        /// How.
        transform: Option<Transform>,
    },
    /// Of an assign.
    Assign(Option<ValueTemplate>),
    /// Of a choice.
    Choice(Vec<PlannedArm>),
    /// Of a wait.
    Wait {
        /// What is asked.
        question: Option<Template>,
        /// The moment that is waited for.
        until: Option<Template>,
    },
    /// Of a split, a join or a gather, which have none.
    Branches,
    /// Of a map: the list.
    Map(ValueTemplate),
    /// Of an invoke: the input.
    Invoke(ValueTemplate),
    /// Of an end.
    End(ValueTemplate),
}

/// An arm with its test parsed.
#[derive(Debug)]
pub struct PlannedArm {
    /// The test.
    pub test: PlannedTest,
    /// The way.
    pub way: Way,
}

/// A parsed test.
#[derive(Debug)]
pub enum PlannedTest {
    /// A CEL expression.
    Cel(Condition),
    /// A template and the value that it has to equal.
    Equals(Template, Value),
}

impl Plan {
    /// Verifies the Program and parses its expressions. The errors name the op.
    pub fn new(program: Arc<Program>) -> Result<Self, Vec<VerifyError>> {
        verify(&program)?;
        let hash = program.hash().map_err(|error| {
            vec![VerifyError::Program {
                reason: format!("cannot be hashed: {error}"),
            }]
        })?;
        let mut errors = Vec::new();
        let mut ops = Vec::with_capacity(program.ops.len());
        for op in &program.ops {
            match PlannedOp::parse(op) {
                Ok(planned) => ops.push(planned),
                Err(error) => errors.push(VerifyError::expression(op, &error)),
            }
        }
        let input = match program.input.as_ref().map(Schema::parse).transpose() {
            Ok(schema) => schema,
            Err(error) => {
                errors.push(VerifyError::Program {
                    reason: format!("input schema: {error}"),
                });
                None
            }
        };
        let limit = program.concurrency.as_ref();
        let limit_key = limit.map_or(Ok(None), Concurrency::template);
        // INVARIANT: `verify` has read the key before.
        let limit_key = limit_key.unwrap_or_default();
        if errors.is_empty() {
            return Ok(Self {
                limit_key,
                loops: crate::loops::of(&program),
                bodies: crate::map::bodies(&program),
                program,
                hash,
                ops,
                input,
            });
        }
        Err(errors)
    }

    /// The Program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The Program's name.
    pub fn hash(&self) -> ProgramHash {
        self.hash
    }

    /// The longest time that one of its effects may take, in milliseconds; 0 if it has none.
    pub fn longest_call_ms(&self) -> u64 {
        let longest = |op: &Op| match &op.kind {
            OpKind::Call(call) => Some(call.timeout_ms),
            _ => None,
        };
        self.program
            .ops
            .iter()
            .filter_map(longest)
            .max()
            .unwrap_or(0)
    }

    /// The schema of the trigger input.
    pub fn input_schema(&self) -> Option<&Schema> {
        self.input.as_ref()
    }

    /// What makes the key of the limit on open runs, if it has one.
    pub fn limit_key(&self) -> Option<&Template> {
        self.limit_key.as_ref()
    }

    /// An op and its parsed expressions.
    pub fn op(&self, id: OpId) -> Option<(&Op, &PlannedOp)> {
        Some((self.program.ops.get(id.index())?, self.ops.get(id.index())?))
    }

    /// Whether the node asks a question.
    pub fn asks(&self, node: &lattice_model::NodeId) -> bool {
        let asks = |op: &Op| matches!(&op.kind, OpKind::Wait(wait) if wait.question.is_some());
        let mut ops = self.program.ops.iter();
        ops.any(|op| op.node == *node && asks(op))
    }

    /// Whether the node stands in the body of a map: what it asks, it asks for each item.
    pub fn is_in_body(&self, node: &lattice_model::NodeId) -> bool {
        let mut ops = self.program.ops.iter().zip(&self.bodies);
        ops.any(|(op, around)| op.node == *node && around.is_some())
    }

    /// Whether the op may be visited more than once.
    pub fn is_in_loop(&self, id: OpId) -> bool {
        self.loops.get(id.index()).copied().unwrap_or(false)
    }

    /// The map in whose body the op stands.
    pub fn map_around(&self, id: OpId) -> Option<OpId> {
        self.bodies.get(id.index()).copied().flatten()
    }

    /// Everything that the expressions in the body of a map refer to.
    pub fn body_references(&self, map: OpId) -> impl Iterator<Item = &Reference> {
        let ops = self.ops.iter().zip(&self.bodies);
        let inside = ops.filter(move |(_, around)| **around == Some(map));
        inside.flat_map(|(op, _)| op.references())
    }

    /// The name of an op, which is the identity of its first visit.
    pub fn name(&self, id: OpId) -> Option<&str> {
        self.program.ops.get(id.index()).map(|op| op.name.as_str())
    }
}

impl PlannedOp {
    fn parse(op: &Op) -> Result<Self, ExprError> {
        Ok(match &op.kind {
            OpKind::Call(call) => {
                let Effect::Model(model) = &call.effect;
                Self::Model {
                    system: model.system.as_deref().map(Template::parse).transpose()?,
                    prompt: Template::parse(&model.prompt)?,
                    schema: model
                        .output_schema
                        .as_ref()
                        .map(Schema::parse)
                        .transpose()?,
                }
            }
            OpKind::Eval(eval) => Self::Eval {
                input: ValueTemplate::parse(&eval.input)?,
                transform: eval.transform.as_ref().map(parse_transform).transpose()?,
            },
            OpKind::Assign(assign) => Self::Assign(
                assign
                    .value
                    .as_ref()
                    .map(ValueTemplate::parse)
                    .transpose()?,
            ),
            OpKind::Choice(choice) => Self::Choice(
                choice
                    .arms
                    .iter()
                    .map(|arm| {
                        Ok(PlannedArm {
                            test: parse_test(&arm.test)?,
                            way: arm.way.clone(),
                        })
                    })
                    .collect::<Result<_, ExprError>>()?,
            ),
            OpKind::Wait(wait) => Self::Wait {
                question: wait
                    .question
                    .as_ref()
                    .map(|question| Template::parse(&question.text))
                    .transpose()?,
                until: match &wait.timer {
                    Some(crate::Timer::Until(text)) => Some(Template::parse(text)?),
                    _ => None,
                },
            },
            OpKind::Split(_) | OpKind::Join(_) | OpKind::Gather(_) => Self::Branches,
            OpKind::Map(map) => Self::Map(ValueTemplate::parse(&map.items)?),
            OpKind::Invoke(invoke) => Self::Invoke(ValueTemplate::parse(&invoke.input)?),
            OpKind::End(end) => Self::End(ValueTemplate::parse(&end.output)?),
        })
    }

    /// Everything that the op's expressions refer to.
    pub fn references(&self) -> Vec<&Reference> {
        fn all(template: &Option<Template>) -> impl Iterator<Item = &Reference> {
            template.iter().flat_map(Template::references)
        }
        match self {
            Self::Model { system, prompt, .. } => all(system).chain(prompt.references()).collect(),
            Self::Eval { input, .. } => input.references(),
            Self::Assign(value) => value.iter().flat_map(ValueTemplate::references).collect(),
            Self::Choice(arms) => arms.iter().flat_map(|arm| arm.test.references()).collect(),
            Self::Wait { question, until } => all(question).chain(all(until)).collect(),
            Self::Branches => Vec::new(),
            Self::Map(items) => items.references(),
            Self::Invoke(input) => input.references(),
            Self::End(output) => output.references(),
        }
    }
}

impl PlannedTest {
    /// Everything that the test refers to.
    pub fn references(&self) -> &[Reference] {
        match self {
            Self::Cel(condition) => condition.references(),
            Self::Equals(template, _) => template.references(),
        }
    }
}

fn parse_transform(transform: &crate::Transform) -> Result<Transform, ExprError> {
    match transform.language {
        TransformLanguage::Jmespath => {
            Transform::parse(TransformKind::JmesPath, &transform.expression)
        }
        TransformLanguage::Jsonpath => {
            Transform::parse(TransformKind::JsonPath, &transform.expression)
        }
    }
}

fn parse_test(test: &Test) -> Result<PlannedTest, ExprError> {
    Ok(match test {
        Test::Cel(text) => PlannedTest::Cel(Condition::parse(text)?),
        Test::Equals { target, value } => {
            PlannedTest::Equals(Template::parse(target)?, value.clone())
        }
    })
}
