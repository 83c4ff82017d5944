//! Schedules over EventBridge Scheduler: one of its schedules for each trigger, under its id.

use crate::clock::now;
use crate::error::{Resource, SCHEDULES, corrupt};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::operation::delete_schedule::DeleteScheduleError;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target,
};
use aws_smithy_runtime_api::client::result::SdkError;
use lattice_ir::{Missed, Schedule, TriggerKind};
use lattice_model::{Millis, TriggerId};
use lattice_ports::{PortError, Schedules, TriggerRow};
use lattice_schedule::Expression;
use serde_json::json;

/// The word by which the start function knows who calls.
pub const SOURCE: &str = "lattice.schedule";
/// What EventBridge Scheduler replaces by the moment for which it fires.
const MOMENT: &str = "<aws.scheduler.scheduled-time>";
/// A firing that nobody takes is tried again so often and so long, then goes to the dead letters.
const RETRIES_MAX: i32 = 20;
const RETRY_S_MAX: i32 = 3_600;
/// The same where missed moments are made up for: as far as EventBridge Scheduler goes (API
/// reference, `RetryPolicy`).
const ONCE_RETRIES_MAX: i32 = 185;
const ONCE_RETRY_S_MAX: i32 = 86_400;

/// What fires, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// The group in which the schedules stand (`LATTICE_SCHEDULE_GROUP`).
    pub group: String,
    /// The role that may call the function (`LATTICE_SCHEDULE_ROLE_ARN`).
    pub role_arn: String,
    /// The function that starts runs (`LATTICE_START_ARN`).
    pub start_arn: String,
    /// The queue for firings that nobody took.
    pub dead_letter_arn: Option<String>,
}

/// The clock that fires schedules.
#[derive(Debug, Clone)]
pub struct AwsSchedules {
    client: Client,
    settings: ScheduleSettings,
}

impl AwsSchedules {
    pub(crate) fn new(client: Client, settings: ScheduleSettings) -> Self {
        Self { client, settings }
    }

    fn resource(&self) -> Resource<'_> {
        Resource {
            port: SCHEDULES,
            name: &self.settings.group,
            setting: "LATTICE_SCHEDULE_GROUP",
        }
    }

    fn target(&self, id: &TriggerId, missed: Missed) -> Result<Target, PortError> {
        let (retries, seconds) = match missed {
            Missed::Skip => (RETRIES_MAX, RETRY_S_MAX),
            Missed::Once => (ONCE_RETRIES_MAX, ONCE_RETRY_S_MAX),
        };
        let retries = RetryPolicy::builder()
            .maximum_retry_attempts(retries)
            .maximum_event_age_in_seconds(seconds);
        let dead = self.settings.dead_letter_arn.as_ref();
        let dead = dead.map(|arn| DeadLetterConfig::builder().arn(arn).build());
        let target = Target::builder()
            .arn(&self.settings.start_arn)
            .role_arn(&self.settings.role_arn)
            .input(input(id))
            .retry_policy(retries.build())
            .set_dead_letter_config(dead);
        target.build().map_err(unmade)
    }

    /// Creates the schedule; says whether there was none.
    async fn create(&self, row: &TriggerRow, schedule: &Schedule) -> Result<bool, PortError> {
        let id = &row.id;
        let create = self
            .client
            .create_schedule()
            .group_name(&self.settings.group);
        let create = create
            .name(id.as_str())
            .schedule_expression(&schedule.expression)
            .schedule_expression_timezone(&schedule.timezone)
            .set_start_date(begin(row, schedule, now()))
            .flexible_time_window(on_time()?)
            .state(state(row))
            .target(self.target(id, schedule.missed)?);
        match create.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), CreateScheduleError::ConflictException(_)) =>
            {
                Ok(false)
            }
            Err(error) => Err(self.resource().error(&error)),
        }
    }

    async fn replace(&self, row: &TriggerRow, schedule: &Schedule) -> Result<(), PortError> {
        let id = &row.id;
        let update = self
            .client
            .update_schedule()
            .group_name(&self.settings.group);
        let update = update
            .name(id.as_str())
            .schedule_expression(&schedule.expression)
            .schedule_expression_timezone(&schedule.timezone)
            .set_start_date(begin(row, schedule, now()))
            .flexible_time_window(on_time()?)
            .state(state(row))
            .target(self.target(id, schedule.missed)?);
        let sent = update.send().await;
        sent.map_err(|error| self.resource().error(&error))?;
        Ok(())
    }
}

impl Schedules for AwsSchedules {
    async fn arm(&self, row: &TriggerRow) -> Result<(), PortError> {
        match &row.on {
            TriggerKind::Schedule(schedule) => match self.create(row, schedule).await? {
                true => Ok(()),
                false => self.replace(row, schedule).await,
            },
            // The clock has nothing to do with it; an older row of this id may have had.
            TriggerKind::Webhook(_) => self.disarm(&row.id).await,
        }
    }

    async fn disarm(&self, id: &TriggerId) -> Result<(), PortError> {
        let delete = self
            .client
            .delete_schedule()
            .group_name(&self.settings.group);
        match delete.name(id.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    DeleteScheduleError::ResourceNotFoundException(_)
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(self.resource().error(&error)),
        }
    }
}

/// When a rate fires next: whole periods after it was stored, as on a laptop. Without a beginning,
/// EventBridge Scheduler fires a rate at once, and it refuses one that lies more than five minutes
/// back, as that of a rate does which is armed again. A `cron` or `at` says itself when it fires.
fn begin(row: &TriggerRow, schedule: &Schedule, now: Millis) -> Option<DateTime> {
    if !schedule.expression.starts_with("rate(") {
        return None;
    }
    let expression = Expression::read(&schedule.expression, &schedule.timezone).ok()?;
    let first = expression.next_after(row.stored_at.max(now), row.stored_at)?;
    i64::try_from(first.get()).ok().map(DateTime::from_millis)
}

/// What the start function is called with.
fn input(id: &TriggerId) -> String {
    json!({"source": SOURCE, "trigger": id.as_str(), "at": MOMENT}).to_string()
}

fn state(row: &TriggerRow) -> ScheduleState {
    match row.pause.is_some_and(|pause| pause.is_on()) {
        true => ScheduleState::Disabled,
        false => ScheduleState::Enabled,
    }
}

fn on_time() -> Result<FlexibleTimeWindow, PortError> {
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
    window.build().map_err(unmade)
}

fn unmade(error: aws_smithy_types::error::operation::BuildError) -> PortError {
    corrupt(SCHEDULES, error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use lattice_ir::Overlap;
    use lattice_ports::FiringNote;

    #[test]
    fn the_start_function_is_told_which_trigger_fires_and_when() {
        let said: serde_json::Value =
            serde_json::from_str(&input(&TriggerId::new("tr_a"))).unwrap();
        let expected = json!({
            "source": "lattice.schedule",
            "trigger": "tr_a",
            "at": "<aws.scheduler.scheduled-time>",
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn a_rate_begins_whole_periods_after_it_was_stored_and_nothing_else_is_told_a_beginning() {
        let schedule = |expression: &str| Schedule {
            expression: expression.to_owned(),
            timezone: "UTC".to_owned(),
            input: json!({}),
            overlap: Overlap::default(),
            missed: Missed::default(),
        };
        let row = TriggerRow {
            id: TriggerId::new("tr_a"),
            tenant: lattice_model::Tenant::local(),
            workflow: lattice_model::WorkflowId::new("w"),
            node: lattice_model::NodeId::new("n"),
            on: TriggerKind::Schedule(schedule("rate(2 hours)")),
            stored_at: Millis::new(1_760_000_000_000),
            pause: None,
            note: FiringNote::default(),
        };
        let (stored, period) = (1_760_000_000_000, 7_200_000);
        // Armed at once, by a clock that is a little behind, and again after days.
        for (now, periods) in [(0, 1), (-1, 1), (period - 1, 1), (100 * period + 1, 101)] {
            let now = Millis::new(u64::try_from(stored + now).unwrap());
            let first = begin(&row, &schedule("rate(2 hours)"), now).unwrap();
            assert_eq!(first.to_millis().unwrap(), stored + periods * period);
        }
        for other in ["cron(0 9 ? * 2-6 *)", "at(2030-01-01T00:00:00)"] {
            assert_eq!(
                begin(&row, &schedule(other), Millis::new(0)),
                None,
                "{other}"
            );
        }
    }
}
