//! Walks the branches of a split, and joins them.

use super::frame::Frame;
use super::interpret::{Left, Step, Walk};
use super::joins::{self, Changes, Verdict, merge_changes, merge_outputs, verdict};
use super::outcome::{Branch, BranchEnd};
use super::told::{Refused, Said, SaidEnd, Told};
use super::values::kept;
use lattice_ir::{Join, JoinPolicy, OpKind, Split, SplitBranch};
use lattice_journal::{Failure, FailureKind};
use lattice_model::{BranchId, Millis, StageId};
use serde_json::Value;
use std::mem;

/// The branches of a split, as far as they came.
#[derive(Default)]
pub(super) struct Fan {
    arms: Vec<Arm>,
}

struct Arm {
    id: BranchId,
    arrived: Arrived,
    /// Which of `Walk::begun` lie in it.
    inside: std::ops::Range<usize>,
}

/// What a branch means to its join.
enum Arrived {
    Completed {
        output: Value,
        changes: Changes,
        now: Millis,
    },
    Failed(Failure),
    Open {
        due: Option<Millis>,
    },
    Cut,
}

impl Fan {
    /// The ends as a policy sees them.
    pub fn ends(&self) -> Vec<Option<bool>> {
        let ends = self.arms.iter().map(|arm| match &arm.arrived {
            Arrived::Completed { .. } => Some(true),
            Arrived::Failed(_) => Some(false),
            Arrived::Open { .. } | Arrived::Cut => None,
        });
        ends.collect()
    }

    fn is_open(&self) -> bool {
        let mut arms = self.arms.iter();
        arms.any(|arm| matches!(arm.arrived, Arrived::Open { .. }))
    }
}

impl Walk<'_> {
    /// Walks all branches of a split.
    pub fn split(&mut self, stage: &str, split: &Split) -> Result<Step, Refused> {
        let stage = StageId::new(stage);
        let policy = match self.program.ops.get(split.join.index()).map(|op| &op.kind) {
            Some(OpKind::Join(join)) => join.policy,
            _ => return Err(Refused::new(format!("`{stage}` has no join"))),
        };
        let begun = self.begun.len();
        let mut fan = Fan::default();
        for (index, _) in (0..).zip(&split.branches) {
            fan.arms.push(Arm {
                id: BranchId::of(&stage, index),
                arrived: Arrived::Cut,
                inside: begun..begun,
            });
        }
        let is_empty = |branch: &SplitBranch| branch.way.to == split.join;
        let mut is_over = false;
        for empty in [true, false] {
            for (place, branch) in split.branches.iter().enumerate() {
                let Some(arm) = fan
                    .arms
                    .get_mut(place)
                    .filter(|_| is_empty(branch) == empty)
                else {
                    continue;
                };
                let from = self.begun.len();
                arm.arrived = match is_over {
                    true => self.cut_at_once(&arm.id, branch, empty)?,
                    false => self.branch(&arm.id, branch, split)?,
                };
                arm.inside = from + 1..self.begun.len();
                // What is not empty ends when a log says so, which the join looks at.
                let is_known = self.told.is_none() || empty;
                is_over |= is_known && verdict(policy, &fan.ends()) != Verdict::Undecided;
            }
        }
        if self.told.is_none() {
            self.time_out(policy, &mut fan);
            if verdict(policy, &fan.ends()) != Verdict::Undecided {
                self.cut(begun..self.begun.len());
                for arm in &mut fan.arms {
                    if let Arrived::Open { .. } = arm.arrived {
                        arm.arrived = Arrived::Cut;
                    }
                }
            }
        }
        self.fans.push(fan);
        Ok(Step::Go {
            to: split.join,
            output: None,
        })
    }

    /// A branch that began and ended in one moment, because another one had decided the join.
    fn cut_at_once(
        &mut self,
        id: &BranchId,
        branch: &SplitBranch,
        is_empty: bool,
    ) -> Result<Arrived, Refused> {
        let at_once = |said: &Said| (said.end, said.ended, said.recorded) == (SaidEnd::Cut, 0, 0);
        if self.said(id)?.is_some_and(|said| !at_once(said)) {
            let text = format!("`{id}` went on after the join was decided");
            return Err(Refused::new(text));
        }
        let entry = self.program.ops.get(branch.way.to.index());
        let entry = entry.filter(|_| !is_empty).map(|op| op.name.clone());
        let cut = Branch {
            end: BranchEnd::Cut,
            path: entry.into_iter().collect(),
            ..Branch::default()
        };
        self.begun.push(id.clone());
        self.branches.insert(id.clone(), cut);
        Ok(Arrived::Cut)
    }

    pub fn said(&self, id: &BranchId) -> Result<Option<&Said>, Refused> {
        let Some(told) = self.told else {
            return Ok(None);
        };
        let said = told.branches.get(id);
        let never = || Refused::new(format!("`{id}` never began"));
        said.map(Some).ok_or_else(never)
    }

    /// Walks one branch, from its beginning to where it ends or is said to have ended.
    fn branch(
        &mut self,
        id: &BranchId,
        branch: &SplitBranch,
        split: &Split,
    ) -> Result<Arrived, Refused> {
        let said = self.said(id)?.copied();
        let due = match said {
            Some(said) => said.due_at,
            None => branch.timeout_ms.map(|ms| self.frame.now.plus(ms)),
        };
        if due.is_some() != branch.timeout_ms.is_some() {
            return Err(Refused::new(format!("`{id}` is due at {due:?}")));
        }
        let clocks_are_right = |told: &Told| told.clocks_are_right;
        let horizon = due.filter(|_| self.told.is_none_or(clocks_are_right));
        let inside = self.frame.inside(horizon);
        let outer = mem::replace(&mut self.frame, inside);
        self.begun.push(id.clone());
        let stop = said.and_then(|said| said.stop());
        let left = self.walk(branch.way.to, Some(split.join), stop)?;
        let frame = mem::replace(&mut self.frame, outer);
        let (end, arrived) = ended(id, said, left, &frame, due)?;
        let made = Branch {
            end,
            path: frame.path,
            outputs: frame.outputs,
            changes: frame.changes,
        };
        self.branches.insert(id.clone(), made);
        Ok(arrived)
    }

    /// Where nothing else decides the join, the time of the branches that wait is up one day.
    fn time_out(&mut self, policy: JoinPolicy, fan: &mut Fan) {
        while verdict(policy, &fan.ends()) == Verdict::Undecided {
            let horizon = self.frame.horizon;
            let due = |arm: &Arm| match arm.arrived {
                Arrived::Open { due: Some(due) } => Some(due),
                _ => None,
            };
            let next = fan.arms.iter_mut().filter_map(|arm| Some((due(arm)?, arm)));
            let next = next.min_by_key(|(due, _)| *due);
            let Some((due, arm)) = next else {
                return;
            };
            if horizon.is_some_and(|horizon| due > horizon) {
                return;
            }
            arm.arrived = Arrived::Failed(out_of_time());
            let inside = arm.inside.clone();
            if let Some(branch) = self.branches.get_mut(&arm.id) {
                branch.end = BranchEnd::Failed(FailureKind::Timeout, None);
            }
            self.cut(inside);
        }
    }

    /// What is still open in these branches ends with what is around them.
    pub fn cut(&mut self, begun: std::ops::Range<usize>) {
        for id in self.begun.get(begun).unwrap_or_default() {
            if let Some(branch) = self.branches.get_mut(id)
                && branch.end == BranchEnd::Open
            {
                branch.end = BranchEnd::Cut;
            }
        }
    }

    /// Joins the branches of the split that was walked last.
    pub fn join(&mut self, name: &str, join: &Join) -> Result<Step, Refused> {
        let fan = self.fans.pop().unwrap_or_default();
        let ends = fan.ends();
        let verdict = verdict(join.policy, &ends);
        let was_cut = |arm: &Arm| matches!(arm.arrived, Arrived::Cut);
        if verdict == Verdict::Undecided {
            return match fan.arms.iter().find(|arm| was_cut(arm)) {
                Some(arm) => Err(Refused::new(format!(
                    "`{name}` did not wait for `{}`",
                    arm.id
                ))),
                None => Ok(Step::Stay),
            };
        }
        if self.told.is_some() && !joins::can_be(join.policy, &ends) {
            let text = format!("`{name}` was decided before the last of its branches ended");
            return Err(Refused::new(text));
        }
        if fan.is_open() {
            let (is_stuck, text) = (true, format!("`{name}` is decided and waits"));
            return Err(Refused { is_stuck, text });
        }
        let failure = fan.arms.iter().find_map(|arm| match &arm.arrived {
            Arrived::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        if let (Verdict::Fails, Some(failure)) = (verdict, failure) {
            let timed_out = failure.kind == FailureKind::Timeout;
            let to = join.on_timeout.filter(|_| timed_out).or(join.on_error);
            return Ok(Step::Fail(failure, to));
        }
        Ok(match self.merge(join, &fan) {
            Ok(output) => Step::go(join.next, output),
            Err(failure) => Step::Fail(failure, join.on_error),
        })
    }

    fn merge(&mut self, join: &Join, fan: &Fan) -> Result<Value, Failure> {
        let (mut outputs, mut changes, mut now) = (Vec::new(), Vec::new(), self.frame.now);
        for (place, arm) in fan.arms.iter().enumerate() {
            if let Arrived::Completed {
                output,
                changes: changed,
                now: then,
            } = &arm.arrived
            {
                outputs.push((place, output.clone()));
                changes.push(changed);
                now = now.max(*then);
            }
        }
        let output = merge_outputs(join.merge, fan.arms.len(), &outputs).and_then(kept)?;
        let changes = merge_changes(join.merge, &changes)?;
        for value in changes.values().flatten() {
            kept(value.clone())?;
        }
        for (name, value) in changes {
            self.frame.set(&name, value);
        }
        self.frame.now = now;
        Ok(output)
    }
}

fn out_of_time() -> Failure {
    Failure::new(FailureKind::Timeout, "the time of the branch was up")
}

/// What a branch came to, if that is what the log says.
fn ended(
    id: &BranchId,
    said: Option<Said>,
    left: Left,
    frame: &Frame,
    due: Option<Millis>,
) -> Result<(BranchEnd, Arrived), Refused> {
    let said = said.map(|said| said.end);
    match (said, left) {
        (None | Some(SaidEnd::Completed), Left::Joined) => {
            let (output, changes) = (frame.last.clone(), frame.changes.clone());
            let now = frame.now;
            let arrived = Arrived::Completed {
                output: output.clone(),
                changes,
                now,
            };
            Ok((BranchEnd::Completed(output), arrived))
        }
        (None | Some(SaidEnd::Failed), Left::Failed(failure, node)) => Ok((
            BranchEnd::Failed(failure.kind, node),
            Arrived::Failed(failure),
        )),
        (None | Some(SaidEnd::Open), Left::Stays) => Ok((BranchEnd::Open, Arrived::Open { due })),
        (Some(SaidEnd::Cut), Left::Cut) => Ok((BranchEnd::Cut, Arrived::Cut)),
        (Some(SaidEnd::TimedOut), Left::Cut) if due.is_some() => Ok((
            BranchEnd::Failed(FailureKind::Timeout, None),
            Arrived::Failed(out_of_time()),
        )),
        (said, left) => Err(Refused {
            is_stuck: said == Some(SaidEnd::Open),
            text: format!("`{id}` should be {left:?} and the log says {said:?}"),
        }),
    }
}
