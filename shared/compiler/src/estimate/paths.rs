//! From where a run begins to every end.
//!
//! Ops on a loop count as one place, which a path enters once: the loop costs at least one visit of
//! where it is entered, and at most what its ceilings allow of all its ops.

use super::cost::{Cost, Span};
use super::ways::{self, Way};
use lattice_ir::{JoinPolicy, Map, OpKind, Program, Split};
use lattice_model::limits::MAP_ITEMS_MAX;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Paths that are listed. A workflow of many choices has more of them than anybody reads.
pub const PATHS_MAX: usize = 32;

/// What a workflow may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Over all paths, also those that are not listed.
    pub all: Cost,
    /// The paths, in the order in which the ways are drawn; at most `PATHS_MAX`.
    pub paths: Vec<PathEstimate>,
    /// Paths that are not listed.
    pub more: u64,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathEstimate {
    /// The decisions that make it: the op and the port that is taken.
    pub ways: Vec<String>,
    /// The op that it ends at.
    pub end: String,
    /// What it costs.
    pub cost: Cost,
}

/// Estimates a sound Program. `items`: how long its lists are; unset = from no item to as many as a
/// list may have.
pub fn estimate(program: &Program, items: Option<u64>) -> Estimate {
    let mut walk = Walk {
        program,
        items,
        places: places(program),
    };
    let entry = program.entry.index();
    let all = walk.hull(entry, None);
    let count = walk.count(entry);
    let mut paths = walk.list(entry);
    let cap = |cost: Cost| capped(cost, program.lifetime_ms);
    for path in &mut paths {
        path.cost = cap(std::mem::take(&mut path.cost));
    }
    let more = count.saturating_sub(paths.len() as u64);
    Estimate {
        all: cap(all),
        paths,
        more,
    }
}

/// No run outlives its time.
fn capped(mut cost: Cost, lifetime_ms: u64) -> Cost {
    let most = cost
        .time_ms
        .most
        .map_or(lifetime_ms, |most| most.min(lifetime_ms));
    cost.time_ms.most = Some(most);
    cost.time_ms.least = cost.time_ms.least.min(most);
    cost
}

/// An op by itself, or all ops of one loop.
struct Place {
    ops: Vec<usize>,
    is_loop: bool,
}

struct Walk<'p> {
    program: &'p Program,
    items: Option<u64>,
    /// The place of each op.
    places: Vec<Place>,
}

impl Walk<'_> {
    /// The ops from one on, up to the ends or to `until`, each behind all that it leads to.
    fn backwards(&self, from: usize, until: Option<usize>) -> Vec<usize> {
        let (mut order, mut seen) = (Vec::new(), BTreeSet::from([from]));
        let mut open = vec![(from, self.exits(from))];
        while let Some((at, exits)) = open.last_mut() {
            match exits.pop() {
                Some(way) if Some(way.to) != until && seen.insert(way.to) => {
                    open.push((way.to, self.exits(way.to)));
                }
                Some(_) => {}
                None => {
                    order.push(*at);
                    open.pop();
                }
            }
        }
        order
    }

    /// Over all paths from an op to the ends, or to `until`.
    fn hull(&mut self, from: usize, until: Option<usize>) -> Cost {
        if Some(from) == until {
            return Cost::default();
        }
        let mut known: BTreeMap<usize, Cost> = BTreeMap::new();
        for op in self.backwards(from, until) {
            let exits = self.exits(op);
            let nothing = Cost::default();
            let costs = exits
                .iter()
                .map(|way| known.get(&way.to).unwrap_or(&nothing));
            let behind = costs.cloned().reduce(|one, other| one.or(&other));
            let cost = self.own(op).and(&behind.unwrap_or_default());
            known.insert(op, cost);
        }
        known.remove(&from).unwrap_or_default()
    }

    /// Paths from an op to the ends.
    fn count(&self, from: usize) -> u64 {
        let mut known: BTreeMap<usize, u64> = BTreeMap::new();
        for op in self.backwards(from, None) {
            let exits = self.exits(op);
            let counts = exits.iter().filter_map(|way| known.get(&way.to));
            let count = counts.fold(0, |sum: u64, one| sum.saturating_add(*one));
            known.insert(op, count.max(1));
        }
        known.remove(&from).unwrap_or_default()
    }

    fn list(&mut self, from: usize) -> Vec<PathEstimate> {
        let mut found = Vec::new();
        let mut open = vec![(from, Vec::new(), Cost::default())];
        while let Some((at, ways, so_far)) = open.pop() {
            let cost = so_far.and(&self.own(at));
            let exits = self.exits(at);
            if exits.is_empty() {
                let end = self.program.ops.get(at).map(|op| op.name.clone());
                found.push(PathEstimate {
                    ways,
                    end: end.unwrap_or_default(),
                    cost,
                });
                if found.len() == PATHS_MAX {
                    break;
                }
                continue;
            }
            let is_choice = exits.len() > 1;
            for way in exits.into_iter().rev() {
                let mut ways: Vec<String> = ways.clone();
                ways.extend(is_choice.then_some(way.port));
                open.push((way.to, ways, cost.clone()));
            }
        }
        found
    }

    /// The ways out of the op, or out of the loop that it stands in; two ways to one op are one.
    fn exits(&self, from: usize) -> Vec<Way> {
        let Some(place) = self.places.get(from) else {
            return Vec::new();
        };
        let mut exits: Vec<Way> = Vec::new();
        for op in &place.ops {
            let name = self.program.ops.get(*op).map_or("", |op| op.name.as_str());
            for way in ways::of(self.program, *op) {
                if place.ops.contains(&way.to) {
                    continue;
                }
                let port = format!("{name}: {}", way.port);
                match exits.iter_mut().find(|it| it.to == way.to) {
                    Some(same) => same.port = format!("{} or {}", same.port, way.port),
                    None => exits.push(Way { port, ..way }),
                }
            }
        }
        exits
    }

    /// What an op costs with everything between it and the ways on.
    fn own(&mut self, from: usize) -> Cost {
        let Some(place) = self.places.get(from) else {
            return Cost::default();
        };
        if !place.is_loop {
            return self.once(from);
        }
        let ops = place.ops.clone();
        let ceiling = |op: &usize| self.program.ops.get(*op)?.visits_max.map(u64::from);
        // Between two visits of ops with a ceiling a run comes to each of the others once at most.
        let rounds = ops.iter().filter_map(ceiling).fold(1, u64::saturating_add);
        let mut cost = self.once(from);
        let first = cost.clone();
        for op in ops {
            let visits = ceiling_of(self.program, op).unwrap_or(rounds);
            let all = self.once(op).each(|span| span.times(visits).maybe());
            let all = if op == from { less(all, &first) } else { all };
            cost = cost.and(&all);
        }
        cost
    }

    fn once(&mut self, from: usize) -> Cost {
        let Some(op) = self.program.ops.get(from) else {
            return Cost::default();
        };
        let cost = Cost::of(&op.kind);
        match &op.kind {
            OpKind::Split(split) => cost.and(&self.branches(split)),
            OpKind::Map(map) => cost.and(&self.items(map)),
            _ => cost,
        }
    }

    fn branches(&mut self, split: &Split) -> Cost {
        let join = split.join.index();
        let mut together = Cost::default();
        let (mut least, mut most) = (Vec::new(), Some(0));
        for branch in &split.branches {
            let cost = self.hull(branch.way.to.index(), Some(join));
            let time = [cost.time_ms.most, branch.timeout_ms]
                .into_iter()
                .flatten()
                .min();
            least.push(cost.time_ms.least.min(time.unwrap_or(u64::MAX)));
            most = most.zip(time).map(|(one, two): (u64, u64)| one.max(two));
            together.beside(&cost);
        }
        least.sort_unstable();
        let op = self.program.ops.get(join).map(|op| &op.kind);
        // So many branches have to come to their end; of the others nothing is certain.
        let needed = match op {
            Some(OpKind::Join(op)) => match op.policy {
                JoinPolicy::All => least.len(),
                JoinPolicy::Quorum { needed } => needed as usize,
                JoinPolicy::FailFast => least.len(),
            },
            _ => 0,
        };
        if needed < least.len() {
            together = together.each(Span::maybe);
        }
        let decides = needed.checked_sub(1).and_then(|place| least.get(place));
        together.time_ms = Span {
            least: decides.copied().unwrap_or_default(),
            most,
        };
        together.steps = together.steps.and(Span::exactly(1));
        together
    }

    fn items(&mut self, map: &Map) -> Cost {
        let gather = map.gather.index();
        let body = self.hull(map.way.to.index(), Some(gather));
        let (least, most) = match self.items {
            Some(items) => (items, items),
            None => (0, MAP_ITEMS_MAX as u64),
        };
        let at_once = u64::from(map.items_at_once.max(1));
        let span = |span: Span| Span {
            least: span.times(least).least,
            most: span.times(most).most,
        };
        let time = body.time_ms;
        let mut cost = body.each(span);
        // At best all that may go at once does; at worst one item goes after the other.
        let rounds = least.div_ceil(at_once.saturating_mul(u64::from(map.batches_at_once.max(1))));
        let batches = most.div_ceil(u64::from(map.batch_size.max(1)));
        let pauses = batches.saturating_sub(1).saturating_mul(map.pause_ms);
        cost.time_ms = Span {
            least: time.least.saturating_mul(rounds),
            most: time
                .times(most)
                .most
                .map(|most| most.saturating_add(pauses)),
        };
        cost.steps = cost.steps.and(Span::exactly(1));
        cost
    }
}

fn ceiling_of(program: &Program, op: usize) -> Option<u64> {
    program.ops.get(op)?.visits_max.map(u64::from)
}

/// The upper ends without what is counted already.
fn less(mut all: Cost, counted: &Cost) -> Cost {
    let minus = |all: Span, counted: Span| Span {
        least: 0,
        most: all
            .most
            .map(|most| most.saturating_sub(counted.most.unwrap_or_default())),
    };
    all.steps = minus(all.steps, counted.steps);
    all.time_ms = minus(all.time_ms, counted.time_ms);
    all.questions = minus(all.questions, counted.questions);
    all.other_runs = minus(all.other_runs, counted.other_runs);
    for (model, usage) in &mut all.models {
        let counted = counted.models.get(model).copied().unwrap_or_default();
        usage.calls = minus(usage.calls, counted.calls);
        usage.prompt_tokens = minus(usage.prompt_tokens, counted.prompt_tokens);
        usage.answer_tokens = minus(usage.answer_tokens, counted.answer_tokens);
    }
    all
}

/// For each op the ops that it shares a loop with, itself among them. Bodies of maps and branches are
/// reached through their map or split, and their loops stay inside.
fn places(program: &Program) -> Vec<Place> {
    let count = program.ops.len();
    let targets = |op: usize| -> Vec<usize> {
        let op = program.ops.get(op);
        let targets = op.map(|op| op.kind.targets()).unwrap_or_default();
        targets.into_iter().map(|target| target.index()).collect()
    };
    let on_loop = lattice_ir::loops::rings(count, targets);
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); count];
    for op in 0..count {
        for to in targets(op) {
            if let Some(back) = back.get_mut(to) {
                back.push(op);
            }
        }
    }
    let sources = |op: usize| back.get(op).cloned().unwrap_or_default();
    let mut places: Vec<Place> = (0..count)
        .map(|op| Place {
            ops: vec![op],
            is_loop: false,
        })
        .collect();
    for (op, is_on) in on_loop.into_iter().enumerate() {
        if !is_on || places.get(op).is_some_and(|place| place.is_loop) {
            continue;
        }
        let (ahead, behind) = (reached(op, targets), reached(op, sources));
        let ring: Vec<usize> = ahead.intersection(&behind).copied().collect();
        for member in &ring {
            if let Some(place) = places.get_mut(*member) {
                *place = Place {
                    ops: ring.clone(),
                    is_loop: true,
                };
            }
        }
    }
    places
}

fn reached(from: usize, next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        open.extend(next(at).into_iter().filter(|to| seen.insert(*to)));
    }
    seen
}
