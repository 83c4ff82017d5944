//! Walks a Program from its entry to where the run ends or stays, one op after the other.
//!
//! The rules are those in the comments of `lattice_ir::program`, and where they are silent:
//! - Whatever an op is, a failure that is caught becomes its node's output, `{"error": ..}`; one
//!   that is not caught ends what the op stands in, the run or a branch, and leaves the node's
//!   output as it was.
//! - An expression that cannot be evaluated is a failure of kind `expression`; a value that is too
//!   large to be kept is one of kind `limit`. Neither is tried again.
//! - One visit more of an op than its ceiling allows is a failure of kind `limit` before the op does
//!   anything. A later visit of an op knows nothing of an earlier one but its node's output.
//! - An assign that deletes, a choice that does not keep its port, a split and an end leave the
//!   node's output as it was.
//!
//! Branches are walked one after the other, in the order in which they were drawn, those without
//! anything in them first. What only time decides, a log says (see `told`); where there is no log,
//! a branch is over before the next one begins, and one that waits for nobody is over when its time
//! is up and the others have not decided the join.

use super::called::{Callees, Programs, alone, nobody};
use super::fan::Fan;
use super::frame::Frame;
use super::joins::{Verdict, verdict};
use super::maps::{Batch, Gathered};
use super::outcome::{Branch, Outcome};
use super::told::{Refused, Stop, Told};
use super::values;
use super::visits::{stage_of, steps_max, within};
use super::world::World;
use lattice_expr::Scope;
use lattice_ir::{Op, OpKind, Program};
use lattice_journal::{Failure, FailureKind, RunStatus, Usage};
use lattice_model::{BranchId, Millis, NodeId, OpId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::mem;

/// What a run of the Program comes to in this world. The Program has to verify; on a way back that
/// nothing bounds, or at an op that is not there, the run ends as failed with `configuration` at no
/// node.
pub fn interpret(program: &Program, world: &World) -> Outcome {
    interpret_family(&Programs::new(), program, world)
}

/// The same of a Program that calls others, and of those that they call.
pub fn interpret_family(programs: &Programs, program: &Program, world: &World) -> Outcome {
    alone(programs, program, world, 0).0
}

/// What a run comes to, and when its own timers have come there.
pub(super) fn walked(
    program: &Program,
    world: &World,
    told: Option<&Told>,
    callees: Callees<'_>,
) -> Result<(Outcome, Millis), Refused> {
    let mut walk = Walk::new(program, world, told, callees);
    let left = walk.walk(program.entry, None, None)?;
    let now = walk.frame.now;
    Ok((walk.over(left), now))
}

/// What a run comes to that does the items of one batch and nothing else, and when.
pub(super) fn walked_batch(
    program: &Program,
    world: &World,
    told: Option<&Told>,
    callees: Callees<'_>,
    batch: &Batch,
) -> Result<(Outcome, Millis), Refused> {
    let mut walk = Walk::new(program, world, told, callees);
    walk.begin_as(batch);
    let left = walk.batch(batch)?;
    let now = walk.frame.now;
    Ok((walk.over(left), now))
}

/// A run that ends with a failure at no node before it has done anything.
pub(super) fn refused(program: &Program, world: &World, failure: Failure) -> (Outcome, Millis) {
    let mut walk = Walk::new(program, world, None, &nobody);
    let now = walk.frame.now;
    (walk.over(Left::Failed(failure, None)), now)
}

/// What the run of the Program that left a log must have come to, or why it cannot have left it.
pub fn explain(
    program: &Program,
    world: &World,
    told: &Told,
    callees: Callees<'_>,
) -> Result<Outcome, Refused> {
    walked(program, world, Some(told), callees).map(|(outcome, _)| outcome)
}

/// The same of a run that is a batch of a map.
pub fn explain_batch(
    program: &Program,
    world: &World,
    told: &Told,
    callees: Callees<'_>,
    batch: &Batch,
) -> Result<Outcome, Refused> {
    let walked = walked_batch(program, world, Some(told), callees, batch);
    walked.map(|(outcome, _)| outcome)
}

/// What a visit of an op leads to.
pub(super) enum Step {
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
    pub fn go(to: OpId, output: Value) -> Self {
        let output = Some(output);
        Self::Go { to, output }
    }
}

/// How far a walk through a branch, or through the run, came.
#[derive(Debug)]
pub(super) enum Left {
    /// To the join of its split.
    Joined,
    /// To a failure that nothing caught, at a node.
    Failed(Failure, Option<NodeId>),
    /// To the end of the run.
    Ended(Value),
    /// To a wait that nothing ends.
    Stays,
    /// To where the log says that something else ended it.
    Cut,
}

pub(super) struct Walk<'w> {
    pub program: &'w Program,
    pub world: &'w World,
    pub told: Option<&'w Told>,
    pub callees: Callees<'w>,
    pub run: Value,
    pub frame: Frame,
    /// Splits whose branches were walked and whose join was not visited, the innermost last.
    pub fans: Vec<Fan>,
    /// The map whose items were walked and whose gather was not visited.
    pub gathered: Option<Gathered>,
    pub answers: BTreeMap<NodeId, VecDeque<Value>>,
    /// How often the run came to each op, by its name.
    pub visits: BTreeMap<String, u32>,
    pub usage: Usage,
    pub calls: BTreeMap<String, u32>,
    pub branches: BTreeMap<BranchId, Branch>,
    /// The branches in the order in which they were walked.
    pub begun: Vec<BranchId>,
}

impl<'w> Walk<'w> {
    fn new(
        program: &'w Program,
        world: &'w World,
        told: Option<&'w Told>,
        callees: Callees<'w>,
    ) -> Self {
        let answers = world.answers.iter();
        let answers =
            answers.map(|(node, values)| (node.clone(), values.iter().cloned().collect()));
        Self {
            run: json!({
                "id": world.run_id,
                "workflow": program.workflow,
                "startedAt": world.started_at,
            }),
            frame: Frame::of_run(world.started_at, program.variables.clone()),
            answers: answers.collect(),
            fans: Vec::new(),
            gathered: None,
            visits: BTreeMap::new(),
            usage: Usage::default(),
            calls: BTreeMap::new(),
            branches: BTreeMap::new(),
            begun: Vec::new(),
            program,
            world,
            told,
            callees,
        }
    }

    /// Walks from an op until a join is reached, or until what the log says has been done.
    pub fn walk(
        &mut self,
        from: OpId,
        until: Option<OpId>,
        stop: Option<Stop>,
    ) -> Result<Left, Refused> {
        let mut at = from;
        let steps_max = steps_max(self.program);
        for ended in 0..=steps_max {
            if Some(at) == until {
                return Ok(Left::Joined);
            }
            let Some(op) = self.program.ops.get(at.index()) else {
                break;
            };
            if ended == steps_max {
                break;
            }
            let stage = self.come(op);
            if let Some(stop) = stop.filter(|stop| stop.ended == ended) {
                self.stop_at(op, &stage, stop)?;
                return Ok(Left::Cut);
            }
            match self.visit(op, &stage)? {
                Step::Go { to, output } => {
                    if let Some(output) = output {
                        self.frame.give(&op.node, output);
                    }
                    at = to;
                }
                Step::Fail(failure, Some(to)) => {
                    let error = json!({ "kind": failure.kind, "message": failure.message });
                    self.frame.give(&op.node, json!({ "error": error }));
                    at = to;
                }
                Step::Fail(failure, None) => {
                    return Ok(Left::Failed(failure, Some(op.node.clone())));
                }
                Step::End(output) => return Ok(Left::Ended(output)),
                Step::Stay => return Ok(Left::Stays),
            }
        }
        let failure = Failure::new(
            FailureKind::Configuration,
            "the ways of the Program go round",
        );
        Ok(Left::Failed(failure, None))
    }

    /// Begins a visit of an op. Gives the name of its stage.
    pub fn come(&mut self, op: &Op) -> String {
        let item = self.frame.index();
        let visits = self.visits.entry(within(&op.name, item)).or_default();
        *visits = visits.saturating_add(1);
        let stage = stage_of(&op.name, item, *visits);
        self.frame.path.push(stage.clone());
        stage
    }

    /// Whether the visit that began last is more than the op may have.
    fn is_beyond(&self, op: &Op) -> bool {
        let name = within(&op.name, self.frame.index());
        let visits = self.visits.get(&name).copied().unwrap_or(0);
        op.visits_max.is_some_and(|max| visits > max)
    }

    /// Does at an op only what the log says was done there before something else ended it.
    fn stop_at(&mut self, op: &Op, stage: &str, stop: Stop) -> Result<(), Refused> {
        if self.is_beyond(op) && stop.recorded > 0 {
            let text = format!("`{stage}` has an outcome and was one visit too many");
            return Err(Refused::new(text));
        }
        match &op.kind {
            OpKind::Call(call) => match self.call(stage, call, Some(stop.recorded)) {
                None => Ok(()),
                Some(_) => Err(Refused::new(format!(
                    "`{stage}` was skipped after {} outcomes, and fewer end it",
                    stop.recorded
                ))),
            },
            OpKind::Join(join) => {
                let fan = self.fans.pop().unwrap_or_default();
                match verdict(join.policy, &fan.ends()) {
                    Verdict::Undecided => Ok(()),
                    _ => Err(Refused::new(format!(
                        "`{}` was skipped and is decided",
                        op.name
                    ))),
                }
            }
            // It ends behind the last of its items, not with it: the time of a branch may be up between
            // the two.
            OpKind::Gather(_) => {
                self.gathered = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub fn visit(&mut self, op: &Op, stage: &str) -> Result<Step, Refused> {
        if self.is_beyond(op) {
            let failure = Failure::new(FailureKind::Limit, "the ceiling of visits is reached");
            return Ok(Step::Fail(failure, op.kind.on_error()));
        }
        Ok(match &op.kind {
            OpKind::Call(call) => match self.call(stage, call, None) {
                Some(step) => step,
                None => Step::Stay,
            },
            OpKind::Eval(eval) => self.eval(eval),
            OpKind::Assign(assign) => self.assign(assign),
            OpKind::Choice(choice) => self.choose(choice),
            OpKind::Wait(wait) => self.wait(stage, &op.node, wait),
            OpKind::Split(split) => self.split(stage, split)?,
            OpKind::Join(join) => self.join(stage, join)?,
            OpKind::Map(map) => self.map(stage, map)?,
            OpKind::Gather(gather) => self.gather(stage, gather)?,
            OpKind::Invoke(invoke) => self.invoke(stage, invoke)?,
            OpKind::End(end) => match self.value(&end.output).and_then(values::kept) {
                Ok(output) => Step::End(output),
                Err(failure) => Step::Fail(failure, None),
            },
        })
    }

    fn over(&mut self, left: Left) -> Outcome {
        let (status, output, failure) = match left {
            Left::Ended(output) => (RunStatus::Completed, Some(output), None),
            Left::Failed(failure, node) => (RunStatus::Failed, None, Some((failure.kind, node))),
            Left::Stays | Left::Joined | Left::Cut => (RunStatus::Waiting, None, None),
        };
        Outcome {
            status,
            output,
            failure,
            outputs: mem::take(&mut self.frame.outputs),
            variables: mem::take(&mut self.frame.variables),
            path: mem::take(&mut self.frame.path),
            branches: mem::take(&mut self.branches),
            usage: self.usage,
            calls: mem::take(&mut self.calls),
        }
    }

    pub fn scope(&self) -> Scope<'_> {
        let (variables, seen) = (&self.frame.variables, &self.frame.seen);
        let scope = Scope::new(&self.world.input, variables, seen, &self.run);
        match &self.frame.item {
            Some((item, index)) => scope.with_item(item, u64::from(*index)),
            None => scope,
        }
    }

    pub fn value(&self, value: &Value) -> Result<Value, Failure> {
        values::value(&self.scope(), value)
    }

    pub fn text(&self, template: &str) -> Result<String, Failure> {
        values::text(&self.scope(), template)
    }
}
