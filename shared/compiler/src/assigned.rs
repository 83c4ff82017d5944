//! Which variables are certain to be set when a run comes to a node.

use crate::graph::Link;
use crate::unit::Unit;
use lattice_document::branch_of_port;
use lattice_nodes::{Carries, Write};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// For each node, the variables that are set on every path to it.
pub(crate) struct Assigned<'u> {
    unit: &'u Unit<'u>,
    /// The variables that some node sets or deletes. The others never change.
    changing: BTreeMap<&'u str, usize>,
    /// One bit for each of them, by node; empty where a run never comes.
    certain: Vec<Vec<u64>>,
}

/// One bit for each variable that changes.
type Bits = Vec<u64>;

const WORD_BITS: usize = 64;

impl<'u> Assigned<'u> {
    /// Follows every variable from where runs begin along the order of the walk, until going round a
    /// loop once more changes nothing.
    pub fn new(unit: &'u Unit<'u>) -> Self {
        let mut changing = BTreeMap::new();
        for slot in &unit.slots {
            if let Some(write) = slot
                .opened
                .as_ref()
                .and_then(|opened| opened.writes.as_ref())
            {
                let next = changing.len();
                changing.entry(write.variable()).or_insert(next);
            }
        }
        let mut assigned = Self {
            unit,
            certain: vec![Vec::new(); unit.slots.len()],
            changing,
        };
        // A way back counts from the second round on, when something is known of where it begins.
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for node in &unit.walk.order {
                let bits = assigned.bits_at(*node);
                if let Some(slot) = assigned.certain.get_mut(*node).filter(|it| **it != bits) {
                    *slot = bits;
                    is_settled = unit.walk.cycles.is_empty();
                }
            }
        }
        assigned
    }

    /// Whether the variable is set on every path to the node.
    pub fn is_certain(&self, variable: &str, node: usize) -> bool {
        match self.changing.get(variable) {
            Some(place) => self.certain.get(node).is_some_and(|bits| get(bits, *place)),
            None => self.is_declared(variable),
        }
    }

    /// The nodes of a path from where a run begins to `node` at whose end the variable is not set.
    pub fn path_without(&self, variable: &str, node: usize) -> Vec<usize> {
        let is_declared = self.is_declared(variable);
        let mut before: BTreeMap<(usize, bool), Option<(usize, bool)>> = BTreeMap::new();
        let firsts = self.unit.entries.iter().map(|entry| (*entry, is_declared));
        let mut ready: Vec<_> = firsts.collect();
        before.extend(ready.iter().map(|first| (*first, None)));
        while let Some(at) = ready.pop() {
            for link in self.unit.graph.links_out(at.0) {
                let next = (link.to, self.is_set_behind(variable, link, at.1));
                if let Entry::Vacant(first) = before.entry(next) {
                    first.insert(Some(at));
                    ready.push(next);
                }
            }
        }
        let last = Some((node, false)).filter(|last| before.contains_key(last));
        let steps = std::iter::successors(last, |at| before.get(at).copied().flatten());
        let mut nodes: Vec<_> = steps.map(|(node, _)| node).collect();
        nodes.reverse();
        nodes
    }

    fn is_declared(&self, variable: &str) -> bool {
        self.unit.document.settings.variables.contains_key(variable)
    }

    fn bits_at(&self, node: usize) -> Vec<u64> {
        if self.unit.entries.contains(&node) {
            return self.declared();
        }
        let links = self.unit.graph.links_into(node);
        // By the branch of the outermost split that ends here; in no branch, if none does.
        let mut behind: BTreeMap<Option<(usize, usize)>, Bits> = BTreeMap::new();
        for (place, link) in links {
            let Some(bits) = self.bits_behind(link) else {
                continue;
            };
            let split = self.unit.branching.leaves(place);
            let branch = split.and_then(|split| self.branch_of(split, link));
            match behind.get_mut(&branch) {
                Some(all) => both(all, &bits),
                None => {
                    behind.insert(branch, bits);
                }
            }
        }
        let joined = self.joined(&mut behind);
        let others = behind.into_values();
        let all = others.chain(joined).reduce(|mut all, other| {
            both(&mut all, &other);
            all
        });
        all.unwrap_or_default()
    }

    /// The branch of the split that a link leaves.
    fn branch_of(&self, split: usize, link: &Link) -> Option<(usize, usize)> {
        let edge = self.unit.document.edges.get(link.edge)?;
        let place = match link.from == split {
            true => branch_of_port(&edge.from_port)?,
            false => self.unit.branching.branch_in(split, link.from)?,
        };
        Some((split, place))
    }

    /// Where every branch counts, a variable is set that one of them sets and none deletes.
    fn joined(&self, behind: &mut BTreeMap<Option<(usize, usize)>, Bits>) -> Option<Bits> {
        let (split, _) = behind.keys().flatten().next().copied()?;
        let opened = self.unit.opened(split)?.split.as_ref()?;
        if !opened.all {
            return None;
        }
        let keys: Vec<_> = behind.keys().filter(|key| key.is_some()).copied().collect();
        let branches = keys.iter().filter_map(|key| behind.remove(key));
        let mut any = branches.reduce(|mut any, other| {
            any.iter_mut()
                .zip(&other)
                .for_each(|(word, other)| *word |= other);
            any
        })?;
        for node in &self.unit.walk.order {
            let deletes = match self.write_of(*node) {
                Some(Write::Delete(name)) => self.changing.get(name.as_str()),
                _ => None,
            };
            if let Some(place) = deletes
                && self.unit.branching.branch_in(split, *node).is_some()
            {
                put(&mut any, *place, false);
            }
        }
        Some(any)
    }

    fn declared(&self) -> Vec<u64> {
        let mut bits = vec![0; self.changing.len().div_ceil(WORD_BITS).max(1)];
        for (variable, place) in &self.changing {
            put(&mut bits, *place, self.is_declared(variable));
        }
        bits
    }

    /// What is set behind a link out of a node that was visited; `None` if a run never comes there.
    fn bits_behind(&self, link: &Link) -> Option<Vec<u64>> {
        let mut bits = self
            .certain
            .get(link.from)
            .filter(|bits| !bits.is_empty())?
            .clone();
        if let Some(write) = self.write_of(link.from)
            && let Some(place) = self.changing.get(write.variable())
        {
            let is_set = self.is_set_behind(write.variable(), link, get(&bits, *place));
            put(&mut bits, *place, is_set);
        }
        Some(bits)
    }

    /// Whether a variable is set behind a link, if it was or was not before the link's node.
    fn is_set_behind(&self, variable: &str, link: &Link, was_set: bool) -> bool {
        match self.write_of(link.from) {
            // A write that failed changed nothing.
            _ if link.carries != Carries::Output => was_set,
            Some(Write::Set(name)) if name == variable => true,
            Some(Write::Delete(name)) if name == variable => false,
            _ => was_set,
        }
    }

    fn write_of(&self, node: usize) -> Option<&'u Write> {
        self.unit.opened(node)?.writes.as_ref()
    }
}

/// Keeps what is certain on both ways.
fn both(all: &mut Bits, other: &Bits) {
    all.iter_mut()
        .zip(other)
        .for_each(|(word, other)| *word &= other);
}

fn get(bits: &[u64], place: usize) -> bool {
    let word = bits.get(place / WORD_BITS).copied().unwrap_or(0);
    word >> (place % WORD_BITS) & 1 == 1
}

fn put(bits: &mut [u64], place: usize, value: bool) {
    if let Some(word) = bits.get_mut(place / WORD_BITS) {
        let bit = 1 << (place % WORD_BITS);
        *word = if value { *word | bit } else { *word & !bit };
    }
}
