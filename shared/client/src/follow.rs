//! Decides which of the events that arrive are shown. No IO, no clock.

use lattice_model::Seq;

/// How far a reader of one run has come.
// INVARIANT: what it lets through is exactly the event behind `last`, then the one behind that, and
// so on, whatever arrives and in whatever order; nothing behind a terminal event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    last: Seq,
    over: bool,
}

/// What is to be done with an event that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<E> {
    /// It is the next one.
    Show(E),
    /// It has been shown already.
    Known,
    /// Events are missing before it. They, and it too, are to be fetched as pages from `last` on.
    Gap {
        /// The event that has to come next.
        expected: Seq,
        /// The event that came.
        found: Seq,
    },
    /// A terminal event has been shown: nothing follows.
    Over,
}

impl Follow {
    /// A reader who has everything up to `last`.
    pub fn new(last: Seq) -> Self {
        Self { last, over: false }
    }

    /// The last event that was shown.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// Whether a terminal event was shown.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Takes an event that has arrived; `terminal` says that nothing can follow it.
    pub fn take<E>(&mut self, seq: Seq, terminal: bool, event: E) -> Step<E> {
        let expected = self.last.next();
        if self.over {
            return Step::Over;
        }
        if seq < expected {
            return Step::Known;
        }
        if seq > expected {
            return Step::Gap {
                expected,
                found: seq,
            };
        }
        self.last = seq;
        self.over = terminal;
        Step::Show(event)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use proptest::prelude::*;

    fn seq(number: u64) -> Seq {
        Seq::from_stored(number)
    }

    /// A run of `end` events, the reader of it, and what he was shown.
    struct Reader {
        follow: Follow,
        end: u64,
        shown: Vec<u64>,
    }

    impl Reader {
        fn new(from: u64, end: u64) -> Self {
            let follow = Follow::new(seq(from));
            let shown = Vec::new();
            Self { follow, end, shown }
        }

        fn arrives(&mut self, number: u64) -> Step<u64> {
            let step = self.follow.take(seq(number), number == self.end, number);
            if let Step::Show(shown) = step {
                self.shown.push(shown);
            }
            step
        }

        /// An event arrives, and whatever is missing before it is fetched in pages.
        fn settles(&mut self, number: u64, page: u64) {
            let Step::Gap { expected, found } = self.arrives(number) else {
                return;
            };
            assert_eq!((expected, found), (self.follow.last().next(), seq(number)));
            while self.follow.last() < found {
                let from = self.follow.last().get();
                for number in (from + 1..=self.end).take(page as usize) {
                    self.arrives(number);
                }
            }
        }
    }

    #[test]
    fn each_way_an_event_can_stand_to_the_last_one() {
        let mut reader = Reader::new(4, 7);
        assert_eq!(reader.arrives(4), Step::Known);
        assert_eq!(reader.arrives(5), Step::Show(5));
        assert_eq!(reader.arrives(5), Step::Known);
        let (expected, found) = (seq(6), seq(7));
        assert_eq!(reader.arrives(7), Step::Gap { expected, found });
        assert!(!reader.follow.is_over());
        assert_eq!(reader.arrives(6), Step::Show(6));
        assert_eq!(reader.arrives(7), Step::Show(7));
        for number in [1, 7, 8, 9] {
            assert_eq!(reader.arrives(number), Step::Over);
        }
        assert_eq!(reader.follow.last(), seq(7));
    }

    proptest! {
        /// Frames are dropped, repeated and mixed up at will; each connection ends where it likes
        /// and the next one begins where it likes.
        #[test]
        fn exactly_the_events_behind_the_first_are_shown(
            (end, from, arrivals) in (1_u64..60).prop_flat_map(|end| {
                (Just(end), 0..=end, prop::collection::vec(1..=end, 0..200))
            }),
            page in 1_u64..9,
        ) {
            let mut reader = Reader::new(from, end);
            for number in arrivals {
                reader.settles(number, page);
                let last = reader.follow.last().get();
                prop_assert_eq!(&reader.shown, &(from + 1..=last).collect::<Vec<_>>());
            }
            for number in from + 1..=end {
                reader.settles(number, page);
            }
            prop_assert_eq!(&reader.shown, &(from + 1..=end).collect::<Vec<_>>());
            prop_assert_eq!(reader.follow.is_over(), from < end);
        }
    }
}
