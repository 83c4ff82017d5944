//! Tells a watcher what a model has said so far, redacted, as the answer comes.

use lattice_policy::{LiveRedaction, Redactor};
use lattice_ports::{LiveText, Unwatched};
use std::fmt;

/// The telling of one attempt.
pub struct Telling<'a> {
    live: &'a dyn LiveText,
    redactor: Redactor,
    /// Begun only once somebody watches.
    redaction: Option<LiveRedaction>,
    /// Bytes of the answer that the redaction has been given.
    given: usize,
    /// Bytes that were told since somebody began to watch.
    told: usize,
}

/// A text is told again once it has grown by this part of it: the whole is told each time, and so
/// the sum of all tellings stays in proportion to the answer.
const GROWN_PART: usize = 256;

impl<'a> Telling<'a> {
    /// Tells `live` whatever the redactor lets through.
    pub fn new(live: &'a dyn LiveText, redactor: Redactor) -> Self {
        Self {
            live,
            redactor,
            redaction: None,
            given: 0,
            told: 0,
        }
    }

    /// Tells nobody.
    pub fn nobody() -> Self {
        Self::new(&Unwatched, Redactor::new())
    }

    /// `answer` is all that has come by now, as it came; each begins with the one before.
    pub(crate) fn so_far(&mut self, answer: &str) {
        if !self.live.is_watched() {
            // Whoever watches next has seen nothing.
            self.told = 0;
            return;
        }
        let redactor = &self.redactor;
        let redaction = self.redaction.get_or_insert_with(|| redactor.live());
        redaction.push(answer.get(self.given..).unwrap_or_default());
        self.given = answer.len();
        let text = redaction.stable();
        if text.len() > self.told + self.told / GROWN_PART {
            self.told = text.len();
            self.live.so_far(text);
        }
    }
}

impl fmt::Debug for Telling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Telling({} bytes told)", self.told)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Watcher {
        looks: AtomicBool,
        texts: Mutex<Vec<String>>,
    }

    impl LiveText for Watcher {
        fn is_watched(&self) -> bool {
            self.looks.load(Ordering::Relaxed)
        }

        fn so_far(&self, text: &str) {
            self.texts.lock().unwrap().push(text.to_owned());
        }
    }

    impl Watcher {
        fn look(&self, looks: bool) {
            self.looks.store(looks, Ordering::Relaxed);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.texts.lock().unwrap())
        }
    }

    const ANSWER: &str = "It is said that a lamp needs oil. And that oil needs a lamp. ";

    #[test]
    fn whoever_begins_to_watch_is_told_everything_so_far() {
        let watcher = Watcher::default();
        let mut telling = Telling::new(&watcher, Redactor::new());
        telling.so_far(&ANSWER[..34]);
        assert!(watcher.take().is_empty());
        watcher.look(true);
        telling.so_far(&ANSWER[..34]);
        assert_eq!(watcher.take(), [&ANSWER[..34]]);
        telling.so_far(&ANSWER[..34]);
        assert!(watcher.take().is_empty(), "nothing new was told");
        watcher.look(false);
        telling.so_far(ANSWER);
        assert!(watcher.take().is_empty());
        watcher.look(true);
        telling.so_far(ANSWER);
        assert_eq!(watcher.take(), [ANSWER]);
        watcher.look(false);
        telling.so_far(ANSWER);
        watcher.look(true);
        telling.so_far(ANSWER);
        assert_eq!(
            watcher.take(),
            [ANSWER],
            "it did not grow, but nobody has seen it"
        );
    }

    #[test]
    fn what_is_told_stays_in_proportion_to_the_answer() {
        let watcher = Watcher::default();
        watcher.look(true);
        let mut telling = Telling::new(&watcher, Redactor::new());
        let answer = ANSWER.repeat(2_000);
        let mut bytes = 0;
        for end in (0..=answer.len()).step_by(20) {
            telling.so_far(&answer[..end]);
            bytes += watcher.take().iter().map(String::len).sum::<usize>();
        }
        assert!(
            bytes > answer.len() && bytes < 600 * answer.len(),
            "{bytes} bytes"
        );
    }
}
