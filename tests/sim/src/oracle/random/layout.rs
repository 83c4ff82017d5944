//! Lays a random Program out: which op is a split, which ops stand in its branches, and where each
//! may lead to.

use crate::oracle::chance::Chance;

/// Splits inside each other.
const DEPTH_MAX: usize = 2;
/// Ops of a Program with splits; no more than `Maker::passed` has bits.
const OPS_MAX: usize = 44;

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Anything.
    Free,
    /// An op that gives an output and cannot fail where somebody catches it.
    Settling,
    /// A split with its branches' entries and its join.
    Split {
        /// Where each branch begins.
        entries: Vec<u32>,
        /// The join.
        join: u32,
    },
    /// The join of a split.
    Join {
        /// The split.
        split: u32,
        /// Whether each branch ends with a settling op, so that what they give can be compared.
        settles: bool,
    },
}

/// One place.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// What stands there.
    pub role: Role,
    /// Where it may lead to, the nearest first.
    pub ahead: Vec<u32>,
    /// Whether it stands in a branch, where no run ends.
    pub is_inside: bool,
}

/// The places of a Program without splits, the last one its end.
pub(super) fn flat(count: usize) -> Vec<Place> {
    let last = u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(1);
    let place = |at: u32| Place {
        role: Role::Free,
        ahead: (at + 1..=last).collect(),
        is_inside: false,
    };
    (0..=last).map(place).collect()
}

/// The places of a Program with splits, the last one its end.
pub(super) fn nested(chance: &mut Chance) -> Vec<Place> {
    let mut layout = Layout {
        chance,
        places: Vec::new(),
    };
    let units = 1 + layout.chance.below(4);
    let leaves = layout.region(units, 0, false);
    let last = layout.add(Role::Free, false);
    layout.link(&leaves, last);
    layout.places
}

struct Layout<'c> {
    chance: &'c mut Chance,
    places: Vec<Place>,
}

impl Layout<'_> {
    fn next(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    fn add(&mut self, role: Role, is_inside: bool) -> u32 {
        let ahead = Vec::new();
        self.places.push(Place {
            role,
            ahead,
            is_inside,
        });
        self.next() - 1
    }

    fn link(&mut self, from: &[u32], to: u32) {
        for from in from {
            if let Some(place) = self.places.get_mut(*from as usize) {
                place.ahead.push(to);
            }
        }
    }

    /// Lays units out one behind the other, each of which may lead to all behind it. Gives those
    /// that may leave it.
    fn region(&mut self, units: usize, depth: usize, settles: bool) -> Vec<u32> {
        let mut before: Vec<u32> = Vec::new();
        for unit in 0..units {
            let entry = self.next();
            self.link(&before, entry);
            // The outermost region has a split at least.
            let wants = self.chance.percent(25) || depth == 0 && unit == 0;
            let can = depth < DEPTH_MAX && self.places.len() + 12 < OPS_MAX;
            let leaves = match wants && can {
                true => self.split(depth),
                false => self.add(Role::Free, depth > 0),
            };
            before.push(leaves);
        }
        if settles {
            let entry = self.next();
            self.link(&before, entry);
            return vec![self.add(Role::Settling, true)];
        }
        before
    }

    /// Lays a split out with all that is in it. Gives its join, which is what leads on.
    fn split(&mut self, depth: usize) -> u32 {
        let (role, is_inside) = (Role::Free, depth > 0);
        let at = self.add(role, is_inside);
        let settles = self.chance.percent(50);
        let branches = self.chance.pick(2, &[2, 3, 3, 4]);
        let (mut entries, mut leaves) = (Vec::new(), Vec::new());
        for _ in 0..branches {
            let room = self.places.len() + 4 < OPS_MAX;
            let units = self.chance.below(if room { 3 } else { 1 });
            if units == 0 && (!settles || self.chance.percent(20)) {
                entries.push(None);
                continue;
            }
            entries.push(Some(self.next()));
            leaves.extend(self.region(units, depth + 1, settles));
        }
        let join = self.add(Role::Join { split: at, settles }, is_inside);
        self.link(&leaves, join);
        let entries = entries.into_iter().map(|entry| entry.unwrap_or(join));
        let entries = entries.collect();
        if let Some(place) = self.places.get_mut(at as usize) {
            place.role = Role::Split { entries, join };
        }
        join
    }
}
