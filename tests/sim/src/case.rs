//! What a scenario runs: a Program, those that it calls, and a world.

use crate::oracle::{World, random_program, shapes};
use lattice_ir::{OpKind, Plan, Program, Timer};
use lattice_model::{OpId, limits};
use std::sync::Arc;

/// The name of the Program that is made from the seed.
pub const RANDOM: &str = "random";

/// More items than any list has that is tried.
const ITEMS: u64 = 24;

/// What a scenario runs, prepared once.
pub struct Case {
    /// What it is asked for by.
    pub name: String,
    /// The Program.
    pub plan: Arc<Plan>,
    /// Those that it calls, and that these call.
    pub below: Vec<Arc<Plan>>,
    /// Makes the world.
    pub world: Box<dyn Fn() -> World>,
    /// Whether the answers have to be there before their questions.
    pub answers_early: bool,
    /// Whether it is too large to be run by the thousand.
    pub heavy: bool,
    /// The Program that the oracle reads, if it is not the one that runs: see `planted`.
    pub oracle: Option<Arc<Program>>,
}

impl Case {
    /// A Program and its world, under a name.
    pub fn new(
        name: &str,
        program: Program,
        world: impl Fn() -> World + 'static,
    ) -> Result<Self, String> {
        let plan = planned(name, program)?;
        let (name, world) = (name.to_owned(), Box::new(world));
        Ok(Self {
            name,
            plan,
            below: Vec::new(),
            world,
            answers_early: false,
            heavy: false,
            oracle: None,
        })
    }

    /// Every shape of the shelf.
    pub fn all() -> Result<Vec<Self>, String> {
        let cases = shapes().into_iter().map(|shape| {
            let case = Self::new(shape.name, shape.program, shape.world)?;
            let below = shape.below.into_iter();
            let below = below.map(|program| planned(shape.name, program));
            Ok(Self {
                below: below.collect::<Result<_, _>>()?,
                answers_early: shape.answers_early,
                heavy: shape.heavy,
                ..case
            })
        });
        cases.collect()
    }

    /// The shape of this name, or the Program of the seed.
    pub fn find(name: &str, seed: u64) -> Result<Self, String> {
        if name == RANDOM {
            let (program, _) = random_program(seed);
            return Self::new(name, program, move || random_program(seed).1);
        }
        let mut cases = Self::all()?.into_iter();
        let found = cases.find(|case| case.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = shapes()
                .iter()
                .map(|shape| format!("`{}`", shape.name))
                .collect();
            format!(
                "`{name}` is not a shape; expected `{RANDOM}` or one of {}",
                names.join(", ")
            )
        })
    }

    /// Its Program and those below.
    pub fn plans(&self) -> impl Iterator<Item = &Arc<Plan>> {
        std::iter::once(&self.plan).chain(&self.below)
    }

    /// Whether its run calls others.
    pub fn has_family(&self) -> bool {
        let mut ops = self.plan.program().ops.iter();
        ops.any(|op| match &op.kind {
            OpKind::Invoke(_) => true,
            // Here a list that is long is written down.
            OpKind::Map(map) => match &map.items {
                serde_json::Value::Array(items) => {
                    items.len() > limits::MAP_INLINE_ITEMS_MAX as usize
                }
                _ => false,
            },
            _ => false,
        })
    }

    /// Whether it has a map.
    pub fn has_map(&self) -> bool {
        let mut ops = self.plan.program().ops.iter();
        ops.any(|op| matches!(op.kind, OpKind::Map(_)))
    }

    /// Whether an item of a map asks: nobody can answer it before.
    pub fn asks_in_items(&self) -> bool {
        let mut ops = (0..).zip(&self.plan.program().ops);
        ops.any(|(place, op)| {
            matches!(&op.kind, OpKind::Wait(wait) if wait.question.is_some())
                && self.plan.map_around(OpId(place)).is_some()
        })
    }

    /// The longest lease of its calls.
    pub fn lease_ms_max(&self) -> u64 {
        let ops = self.plans().flat_map(|plan| &plan.program().ops);
        let leases = ops.filter_map(|op| match &op.kind {
            OpKind::Call(call) => Some(call.timeout_ms + limits::LEASE_MARGIN_MS),
            _ => None,
        });
        leases.max().unwrap_or(0)
    }

    /// All the time that its timers and pauses can take, in all rounds that its loops can go.
    pub fn timers_ms(&self) -> u64 {
        let ops = || self.plans().flat_map(|plan| &plan.program().ops);
        let visits = ops().filter_map(|op| op.visits_max).map(u64::from);
        let rounds = 1 + visits.sum::<u64>();
        let once_ms = ops().map(|op| match &op.kind {
            OpKind::Call(call) => u64::from(call.retry.attempts_max) * call.retry.delay_ms_max,
            OpKind::Wait(wait) => match &wait.timer {
                Some(Timer::After(ms)) => *ms,
                Some(Timer::Until(_)) => self.plan.program().lifetime_ms,
                None => 0,
            },
            OpKind::Split(split) => {
                let times = split.branches.iter().filter_map(|branch| branch.timeout_ms);
                times.sum()
            }
            OpKind::Invoke(invoke) => invoke.timeout_ms.unwrap_or(0),
            OpKind::Map(map) => map.pause_ms,
            _ => 0,
        });
        // As many items, or batches, as any case has, one after the other.
        let maps = ops().filter(|op| matches!(op.kind, OpKind::Map(_))).count() as u64;
        once_ms.sum::<u64>().saturating_mul(rounds + ITEMS * maps)
    }
}

fn planned(name: &str, program: Program) -> Result<Arc<Plan>, String> {
    let plan = Plan::new(Arc::new(program));
    let plan = plan.map_err(|errors| format!("`{name}` does not verify: {errors:?}"))?;
    Ok(Arc::new(plan))
}
