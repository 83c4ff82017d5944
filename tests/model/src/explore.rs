//! Explores whole spaces and says what was found.

use crate::configurations::Configuration;
use crate::model::{Action, RunModel, WITNESSES};
use crate::world::World;
use lattice_model::Guards;
use stateright::{Checker, Expectation, HasDiscoveries, Model};
use std::collections::BTreeSet;
use std::collections::hash_map::{DefaultHasher, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a space came to.
#[derive(Debug)]
pub struct Found {
    /// States.
    pub unique: usize,
    /// Steps from a state to a state.
    pub generated: usize,
    /// States on the longest way that was gone: breadth first, the longest of the shortest ways.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The first rule that was broken, and a way to it.
    pub broken: Option<Broken>,
    /// The witnesses that were seen.
    pub seen: BTreeSet<&'static str>,
}

/// A rule that was broken, and a way to it.
#[derive(Debug)]
pub struct Broken {
    /// The rule in words.
    pub rule: &'static str,
    /// What happened, one after the other.
    pub way: Vec<Action>,
}

/// Explores every state, or as many as it takes to break a rule: breadth first, so that the way to it
/// is a shortest one; a large space depth first, since there the states that wait would fill the memory.
pub fn explore(configuration: &Configuration, guards: Guards) -> Result<Found, String> {
    let begun = Instant::now();
    // One thread: what is found first is found first the next time too.
    let checker = configuration.model(guards)?.checker().threads(1);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    Ok(match configuration.is_large {
        false => read(&checker.spawn_bfs().join(), begun),
        true => read(&checker.spawn_dfs().join(), begun),
    })
}

fn read(checker: &impl Checker<RunModel>, begun: Instant) -> Found {
    let is_rule = |name: &str| {
        let properties = checker.model().properties();
        let mut all = properties.iter();
        all.any(|it| it.name == name && it.expectation == Expectation::Always)
    };
    let (mut broken, mut seen) = (None, BTreeSet::new());
    for (name, path) in checker.discoveries() {
        match is_rule(name) {
            true => {
                let way = path.into_actions();
                broken = Some(Broken { rule: name, way });
            }
            false => {
                seen.insert(name);
            }
        }
    }
    Found {
        unique: checker.unique_state_count(),
        generated: checker.state_count(),
        depth: checker.max_depth(),
        took: begun.elapsed(),
        broken,
        seen,
    }
}

/// Explores several spaces, so many at once, and tells of each when it is done.
pub fn explore_all<'c>(
    spaces: &[&'c Configuration],
    at_once: usize,
    tell: impl Fn(&Configuration, &Found) + Sync,
) -> Result<Vec<(&'c Configuration, Found)>, String> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let take = || {
        while let Some(one) = spaces.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = explore(one, Guards::ALL).inspect(|found| tell(one, found));
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(found.map(|found| (*one, found)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(take);
        }
    });
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.into_iter().collect()
}

/// Whether some way comes back to a state that it was in: a run that goes round for ever. Every way
/// that does not ends in a state in which nothing can happen, and that one is judged by a rule.
pub fn goes_round(model: &RunModel) -> bool {
    let name = |world: &World| {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        hasher.finish()
    };
    // A state is open while the way leads through it.
    let mut is_open: HashMap<u64, bool> = HashMap::new();
    let mut way: Vec<(u64, Vec<World>)> = vec![(0, model.init_states())];
    while let Some((place, ahead)) = way.last_mut() {
        let Some(next) = ahead.pop() else {
            is_open.insert(*place, false);
            way.pop();
            continue;
        };
        let name = name(&next);
        match is_open.get(&name) {
            Some(true) => return true,
            Some(false) => {}
            None => {
                is_open.insert(name, true);
                way.push((name, model.next_states(&next)));
            }
        }
    }
    false
}

/// The witnesses that no space has shown.
pub fn unseen(found: &[(&Configuration, Found)]) -> Vec<&'static str> {
    let names = WITNESSES.iter().map(|(name, _)| *name);
    let is_seen = |name: &&str| found.iter().any(|(_, one)| one.seen.contains(name));
    names.filter(|name| !is_seen(name)).collect()
}

/// The figures, and the way to what was broken.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unique, generated, depth) = (self.unique, self.generated, self.depth);
        let seconds = self.took.as_secs_f32();
        write!(f, "{unique:>9} {generated:>10} {depth:>6} {seconds:>8.1}")?;
        let Some(broken) = &self.broken else {
            return Ok(());
        };
        write!(f, "\n  BROKEN: {}", broken.rule)?;
        for action in &broken.way {
            write!(f, "\n    {action:?}")?;
        }
        Ok(())
    }
}
