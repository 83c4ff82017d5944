//! What a log says of the maps of its run, and what no log may say of them.

use crate::oracle::Nesting;
use crate::report::BreachKind;
use lattice_journal::payload::{
    Batch, BatchOf, BranchEnded, BranchOutcome, BranchStarted, ChildOutcome, ChildStarted,
    MapStarted, Pace, StageRef,
};
use lattice_journal::{Event, EventBody};
use lattice_model::limits::MAP_INLINE_ITEMS_MAX;
use lattice_model::{Millis, StageId};
use std::collections::{BTreeMap, BTreeSet};

type Found = Vec<(BreachKind, String)>;

/// The maps of a run, as its log stands.
#[derive(Debug, Default)]
pub struct Maps {
    all: BTreeMap<StageId, Standing>,
    /// What the run is a batch of.
    batch: Option<BatchOf>,
}

/// How a map stands.
#[derive(Debug)]
struct Standing {
    started: MapStarted,
    goes_on: bool,
    /// How many items began.
    begun: u32,
    /// When the last batch began.
    begun_at: Option<Millis>,
    /// The places of the items that are open.
    items: BTreeSet<u32>,
    /// The stages of the batches that are open, where they are runs.
    runs: BTreeSet<StageId>,
    /// Whether an item, or a batch, failed for which the map does not go on.
    has_failed: bool,
    is_over: bool,
}

impl Maps {
    /// Takes an event, and gives everything that is wrong with it.
    pub fn take(&mut self, event: &Event, nesting: &Nesting, clocks_are_right: bool) -> Found {
        let at = clocks_are_right.then_some(event.timestamp);
        let texts = match &event.body {
            EventBody::RunQueued(queued) => {
                self.batch = queued.batch.as_deref().cloned();
                Vec::new()
            }
            EventBody::MapStarted(started) => self.started(started, nesting),
            EventBody::BranchStarted(began) if began.item => self.item(began, at),
            EventBody::BranchEnded(ended) => self.item_ended(ended, nesting),
            EventBody::ChildStarted(started) => match &started.batch {
                Some(batch) => self.run(started, batch, at),
                None => Vec::new(),
            },
            EventBody::ChildEnded(ended) => {
                let failed = !matches!(ended.outcome, ChildOutcome::Completed { .. });
                self.run_ended(&ended.stage, failed);
                Vec::new()
            }
            EventBody::StageCompleted(done) => self.stage_ended(&done.stage, Some(true), nesting),
            EventBody::StageFailed(failed) => self.stage_ended(&failed.stage, Some(false), nesting),
            EventBody::StageSkipped(skipped) => self.stage_ended(&skipped.stage, None, nesting),
            _ => Vec::new(),
        };
        let of_kind = |text| (BreachKind::Wrong, text);
        texts.into_iter().map(of_kind).collect()
    }

    /// Looks at what one commit leaves: no map that failed and goes on all the same.
    pub fn settled(&self) -> Found {
        let lags = self
            .all
            .iter()
            .filter(|(_, map)| map.has_failed && !map.is_over);
        let text = |(id, _)| format!("an item of `{id}` failed and its gather is open");
        lags.map(|map| (BreachKind::Wrong, text(map))).collect()
    }

    fn started(&mut self, started: &MapStarted, nesting: &Nesting) -> Vec<String> {
        let id = &started.stage;
        let Some(body) = nesting.body(id) else {
            return vec![format!("`{id}` is no map and has a list")];
        };
        let map = &body.map;
        let right = MapStarted {
            op: body.op,
            gather: StageRef {
                stage: body.gather.clone(),
                op: map.gather,
                visit: None,
            },
            first: self.batch.as_ref().map_or(0, |batch| batch.first),
            runs: self.batch.is_none() && started.count > MAP_INLINE_ITEMS_MAX,
            pace: Pace {
                batch_size: map.batch_size,
                batches_at_once: map.batches_at_once,
                items_at_once: map.items_at_once,
                pause_ms: map.pause_ms,
            },
            ..started.clone()
        };
        let mut texts = Vec::new();
        if *started != right {
            texts.push(format!("a map began as {started:?} and not as {right:?}"));
        }
        let standing = Standing {
            started: started.clone(),
            goes_on: map.goes_on,
            begun: 0,
            begun_at: None,
            items: BTreeSet::new(),
            runs: BTreeSet::new(),
            has_failed: false,
            is_over: false,
        };
        if self.all.insert(id.clone(), standing).is_some() {
            texts.push(format!("`{id}` began twice"));
        }
        texts
    }

    fn item(&mut self, began: &BranchStarted, at: Option<Millis>) -> Vec<String> {
        let (id, index) = (&began.split, began.index);
        let Some(map) = self.all.get_mut(id) else {
            return vec![format!("item {index} of `{id}` began before its map")];
        };
        let mut texts = Vec::new();
        if map.started.runs {
            texts.push(format!("item {index} of `{id}` belongs to a batch"));
        }
        if index != map.started.first + map.begun || map.begun >= map.started.count {
            let begun = map.begun;
            texts.push(format!("item {index} of `{id}` began behind {begun} items"));
        }
        if map.items.len() >= map.started.pace.items_at_once as usize {
            texts.push(format!("item {index} of `{id}` is one too many at once"));
        }
        let batch = |index: u32| (index - map.started.first) / map.started.pace.batch_size.max(1);
        let others: BTreeSet<u32> = map.items.iter().map(|open| batch(*open)).collect();
        let is_new = !others.contains(&batch(index));
        if is_new && others.len() >= map.started.pace.batches_at_once as usize {
            texts.push(format!("item {index} of `{id}` is in one batch too many"));
        }
        texts.extend(map.begin(1, at, id));
        map.items.insert(index);
        texts
    }

    fn run(&mut self, started: &ChildStarted, batch: &Batch, at: Option<Millis>) -> Vec<String> {
        let (id, stage) = (&batch.map, &started.stage);
        let Some(map) = self.all.get_mut(id) else {
            return vec![format!("`{stage}` began before its map")];
        };
        let mut texts = Vec::new();
        let right = Batch {
            map: id.clone(),
            first: map.begun,
            count: (map.started.count.saturating_sub(map.begun)).min(map.started.pace.batch_size),
        };
        let name = format!("{id}.batch[{}]", right.first);
        if right != *batch || name != stage.as_str() || !map.started.runs || right.count == 0 {
            texts.push(format!("`{stage}` is {batch:?} and should be {right:?}"));
        }
        if map.runs.len() >= map.started.pace.batches_at_once as usize {
            texts.push(format!("`{stage}` is one batch too many at once"));
        }
        texts.extend(map.begin(batch.count, at, id));
        map.runs.insert(stage.clone());
        texts
    }

    fn item_ended(&mut self, ended: &BranchEnded, nesting: &Nesting) -> Vec<String> {
        let Some((id, _, index)) = nesting.item(&ended.branch) else {
            return Vec::new();
        };
        let Some(map) = self.all.get_mut(&id) else {
            return vec![format!("an item of `{id}` ended before its map began")];
        };
        let fails = matches!(ended.outcome, BranchOutcome::Failed { .. });
        map.has_failed |= fails && !map.goes_on;
        match map.items.remove(&index) {
            true => Vec::new(),
            false => vec![format!("item {index} of `{id}` ended and was not open")],
        }
    }

    fn run_ended(&mut self, stage: &StageId, failed: bool) {
        let map = self.all.values_mut().find(|map| map.runs.contains(stage));
        if let Some(map) = map {
            map.has_failed |= failed && !map.goes_on;
        }
    }

    /// A stage ended, well or with a failure, or was skipped.
    fn stage_ended(
        &mut self,
        stage: &StageId,
        well: Option<bool>,
        nesting: &Nesting,
    ) -> Vec<String> {
        for map in self.all.values_mut() {
            map.runs.remove(stage);
        }
        let Some((id, _)) = nesting.map_of(stage) else {
            return Vec::new();
        };
        let Some(map) = self.all.get_mut(&id) else {
            return vec![format!("`{stage}` ended before its map began")];
        };
        map.is_over = true;
        let (items, runs) = (&map.items, &map.runs);
        let mut texts = Vec::new();
        if well == Some(true) && (map.has_failed || map.begun < map.started.count) {
            let (begun, count) = (map.begun, map.started.count);
            texts.push(format!(
                "`{stage}` completed behind {begun} of {count} items"
            ));
        }
        if well == Some(true) && (!items.is_empty() || !runs.is_empty()) {
            texts.push(format!(
                "`{stage}` ended and {items:?} or {runs:?} are open"
            ));
        }
        // It also fails when all are over and their results are too large.
        if well == Some(false) && !map.has_failed && map.begun < map.started.count {
            texts.push(format!("`{stage}` failed and no item had"));
        }
        if well == Some(false) && !runs.is_empty() {
            texts.push(format!("`{stage}` failed and {runs:?} are open"));
        }
        texts
    }
}

impl Standing {
    fn begin(&mut self, count: u32, at: Option<Millis>, id: &StageId) -> Option<String> {
        let pace = self.started.pace;
        let is_at_batch = self.begun.is_multiple_of(pace.batch_size.max(1));
        self.begun += count;
        if self.is_over || self.has_failed {
            return Some(format!("an item of `{id}` began when the map was over"));
        }
        if !is_at_batch {
            return None;
        }
        let before = std::mem::replace(&mut self.begun_at, at);
        let (before, at) = (before?, at?);
        let passed_ms = at.since(before);
        let text = format!("a batch of `{id}` began {passed_ms} ms after the last one");
        (passed_ms < pace.pause_ms).then_some(text)
    }
}
