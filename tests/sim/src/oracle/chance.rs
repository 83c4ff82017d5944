//! Numbers from a seed: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
//! Generators", OOPSLA 2014). The same seed gives the same numbers on every machine, for ever.

/// A stream of numbers that look random.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let number = self.number();
        usize::try_from(number.checked_rem(end as u64).unwrap_or(0)).unwrap_or(0)
    }

    /// Whether something happens that happens `percent` times in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items. The first stands apart because there must be one.
    pub fn pick<T: Clone>(&mut self, first: T, rest: &[T]) -> T {
        let place = self.below(rest.len() + 1);
        match place.checked_sub(1).and_then(|place| rest.get(place)) {
            Some(item) => item.clone(),
            None => first,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::Chance;
    use std::collections::BTreeSet;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        // The first outputs of the reference implementation for the seed 1234567.
        let mut chance = Chance::new(1_234_567);
        let numbers: Vec<_> = (0..3).map(|_| chance.number()).collect();
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(numbers, known);
    }

    #[test]
    fn every_item_is_picked_and_bounds_hold() {
        let mut chance = Chance::new(1);
        let picked: BTreeSet<_> = (0..100).map(|_| chance.pick('a', &['b', 'c'])).collect();
        assert_eq!(picked, BTreeSet::from(['a', 'b', 'c']));
        assert!((0..100).all(|_| chance.below(3) < 3));
        assert_eq!(chance.below(0), 0);
        assert!((0..100).all(|_| chance.percent(100) && !chance.percent(0)));
    }
}
