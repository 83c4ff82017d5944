//! Fires schedules while the process runs: a list of what is armed, and a sleep until the first.

use crate::lock;
use lattice_ir::{Missed, TriggerKind};
use lattice_model::limits::SCHEDULE_LATE_MS_MAX;
use lattice_model::{Millis, TriggerId};
use lattice_ports::{Clock, PortError, Schedules, TriggerRow};
use lattice_schedule::Expression;
use std::collections::BTreeMap;
use std::sync::Mutex;
use tokio::sync::Notify;

const PORT: &str = "schedules";
/// The longest sleep: the wall clock may be set, and a machine may be suspended.
const LOOK_EVERY_MS: u64 = 20_000;

/// The schedules of this process. What it is told is forgotten with it, so it is told everything at
/// each start.
#[derive(Debug)]
pub struct LocalSchedules<C> {
    clock: C,
    armed: Mutex<BTreeMap<TriggerId, Armed>>,
    changed: Notify,
}

/// A moment at which a schedule fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The schedule.
    pub trigger: TriggerId,
    /// The moment that it means; now, or a little before.
    pub at: Millis,
    /// Whether it counts however late it is.
    pub is_made_up: bool,
}

#[derive(Debug)]
struct Armed {
    row: TriggerRow,
    expression: Expression,
    missed: Missed,
    next: Option<Millis>,
}

impl Armed {
    /// Whether the row says of the clock what this one was armed with.
    fn is_as(&self, row: &TriggerRow) -> bool {
        self.row.on == row.on && self.row.stored_at == row.stored_at
    }

    /// The newest moment that nobody was there for. What lies before a save, or before the end of a
    /// pause, was not missed.
    fn newest_missed(&self, now: Millis) -> Option<Millis> {
        let row = &self.row;
        let until = row.pause.and_then(|pause| pause.until);
        let from = row.stored_at.max(until.unwrap_or(row.stored_at));
        self.expression.last_in(from, now, row.stored_at)
    }
}

impl<C: Clock> LocalSchedules<C> {
    /// A wheel on which nothing is armed.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            armed: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Ends when a schedule fires. A moment that is found late fires up to `SCHEDULE_LATE_MS_MAX`
    /// afterwards, and is passed over beyond that; where missed moments are made up for, the newest
    /// fires however late it is. For one caller at a time.
    pub async fn next(&self) -> Firing {
        loop {
            let now = self.clock.now();
            let (due, first) = self.look(now);
            if let Some(firing) = due {
                return firing;
            }
            let pause = first.map_or(LOOK_EVERY_MS, |first| first.since(now).min(LOOK_EVERY_MS));
            // What is armed in between leaves its mark, so no change is slept over.
            tokio::select! {
                () = self.clock.sleep(pause) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// What fires now, or else the first moment to come.
    fn look(&self, now: Millis) -> (Option<Firing>, Option<Millis>) {
        let mut armed = lock(&self.armed);
        loop {
            let first = armed.values_mut().filter(|one| one.next.is_some());
            let Some(first) = first.min_by_key(|one| one.next) else {
                return (None, None);
            };
            let Some(at) = first.next.filter(|at| *at <= now) else {
                return (None, first.next);
            };
            if first.missed == Missed::Once {
                let at = first.expression.last_in(
                    Millis::new(at.get().saturating_sub(1)),
                    now,
                    first.row.stored_at,
                );
                first.next = first.expression.next_after(now, first.row.stored_at);
                let Some(at) = at else { continue };
                let trigger = first.row.id.clone();
                let is_made_up = true;
                let firing = Firing {
                    trigger,
                    at,
                    is_made_up,
                };
                return (Some(firing), None);
            }
            let late_ms = now.since(at);
            let on_time = late_ms <= SCHEDULE_LATE_MS_MAX;
            let from = if on_time { at } else { latest_missed(now) };
            first.next = first.expression.next_after(from, first.row.stored_at);
            let trigger = first.row.id.clone();
            if on_time {
                let is_made_up = false;
                let firing = Firing {
                    trigger,
                    at,
                    is_made_up,
                };
                return (Some(firing), None);
            }
            let (workflow, node) = (&first.row.workflow, &first.row.node);
            tracing::warn!(
                %trigger, %workflow, %node, at = at.rfc3339(), late_ms,
                "a schedule is passed over: its moment went by while nobody looked"
            );
        }
    }
}

/// The last moment that is too late at `now`.
fn latest_missed(now: Millis) -> Millis {
    Millis::new(now.get().saturating_sub(SCHEDULE_LATE_MS_MAX + 1))
}

impl<C: Clock> Schedules for LocalSchedules<C> {
    async fn arm(&self, row: &TriggerRow) -> Result<(), PortError> {
        let TriggerKind::Schedule(schedule) = &row.on else {
            return Ok(());
        };
        let read = Expression::read(&schedule.expression, &schedule.timezone);
        let expression = read.map_err(|error| PortError::Corrupt {
            port: PORT,
            reason: format!("trigger `{}`: {error}", row.id),
        })?;
        let mut armed = lock(&self.armed);
        // One that stands as it was keeps its place: what has fired does not fire again.
        if armed.get(&row.id).is_some_and(|known| known.is_as(row)) {
            return Ok(());
        }
        let now = self.clock.now();
        let from = latest_missed(now).max(row.stored_at);
        let mut one = Armed {
            row: row.clone(),
            next: expression.next_after(from, row.stored_at),
            missed: schedule.missed,
            expression,
        };
        if schedule.missed == Missed::Once {
            // Perhaps it has fired: who is told of a moment again starts nothing.
            let newest = one.newest_missed(now);
            one.next = newest.or_else(|| one.expression.next_after(now, row.stored_at));
        }
        armed.insert(row.id.clone(), one);
        self.changed.notify_one();
        Ok(())
    }

    async fn disarm(&self, id: &TriggerId) -> Result<(), PortError> {
        lock(&self.armed).remove(id);
        self.changed.notify_one();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use futures::FutureExt;
    use futures::executor::block_on;
    use lattice_ir::{Overlap, Schedule};
    use lattice_model::{NodeId, Tenant, WorkflowId};
    use lattice_ports::memory::ManualClock;
    use lattice_ports::{FiringNote, Pause};
    use serde_json::json;

    /// 2026-01-31T12:00:00Z, a Saturday.
    const NOON: Millis = Millis::new(1_769_860_800_000);
    const MINUTE: u64 = 60_000;

    fn row(id: &str, expression: &str) -> TriggerRow {
        TriggerRow {
            id: TriggerId::new(id),
            tenant: Tenant::local(),
            workflow: WorkflowId::new("w"),
            node: NodeId::new("tick"),
            on: TriggerKind::Schedule(Schedule {
                expression: expression.to_owned(),
                timezone: "UTC".to_owned(),
                input: json!({}),
                overlap: Overlap::default(),
                missed: Missed::default(),
            }),
            stored_at: NOON,
            pause: None,
            note: FiringNote::default(),
        }
    }

    fn wheel() -> (ManualClock, LocalSchedules<ManualClock>) {
        let clock = ManualClock::new(NOON, 1);
        (clock.clone(), LocalSchedules::new(clock))
    }

    fn fires(wheel: &LocalSchedules<ManualClock>) -> Option<(String, u64)> {
        let firing = wheel.next().now_or_never()?;
        Some((firing.trigger.to_string(), firing.at.since(NOON) / MINUTE))
    }

    fn arm(wheel: &LocalSchedules<ManualClock>, row: &TriggerRow) {
        block_on(wheel.arm(row)).unwrap();
    }

    #[test]
    fn each_moment_fires_once_and_in_order() {
        let (clock, wheel) = wheel();
        arm(&wheel, &row("tr_a", "rate(2 minutes)"));
        arm(&wheel, &row("tr_b", "cron(3 12 * * ? *)"));
        assert_eq!(fires(&wheel), None);
        let mut fired = Vec::new();
        for _ in 0..5 {
            clock.advance(MINUTE);
            fired.extend(std::iter::from_fn(|| fires(&wheel)));
        }
        let expected = [("tr_a", 2), ("tr_b", 3), ("tr_a", 4)];
        assert_eq!(fired, expected.map(|(id, at)| (id.to_owned(), at)));
    }

    #[test]
    fn what_is_late_fires_within_a_minute_and_is_passed_over_beyond() {
        let (clock, wheel) = wheel();
        arm(&wheel, &row("tr_a", "rate(5 minutes)"));
        clock.advance(6 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 5)));
        clock.advance(5 * MINUTE + 1);
        assert_eq!(
            fires(&wheel),
            None,
            "the tenth minute is a minute and more ago"
        );
        clock.advance(4 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 15)));
        // A machine that was off for a night does not make up for it.
        clock.advance(600 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 615)));
        assert_eq!(fires(&wheel), None);
    }

    #[test]
    fn what_is_armed_again_takes_the_place_of_the_older_and_what_is_disarmed_never_fires() {
        let (clock, wheel) = wheel();
        arm(&wheel, &row("tr_a", "rate(1 minute)"));
        clock.advance(MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 1)));
        arm(&wheel, &row("tr_a", "rate(1 minute)"));
        assert_eq!(fires(&wheel), None, "the same again is no change");
        arm(&wheel, &row("tr_a", "rate(3 minutes)"));
        clock.advance(MINUTE);
        assert_eq!(fires(&wheel), None);
        clock.advance(MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 3)));
        for _ in 0..2 {
            block_on(wheel.disarm(&TriggerId::new("tr_a"))).unwrap();
        }
        clock.advance(3 * MINUTE);
        assert_eq!(fires(&wheel), None);
    }

    fn once(id: &str, expression: &str) -> TriggerRow {
        let mut row = row(id, expression);
        if let TriggerKind::Schedule(schedule) = &mut row.on {
            schedule.missed = Missed::Once;
        }
        row
    }

    #[test]
    fn of_missed_moments_the_newest_is_made_up_for_however_late() {
        let (clock, wheel) = wheel();
        let kept = once("tr_a", "rate(5 minutes)");
        arm(&wheel, &kept);
        clock.advance(5 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 5)));
        // The machine slept over seven moments.
        clock.advance(38 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 40)));
        assert_eq!(fires(&wheel), None);
        clock.advance(2 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 45)));
        // Another process begins after hours: the newest again, and then as ever.
        clock.advance(203 * MINUTE);
        let wheel = LocalSchedules::new(clock.clone());
        arm(&wheel, &kept);
        arm(&wheel, &once("tr_b", "at(2026-01-31T12:01:00)"));
        let fired: Vec<_> = std::iter::from_fn(|| fires(&wheel)).collect();
        let expected = [("tr_b", 1), ("tr_a", 245)];
        assert_eq!(fired, expected.map(|(id, at)| (id.to_owned(), at)));
        clock.advance(2 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 250)));
    }

    #[test]
    fn what_a_pause_or_a_save_lies_behind_was_not_missed() {
        let (clock, _) = wheel();
        clock.advance(38 * MINUTE);
        let mut rested = once("tr_a", "rate(5 minutes)");
        rested.pause = Some(Pause {
            since: NOON,
            until: Some(NOON.plus(36 * MINUTE)),
        });
        let mut saved = once("tr_b", "cron(37 12 * * ? *)");
        saved.stored_at = clock.now();
        let wheel = LocalSchedules::new(clock.clone());
        arm(&wheel, &rested);
        arm(&wheel, &saved);
        assert_eq!(fires(&wheel), None);
        clock.advance(2 * MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 40)));
    }

    #[test]
    fn what_is_noted_of_a_schedule_does_not_make_it_fire_again() {
        let (clock, wheel) = wheel();
        let mut row = once("tr_a", "rate(1 minute)");
        arm(&wheel, &row);
        clock.advance(MINUTE);
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 1)));
        row.note = row.note.changed(|note| note.skipped = Some(NOON));
        arm(&wheel, &row);
        assert_eq!(fires(&wheel), None);
    }

    #[test]
    fn a_moment_of_a_minute_before_the_start_still_fires_and_one_before_the_save_never() {
        let (clock, wheel) = wheel();
        clock.advance(10 * MINUTE + 30_000);
        arm(&wheel, &row("tr_a", "rate(5 minutes)"));
        assert_eq!(fires(&wheel), Some(("tr_a".to_owned(), 10)));
        let mut saved = row("tr_b", "cron(10 12 * * ? *)");
        saved.stored_at = clock.now();
        arm(&wheel, &saved);
        assert_eq!(fires(&wheel), None);
    }

    #[test]
    fn what_is_armed_while_it_sleeps_wakes_it() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let clock = crate::SystemClock::new().unwrap();
            let wheel = LocalSchedules::new(clock.clone());
            let mut soon = row("tr_a", "rate(1 minute)");
            soon.stored_at = Millis::new(clock.now().get() - MINUTE);
            let armed = async {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                wheel.arm(&soon).await.unwrap();
            };
            let (firing, ()) = tokio::join!(wheel.next(), armed);
            assert_eq!(firing.trigger, soon.id);
        });
    }
}
