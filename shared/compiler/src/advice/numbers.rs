//! Sets of numbers, to see which comparisons leave nothing for those that come after them.

use std::cmp::Ordering;

/// A place between numbers: right below one, or right above it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cut {
    number: f64,
    above: bool,
}

impl Cut {
    const LOWEST: Self = Self {
        number: f64::NEG_INFINITY,
        above: false,
    };
    const HIGHEST: Self = Self {
        number: f64::INFINITY,
        above: true,
    };

    fn cmp(self, other: Self) -> Ordering {
        let numbers = self.number.total_cmp(&other.number);
        numbers.then(self.above.cmp(&other.above))
    }

    fn min(self, other: Self) -> Self {
        if self.cmp(other).is_le() { self } else { other }
    }

    fn max(self, other: Self) -> Self {
        if self.cmp(other).is_ge() { self } else { other }
    }
}

/// A set of numbers: spans from one cut to another, apart from each other and in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Numbers(Vec<(Cut, Cut)>);

impl Numbers {
    /// The numbers for which `x OPERATOR number` is true; `None` for a word that compares nothing.
    pub fn fitting(operator: &str, number: f64) -> Option<Self> {
        // `-0.0` and `0.0` are one number.
        let number = number + 0.0;
        let (below, above) = (
            Cut {
                number,
                above: false,
            },
            Cut {
                number,
                above: true,
            },
        );
        Some(Self(match operator {
            "<" => vec![(Cut::LOWEST, below)],
            "<=" => vec![(Cut::LOWEST, above)],
            ">" => vec![(above, Cut::HIGHEST)],
            ">=" => vec![(below, Cut::HIGHEST)],
            "==" => vec![(below, above)],
            "!=" => vec![(Cut::LOWEST, below), (above, Cut::HIGHEST)],
            _ => return None,
        }))
    }

    /// The numbers that are in one of the two.
    pub fn or(&self, other: &Self) -> Self {
        let mut spans: Vec<_> = self.0.iter().chain(&other.0).copied().collect();
        spans.sort_by(|one, other| one.0.cmp(other.0));
        let mut joined: Vec<(Cut, Cut)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match joined.last_mut() {
                Some(last) if from.cmp(last.1).is_le() => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// Whether every number of the other is in this one.
    pub fn holds(&self, other: &Self) -> bool {
        let inside = |(from, to): &(Cut, Cut)| {
            let around = |one: &(Cut, Cut)| one.0.min(*from) == one.0 && one.1.max(*to) == one.1;
            self.0.iter().any(around)
        };
        other.0.iter().all(inside)
    }

    /// Whether it has every number.
    pub fn is_all(&self) -> bool {
        self.holds(&Self(vec![(Cut::LOWEST, Cut::HIGHEST)]))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Numbers;

    const OPERATORS: [&str; 6] = ["<", "<=", ">", ">=", "==", "!="];

    fn is_true(value: f64, operator: &str, number: f64) -> bool {
        match operator {
            "<" => value < number,
            "<=" => value <= number,
            ">" => value > number,
            ">=" => value >= number,
            "==" => value == number,
            _ => value != number,
        }
    }

    /// All pairs of comparisons with 0, 1 and 2 before a third one, against trying every half.
    #[test]
    fn what_is_left_is_what_trying_every_number_leaves() {
        let tests: Vec<(&str, f64)> = OPERATORS
            .iter()
            .flat_map(|operator| [0.0, 1.0, 2.0].map(|number| (*operator, number)))
            .collect();
        let tried: Vec<f64> = (-3..=7).map(|half| f64::from(half) / 2.0).collect();
        for first in &tests {
            for second in &tests {
                let sets = [first, second].map(|test| Numbers::fitting(test.0, test.1).unwrap());
                let both = sets[0].or(&sets[1]);
                let in_both = |value: f64| {
                    is_true(value, first.0, first.1) || is_true(value, second.0, second.1)
                };
                assert_eq!(both.is_all(), tried.iter().all(|value| in_both(*value)));
                for third in &tests {
                    let set = Numbers::fitting(third.0, third.1).unwrap();
                    let mut fitting = tried.iter().filter(|it| is_true(**it, third.0, third.1));
                    let nothing_left = fitting.all(|value| in_both(*value));
                    assert_eq!(
                        both.holds(&set),
                        nothing_left,
                        "{first:?} {second:?} {third:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn zero_is_one_number() {
        let zero = Numbers::fitting("==", 0.0).unwrap();
        assert!(zero.holds(&Numbers::fitting("==", -0.0).unwrap()));
        assert_eq!(Numbers::fitting("in", 0.0), None);
    }
}
