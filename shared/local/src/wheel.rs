//! Fires schedules while the process runs: a list of what is armed, and a sleep until the first.

use crate::lock;
use lattice_ir::TriggerKind;
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
}

#[derive(Debug)]
struct Armed {
    row: TriggerRow,
    expression: Expression,
    next: Option<Millis>,
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
    /// afterwards, and is passed over beyond that. For one caller at a time.
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
            let late_ms = now.since(at);
            let on_time = late_ms <= SCHEDULE_LATE_MS_MAX;
            let from = if on_time { at } else { latest_missed(now) };
            first.next = first.expression.next_after(from, first.row.stored_at);
            let trigger = first.row.id.clone();
            if on_time {
                return (Some(Firing { trigger, at }), None);
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
        if armed.get(&row.id).is_some_and(|known| known.row == *row) {
            return Ok(());
        }
        let from = latest_missed(self.clock.now()).max(row.stored_at);
        let next = expression.next_after(from, row.stored_at);
        let one = Armed {
            row: row.clone(),
            expression,
            next,
        };
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
    use lattice_ir::Schedule;
    use lattice_model::{NodeId, Tenant, WorkflowId};
    use lattice_ports::memory::ManualClock;
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
            }),
            stored_at: NOON,
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
