//! What the API says of triggers: where webhooks are taken, and what the clock starts.

use super::moment;
use lattice_model::{NodeId, TriggerId, WorkflowId};
use schemars::JsonSchema;
use serde::Serialize;

answers! {
    /// A webhook that starts runs.
    HookRow {
        /// The trigger.
        id: TriggerId,
        /// Where it is taken: a path of this server, the same as long as workflow and node keep
        /// their ids.
        path: String,
        /// The workflow whose runs it starts.
        workflow: WorkflowId,
        /// The node that it is.
        node: NodeId,
        /// The methods that it takes.
        methods: Vec<String>,
        /// How the sender proves who it is: `hmac-sha256`, `standard-webhooks` or `api-key`.
        authentication: String,
        /// The header with the proof.
        header: String,
        /// The name of the secret; until that is set, every request is refused.
        secret: String,
        /// What the body is: `json`, `form` or `text`.
        payload: String,
        /// When it was stored.
        #[schemars(schema_with = "moment")]
        stored_at: String,
    }
    /// A page of webhooks, by id.
    HookPage {
        /// The webhooks.
        hooks: Vec<HookRow>,
        /// Give it back as `cursor` for the next page; absent at the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    }
    /// A schedule that starts runs.
    ScheduleRow {
        /// The trigger.
        id: TriggerId,
        /// The workflow whose runs it starts.
        workflow: WorkflowId,
        /// The node that it is.
        node: NodeId,
        /// `cron(..)`, `rate(..)` or `at(..)`.
        expression: String,
        /// The IANA time zone in which it is read.
        timezone: String,
        /// What becomes of a moment that finds the run of an earlier one open: `allow`, `skip`,
        /// `queue` or `cancelOld`.
        overlap: String,
        /// What becomes of moments that went by while nothing could fire: `skip` or `once`.
        missed: String,
        /// When it fires next; absent if it never fires again, and while it is paused.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        next_at: Option<String>,
        /// Since when it is paused; absent if it is not.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        paused_at: Option<String>,
        /// The moment that waits until the run of an earlier one is over; absent if none does.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        waiting_at: Option<String>,
        /// The newest moment that started nothing because the run of an earlier one was open; absent
        /// if there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        last_skipped: Option<String>,
        /// When it was stored.
        #[schemars(schema_with = "moment")]
        stored_at: String,
    }
    /// A page of schedules, by id.
    SchedulePage {
        /// The schedules.
        schedules: Vec<ScheduleRow>,
        /// Give it back as `cursor` for the next page; absent at the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    }
}
