//! What came of it: counts, and what must not be.

use crate::plan::Plan;
use crate::slow::Slow;
use lattice_model::limits::{
    CONNECTION_BUFFER_BYTES_MAX, CONNECTION_KERNEL_BYTES_MAX, STREAM_RINGS_BYTES_MAX,
};
use lattice_served::{Judged, Metrics, Read, StoredLog, Usage};
use std::fmt::Write;
use std::time::Duration;

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    subscribers: usize,
    slow: usize,
    drops_wanted: u64,
    events: usize,
    events_wanted: u64,
    broken_log: bool,
    /// What readers saw that is not the log.
    pub judged: Judged,
    reasons: Vec<String>,
    dropped: u64,
    resumed: u64,
    texts: u64,
    seen: u64,
    slow_cut: usize,
    slow_taken_max: u64,
    slow_lay_max: u64,
    /// From the start of the run until the last reader had it all.
    pub wall: Duration,
    base_bytes: u64,
    peak_bytes: u64,
    cpu: Duration,
    reconnects: u64,
    cuts_slow: u64,
    cuts_other: u64,
    open: u64,
    lag: (Option<f64>, Option<f64>),
}

/// Bytes that one connection may cost the server, whoever reads.
const CONNECTION_BYTES: u64 = 128 * 1024;
/// Bytes that may have left the server for a reader who took none: the system doubles what it is
/// asked to hold back, and the reader's own side holds some.
const HIDDEN_BYTES_MAX: u64 =
    (2 * CONNECTION_KERNEL_BYTES_MAX + CONNECTION_BUFFER_BYTES_MAX + 64 * 1024) as u64;
const REASONS_SHOWN: usize = 3;

impl Report {
    /// Nothing yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            subscribers: plan.subscribers,
            slow: plan.slow,
            drops_wanted: (plan.subscribers * plan.drops) as u64,
            events_wanted: plan.events,
            ..Self::default()
        }
    }

    /// The log as it is stored.
    pub fn log(&mut self, log: &StoredLog) {
        self.events = log.len();
        self.broken_log = log.is_broken();
    }

    /// One subscriber.
    pub fn reader(&mut self, log: &StoredLog, read: &Read) {
        self.judged += log.judge(read);
        self.dropped += read.dropped;
        self.resumed += read.counts.reconnects;
        self.texts += read.texts;
        self.seen += read.prints.len() as u64;
        self.reasons.extend(read.failed.clone());
    }

    /// One slow reader.
    pub fn slow_reader(&mut self, log: &StoredLog, slow: &Slow) {
        self.judged += log.judge(&slow.read);
        self.slow_cut += usize::from(slow.cut);
        self.slow_taken_max = self.slow_taken_max.max(slow.taken);
        self.slow_lay_max = self.slow_lay_max.max(slow.lay);
        self.reasons.extend(slow.read.failed.clone());
    }

    /// What the server used and counted.
    pub fn server(&mut self, before: Usage, after: Usage, metrics: &Metrics) {
        self.base_bytes = before.peak_bytes;
        self.peak_bytes = after.peak_bytes;
        self.cpu = after.cpu.saturating_sub(before.cpu);
        self.reconnects = metrics.sum("lattice_stream_reconnects_total");
        let cuts = "lattice_stream_cuts_total";
        self.cuts_slow = metrics.sum_of(cuts, "reason=\"slow\"");
        self.cuts_other = metrics.sum(cuts) - self.cuts_slow;
        self.open = metrics.sum("lattice_stream_subscribers");
        let lag = |part| metrics.quantile("lattice_stream_lag_seconds", part);
        self.lag = (lag(0.5), lag(0.99));
    }

    fn cap_bytes(&self) -> u64 {
        let connections = (self.subscribers + self.slow) as u64;
        STREAM_RINGS_BYTES_MAX as u64 + connections * CONNECTION_BYTES + self.base_bytes
    }

    /// What must not be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, text: String| {
            if !holds {
                faults.push(text);
            }
        };
        let Judged {
            gaps,
            repeats,
            different,
            incomplete,
        } = self.judged;
        must(!self.broken_log, "the stored log is not whole".to_owned());
        must(
            self.events as u64 >= self.events_wanted,
            format!("the run has {} events only", self.events),
        );
        must(gaps == 0, format!("{gaps} gaps"));
        must(repeats == 0, format!("{repeats} repeats"));
        must(
            different == 0,
            format!("{different} events are not as they are stored"),
        );
        let reasons: Vec<&str> = self.reasons.iter().map(String::as_str).collect();
        let reasons = reasons.get(..REASONS_SHOWN).unwrap_or(&reasons).join("; ");
        must(
            incomplete == 0,
            format!("{incomplete} readers did not get it all: {reasons}"),
        );
        // Those who come from the middle may have less room than drops.
        must(
            self.dropped <= self.drops_wanted && self.dropped * 10 >= self.drops_wanted * 9,
            format!("{} drops instead of {}", self.dropped, self.drops_wanted),
        );
        must(
            self.cuts_slow == self.slow as u64 && self.slow_cut == self.slow,
            format!(
                "{} cut off as slow, and {} of the slow readers noticed",
                self.cuts_slow, self.slow_cut
            ),
        );
        must(
            self.cuts_other == 0,
            format!("{} cut off for other reasons", self.cuts_other),
        );
        must(
            self.slow_lay_max <= HIDDEN_BYTES_MAX,
            format!("{} bytes lay ready for a slow reader", self.slow_lay_max),
        );
        must(
            self.peak_bytes <= self.cap_bytes(),
            format!("the server had {} bytes of memory", self.peak_bytes),
        );
        faults
    }

    /// All of it.
    pub fn table(&self) -> String {
        let mb = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
        let ms = |lag: Option<f64>| lag.map_or("-".to_owned(), |lag| format!("{:.2}", lag * 1e3));
        let seconds = |time: Duration| format!("{:.1}", time.as_secs_f64());
        let base = mb(self.base_bytes);
        let connections = self.subscribers + self.slow;
        let cap = format!("  its cap: 64 MB + 128 KB x {connections} + base {base} MB");
        let rows = [
            ("subscribers", self.subscribers.to_string()),
            ("events of the run", self.events.to_string()),
            ("events told", self.seen.to_string()),
            ("pieces of live text told", self.texts.to_string()),
            ("drops on purpose", self.dropped.to_string()),
            (
                "streams opened again, by the clients",
                self.resumed.to_string(),
            ),
            (
                "streams resumed behind an event, by the server",
                self.reconnects.to_string(),
            ),
            ("gaps", self.judged.gaps.to_string()),
            ("repeats", self.judged.repeats.to_string()),
            (
                "events unlike the stored ones",
                self.judged.different.to_string(),
            ),
            ("incomplete", self.judged.incomplete.to_string()),
            ("slow readers (1 byte/s)", self.slow.to_string()),
            (
                "  cut off as slow, by the server",
                self.cuts_slow.to_string(),
            ),
            (
                "  bytes they read until the cut, most",
                self.slow_taken_max.to_string(),
            ),
            (
                "  bytes that lay in the system's buffers, most",
                self.slow_lay_max.to_string(),
            ),
            ("cut off for other reasons", self.cuts_other.to_string()),
            ("streams still open at the end", self.open.to_string()),
            ("wall time in s", seconds(self.wall)),
            ("server's processor time in s", seconds(self.cpu)),
            ("server's peak memory in MB", mb(self.peak_bytes)),
            (cap.as_str(), mb(self.cap_bytes())),
            ("append to frame, p50 in ms (bucket)", ms(self.lag.0)),
            ("append to frame, p99 in ms (bucket)", ms(self.lag.1)),
        ];
        let mut table = String::new();
        for (name, cell) in rows {
            // INVARIANT: writing to a String cannot fail.
            let _ = writeln!(table, "{name:<52}{cell:>14}");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            subscribers: 2,
            slow: 1,
            slow_cut: 1,
            cuts_slow: 1,
            drops_wanted: 10,
            dropped: 10,
            ..Report::default()
        }
    }

    #[test]
    fn whatever_must_not_be_is_a_fault() {
        assert!(report().faults().is_empty(), "{:?}", report().faults());
        let changes: [fn(&mut Report); 12] = [
            |r| r.broken_log = true,
            |r| r.events_wanted = 1,
            |r| r.judged.gaps = 1,
            |r| r.judged.repeats = 1,
            |r| r.judged.different = 1,
            |r| r.judged.incomplete = 1,
            |r| r.dropped = 8,
            |r| r.cuts_slow = 2,
            |r| r.slow_cut = 0,
            |r| r.cuts_other = 1,
            |r| r.slow_lay_max = HIDDEN_BYTES_MAX + 1,
            |r| r.peak_bytes = r.cap_bytes() + 1,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut broken = report();
            change(&mut broken);
            assert_eq!(broken.faults().len(), 1, "change {number}");
        }
    }
}
