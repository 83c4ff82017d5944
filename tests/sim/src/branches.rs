//! What a log says of the branches of its run, and what no log may say of them.

use crate::oracle::Nesting;
use crate::oracle::joins::{Verdict, can_be, verdict};
use crate::report::BreachKind;
use lattice_journal::payload::{
    BranchEnded, BranchOutcome, BranchStarted, JoinFired, StageCompleted, StageFailed, StageRef,
};
use lattice_journal::{Event, EventBody, FailureKind};
use lattice_model::{BranchId, Millis, StageId};
use std::collections::{BTreeMap, BTreeSet};

type Found = Vec<(BreachKind, String)>;

/// The branches of a run, as its log stands.
#[derive(Debug, Default)]
pub struct Branches {
    /// Every branch that began.
    pub all: BTreeMap<BranchId, Standing>,
    /// When each stage was skipped, in virtual time.
    pub skipped: BTreeMap<StageId, u64>,
    /// The splits that began branches.
    split: BTreeSet<StageId>,
    open: BTreeSet<StageId>,
    fired: BTreeSet<StageId>,
    /// A branch whose last stage ended, so that it has to end in the same commit.
    owed: Option<BranchId>,
    /// A join that was decided and has to end in the same commit, and whether it succeeds.
    firing: Option<(StageId, bool)>,
}

/// How a branch stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// When it has to be over.
    pub due_at: Option<Millis>,
    /// How it ended by itself.
    pub end: Option<BranchOutcome>,
    /// Whether something around it ended while it was open.
    pub is_cut: bool,
}

impl Standing {
    fn is_open(&self) -> bool {
        self.end.is_none() && !self.is_cut
    }
}

impl Branches {
    /// Takes an event, and gives everything that is wrong with it.
    pub fn take(&mut self, event: &Event, nesting: &Nesting, now_ms: u64) -> Found {
        let mut texts = Vec::new();
        match &event.body {
            EventBody::RunQueued(queued) => {
                self.open.insert(queued.entry.stage.clone());
            }
            EventBody::StageStarted(started) => {
                texts.extend(self.not_open(&started.stage, nesting, "was claimed"));
            }
            EventBody::ChildStarted(started) => {
                if started.batch.is_some() {
                    self.open.insert(started.stage.clone());
                }
                texts.extend(self.not_open(&started.stage, nesting, "called a run"));
            }
            EventBody::WaitOpened(wait) => {
                texts.extend(self.not_open(&wait.stage, nesting, "waits"));
            }
            EventBody::VariableSet(set) => {
                texts.extend(self.not_open(&set.stage, nesting, "set a variable"));
            }
            EventBody::StageCompleted(done) => texts.extend(self.completed(done, nesting)),
            EventBody::StageFailed(failed) => texts.extend(self.failed(failed, nesting)),
            EventBody::StageSkipped(skipped) => {
                let stage = &skipped.stage;
                if !self.open.remove(stage) {
                    texts.push(format!("`{stage}` was skipped and was not open"));
                }
                self.skipped.insert(stage.clone(), now_ms);
                let split = nesting.split_of(stage).map(|(split, _)| split);
                let map = nesting.map_of(stage).map(|(map, _)| map);
                if let Some(around) = split.or(map) {
                    self.cut(&around, nesting);
                }
            }
            EventBody::MapStarted(started) => {
                texts.extend(self.not_open(&started.stage, nesting, "has a list"));
                self.open.insert(started.gather.stage.clone());
            }
            EventBody::BranchStarted(began) if began.item => {
                texts.extend(self.item(began, nesting));
            }
            EventBody::BranchStarted(began) => {
                texts.extend(self.started(began, event.timestamp, nesting));
            }
            EventBody::BranchEnded(ended) => {
                texts.extend(self.ended(ended, event.timestamp, nesting));
            }
            EventBody::JoinFired(fired) => texts.extend(self.join(fired, nesting)),
            body if body.is_terminal() => {
                texts.extend(
                    self.open
                        .iter()
                        .map(|stage| format!("the run ended and `{stage}` is open")),
                );
            }
            _ => {}
        }
        let of_kind = |text| (BreachKind::Wrong, text);
        texts.into_iter().map(of_kind).collect()
    }

    /// Looks at what one commit leaves: nothing half done, and no join that should have fired.
    pub fn settled(&mut self, nesting: &Nesting) -> Found {
        let mut texts = Vec::new();
        if let Some(branch) = self.owed.take() {
            texts.push(format!("the last stage of `{branch}` ended and it did not"));
        }
        if let Some((join, _)) = self.firing.take() {
            texts.push(format!("`{join}` fired and did not end"));
        }
        for split in &self.split {
            let Some(fan) = nesting.fan(split) else {
                continue;
            };
            let ends = self.ends(split, nesting);
            let began = ends.len() == fan.branches.len() && self.open.contains(&fan.join);
            if began && verdict(fan.policy, &ends) != Verdict::Undecided {
                texts.push(format!("`{}` is decided and did not fire", fan.join));
            }
        }
        let of_kind = |text| (BreachKind::Wrong, text);
        texts.into_iter().map(of_kind).collect()
    }

    /// The branches that began and are not over, with the moment by which they have to be.
    pub fn open(&self) -> impl Iterator<Item = (&BranchId, Option<Millis>)> {
        let open = self.all.iter().filter(|(_, branch)| branch.is_open());
        open.map(|(id, branch)| (id, branch.due_at))
    }

    /// A stage that does something must be open, in branches that are.
    fn not_open(&self, stage: &StageId, nesting: &Nesting, what: &str) -> Option<String> {
        if !self.open.contains(stage) {
            return Some(format!("`{stage}` {what} and is not open"));
        }
        let is_over = |id: &&BranchId| self.all.get(*id).is_none_or(|branch| !branch.is_open());
        let around = nesting.around(stage);
        let over = around.iter().find(is_over)?;
        Some(format!("`{stage}` {what} and `{over}` is over"))
    }

    fn completed(&mut self, done: &StageCompleted, nesting: &Nesting) -> Vec<String> {
        let stage = &done.stage;
        let mut texts: Vec<_> = self.not_open(stage, nesting, "ended").into_iter().collect();
        self.open.remove(stage);
        if let Some(fan) = nesting.fan(stage) {
            let began = self.ends(stage, nesting).len();
            if began != fan.branches.len() {
                texts.push(format!("`{stage}` ended and began {began} branches"));
            }
            self.open.insert(fan.join.clone());
            return texts;
        }
        texts.extend(self.end_of_join(stage, true, nesting));
        self.goes_on(stage, done.next.as_ref(), nesting);
        texts
    }

    fn failed(&mut self, failed: &StageFailed, nesting: &Nesting) -> Vec<String> {
        let stage = &failed.stage;
        let mut texts: Vec<_> = self
            .not_open(stage, nesting, "failed")
            .into_iter()
            .collect();
        self.open.remove(stage);
        texts.extend(self.end_of_join(stage, false, nesting));
        // What is open of a map that fails ends with it.
        if let Some((map, _)) = nesting.map_of(stage) {
            self.cut(&map, nesting);
        }
        match &failed.next {
            Some(next) => self.goes_on(stage, Some(next), nesting),
            None => self.owed = nesting.branch_of(stage),
        }
        texts
    }

    /// A join ends just behind its firing, and as that says.
    fn end_of_join(&mut self, stage: &StageId, well: bool, nesting: &Nesting) -> Option<String> {
        nesting.split_of(stage)?;
        match self.firing.take() {
            Some((join, fires)) if join == *stage && fires == well => None,
            firing => Some(format!("`{stage}` ended, well: {well}, behind {firing:?}")),
        }
    }

    fn goes_on(&mut self, stage: &StageId, next: Option<&StageRef>, nesting: &Nesting) {
        let Some(next) = next else {
            return;
        };
        let branch = nesting.branch_of(stage);
        match branch.as_ref().and_then(|branch| nesting.end_of(branch)) {
            Some(end) if end == next.stage => self.owed = branch,
            _ => {
                self.open.insert(next.stage.clone());
            }
        }
    }

    fn started(&mut self, began: &BranchStarted, at: Millis, nesting: &Nesting) -> Vec<String> {
        let (id, split) = (&began.branch, &began.split);
        let mut texts: Vec<_> = self.not_open(split, nesting, "split").into_iter().collect();
        let place = self.ends(split, nesting).len();
        self.split.insert(split.clone());
        let right = nesting.fan(split).and_then(|fan| {
            let branch = fan.branches.get(place)?;
            let due_at = branch.timeout_ms.map(|ms| at.plus(ms));
            let outer = nesting.branch_of(split);
            Some(BranchStarted {
                branch: BranchId::of(split, u32::try_from(place).ok()?),
                split: split.clone(),
                index: u32::try_from(place).ok()?,
                outer,
                entry: StageRef {
                    op: branch.way.to,
                    // Which visit it is, `visits` looks at.
                    stage: began.entry.stage.clone(),
                    visit: began.entry.visit,
                },
                join: StageRef {
                    op: fan.join_op,
                    stage: fan.join.clone(),
                    visit: None,
                },
                due_at,
                item: false,
            })
        });
        if right.as_ref() != Some(began) {
            texts.push(format!("a branch began as {began:?} and not as {right:?}"));
        }
        if began.entry.op != began.join.op {
            self.open.insert(began.entry.stage.clone());
        }
        let due_at = began.due_at;
        let standing = Standing {
            due_at,
            ..Standing::default()
        };
        self.all.insert(id.clone(), standing);
        texts
    }

    /// An item begins; `maps` looks at whether it may.
    fn item(&mut self, began: &BranchStarted, nesting: &Nesting) -> Vec<String> {
        let id = BranchId::of(&began.split, began.index);
        let mut texts = Vec::new();
        let right = nesting.body(&began.split).map(|body| BranchStarted {
            branch: id.clone(),
            outer: nesting.branch_of(&began.split),
            entry: StageRef {
                op: body.map.way.to,
                ..began.entry.clone()
            },
            join: StageRef {
                op: body.map.gather,
                stage: body.gather.clone(),
                visit: None,
            },
            due_at: None,
            ..began.clone()
        });
        if right.as_ref() != Some(began) {
            texts.push(format!("an item began as {began:?} and not as {right:?}"));
        }
        texts.extend(self.not_open(&began.join.stage, nesting, "began an item"));
        if began.entry.op != began.join.op && !self.open.insert(began.entry.stage.clone()) {
            texts.push(format!("`{}` was open already", began.entry.stage));
        }
        if self.all.insert(id.clone(), Standing::default()).is_some() {
            texts.push(format!("`{id}` began twice"));
        }
        texts
    }

    fn ended(&mut self, ended: &BranchEnded, at: Millis, nesting: &Nesting) -> Vec<String> {
        let id = &ended.branch;
        let mut texts = Vec::new();
        let is_empty = if let Some((split, fan, place)) = nesting.place(id) {
            if verdict(fan.policy, &self.ends(&split, nesting)) != Verdict::Undecided {
                texts.push(format!("`{id}` ended after `{}` was decided", fan.join));
            }
            let branch = fan.branches.get(place);
            branch.is_some_and(|branch| branch.way.to == fan.join_op)
        } else if let Some((_, body, _)) = nesting.item(id) {
            body.map.way.to == body.map.gather
        } else {
            return vec![format!("`{id}` ended and there is no such branch")];
        };
        let Some(standing) = self.all.get_mut(id).filter(|branch| branch.is_open()) else {
            texts.push(format!("`{id}` ended and was not open"));
            return texts;
        };
        let timed_out = matches!(
            &ended.outcome,
            BranchOutcome::Failed { failure, node: None } if failure.kind == FailureKind::Timeout
        );
        if timed_out && standing.due_at.is_none_or(|due| due > at) {
            texts.push(format!("the time of `{id}` was not up"));
        }
        standing.end = Some(ended.outcome.clone());
        let owed = self.owed.take();
        if !timed_out && !is_empty && owed.as_ref() != Some(id) {
            texts.push(format!("`{id}` ended and {owed:?} should have"));
        }
        let open = |stage: &&StageId| nesting.around(stage).contains(id);
        let open = self.open.iter().find(open);
        texts.extend(open.map(|stage| format!("`{id}` ended and `{stage}` is open")));
        texts
    }

    fn join(&mut self, fired: &JoinFired, nesting: &Nesting) -> Vec<String> {
        let (join, split) = (&fired.stage, &fired.split);
        let mut texts: Vec<_> = self.not_open(join, nesting, "fired").into_iter().collect();
        let Some(fan) = nesting.fan(split).filter(|fan| fan.join == *join) else {
            return vec![format!("`{join}` is not the join of `{split}`")];
        };
        if !self.fired.insert(join.clone()) {
            texts.push(format!("`{join}` fired twice"));
        }
        let ends = self.ends(split, nesting);
        if !can_be(fan.policy, &ends) {
            texts.push(format!(
                "`{join}` fired when its branches stood as {ends:?}"
            ));
        }
        let of = |end: Option<bool>| -> Vec<u32> {
            let ends = (0..).zip(&ends).filter(|(_, found)| **found == end);
            ends.map(|(index, _)| index).collect()
        };
        if fired.skipped != of(None) {
            let right = of(None);
            texts.push(format!("`{join}` skips {:?}, not {right:?}", fired.skipped));
        }
        // It also fails if what counts cannot be merged.
        let fires = verdict(fan.policy, &ends) == Verdict::Fires && !fired.counted.is_empty();
        let counted = match fires {
            true => of(Some(true)),
            false => Vec::new(),
        };
        if fired.counted != counted {
            texts.push(format!(
                "`{join}` counts {:?}, not {counted:?}",
                fired.counted
            ));
        }
        if !fires && !fired.variables.is_empty() {
            texts.push(format!("`{join}` fails and changes variables"));
        }
        let left = self.open.iter();
        let mut left = left.filter(|stage| nesting.is_inside(stage, split));
        if let Some(stage) = left.next() {
            texts.push(format!("`{join}` fired and `{stage}` is open"));
        }
        self.firing = Some((join.clone(), fires));
        self.cut(split, nesting);
        texts
    }

    /// What has not ended of the branches of a split ends with it, and all that is inside them.
    fn cut(&mut self, split: &StageId, nesting: &Nesting) {
        for (id, standing) in &mut self.all {
            let of = id.as_str().rsplit_once('/').map(|(of, _)| StageId::new(of));
            let is_in = of.is_some_and(|of| of == *split || nesting.is_inside(&of, split));
            if is_in && standing.is_open() {
                standing.is_cut = true;
            }
        }
    }

    /// How the branches of a split that began ended, in their order.
    fn ends(&self, split: &StageId, nesting: &Nesting) -> Vec<Option<bool>> {
        let branches = nesting
            .fan(split)
            .map_or(0, |fan| fan.branches.len() as u32);
        let ids = (0..branches).map(|index| BranchId::of(split, index));
        let standings = ids.map_while(|id| self.all.get(&id));
        let ends = standings.map(|standing| {
            let end = standing.end.as_ref()?;
            Some(matches!(end, BranchOutcome::Completed { .. }))
        });
        ends.collect()
    }
}
