//! The envelope of an event and the list of types.

use crate::payload::*;
use lattice_model::{Millis, RunId, Seq};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// The version that this build writes. It reads every version from 1 to this one.
pub const EVENT_VERSION: u32 = 1;

/// One event of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The run it belongs to.
    pub run: RunId,
    /// Its place, dense from 1.
    pub seq: Seq,
    /// When it was decided; for people, never for order.
    pub timestamp: Millis,
    /// What happened.
    pub body: EventBody,
}

/// Why stored bytes are not an event that this build can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer build.
    #[error("event version `{0}` is newer than this build reads (up to {EVENT_VERSION})")]
    Newer(u32),
    /// A type that no version has.
    #[error("unknown event type `{0}`")]
    UnknownType(String),
    /// Not of the shape that the type has.
    #[error("event `{kind}` does not have the shape of its type: {reason}")]
    Shape {
        /// The event type.
        kind: String,
        /// What the reader met.
        reason: String,
    },
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($payload:ident) = $text:literal),* $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum EventBody { $($(#[$doc])* $variant($payload)),* }

        $(impl From<$payload> for EventBody {
            fn from(payload: $payload) -> Self { Self::$variant(payload) }
        })*

        impl EventBody {
            /// The names of all event types.
            pub const TYPES: &[&str] = &[$($text),*];

            /// The name of the event's type.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $text),* }
            }

            /// Reads a payload of the named type.
            pub fn decode(kind: &str, payload: Value) -> Result<Self, DecodeError> {
                match kind {
                    $($text => serde_json::from_value(payload).map(Self::$variant).map_err(|error| {
                        DecodeError::Shape { kind: kind.to_owned(), reason: error.to_string() }
                    }),)*
                    other => Err(DecodeError::UnknownType(other.to_owned())),
                }
            }

            /// The JSON Schema of each type's payload.
            pub fn payload_schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
                vec![$(($text, generator.subschema_for::<$payload>())),*]
            }

            fn serialize_payload<S: SerializeStruct>(&self, out: &mut S) -> Result<(), S::Error> {
                match self { $(Self::$variant(payload) => out.serialize_field("payload", payload)),* }
            }
        }
    };
}

events! {
    /// The run exists.
    RunQueued(RunQueued) = "run.queued",
    /// A worker took it up.
    RunStarted(RunStarted) = "run.started",
    /// Nothing to do for now.
    RunWaiting(RunWaiting) = "run.waiting",
    /// Something to do again.
    RunResumed(RunResumed) = "run.resumed",
    /// Over, with an output.
    RunCompleted(RunCompleted) = "run.completed",
    /// Over, with a failure.
    RunFailed(RunFailed) = "run.failed",
    /// Over, on request.
    RunCancelled(RunCancelled) = "run.cancelled",
    /// The request.
    CancelRequested(CancelRequested) = "cancel.requested",
    /// A claim.
    StageStarted(StageStarted) = "stage.started",
    /// A stage is done.
    StageCompleted(StageCompleted) = "stage.completed",
    /// A stage failed for good.
    StageFailed(StageFailed) = "stage.failed",
    /// An attempt failed.
    StageRetrying(StageRetrying) = "stage.retrying",
    /// A stage will not be done.
    StageSkipped(StageSkipped) = "stage.skipped",
    /// A model is asked.
    LlmStepStarted(LlmStepStarted) = "llm.step.started",
    /// A model answered.
    LlmStepCompleted(LlmStepCompleted) = "llm.step.completed",
    /// A model call failed.
    LlmStepFailed(LlmStepFailed) = "llm.step.failed",
    /// A stage waits.
    WaitOpened(WaitOpened) = "wait.opened",
    /// A timer runs.
    TimerSet(TimerSet) = "timer.set",
    /// A timer fired.
    TimerFired(TimerFired) = "timer.fired",
    /// An answer came.
    SignalReceived(SignalReceived) = "signal.received",
    /// A variable changed.
    VariableSet(VariableSet) = "variable.set",
    /// A note.
    TraceBreadcrumb(TraceBreadcrumb) = "trace.breadcrumb",
    /// A branch began.
    BranchStarted(BranchStarted) = "branch.started",
    /// A branch is over.
    BranchEnded(BranchEnded) = "branch.ended",
    /// A join is decided.
    JoinFired(JoinFired) = "join.fired",
    /// A run is started by a stage.
    ChildStarted(ChildStarted) = "child.started",
    /// It is over.
    ChildEnded(ChildEnded) = "child.ended",
    /// A stage waits for what others have reserved of the budget.
    StageHeld(StageHeld) = "stage.held",
    /// A map has its list.
    MapStarted(MapStarted) = "map.started",
    /// The run begins with what another one was.
    RunForked(RunForked) = "run.forked",
}

impl EventBody {
    /// Whether nothing can follow it.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::RunCompleted(_) | Self::RunFailed(_) | Self::RunCancelled(_)
        )
    }
}

impl JsonSchema for Event {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let variant = |(kind, payload): (&str, Schema)| {
            json_schema!({
                "type": "object",
                "required": ["type", "payload"],
                "properties": { "type": { "const": kind }, "payload": payload },
            })
        };
        let run = generator.subschema_for::<RunId>();
        let payloads = EventBody::payload_schemas(generator).into_iter();
        let variants: Vec<Schema> = payloads.map(variant).collect();
        json_schema!({
            "type": "object",
            "description": "One event of one run, as it is stored for ever.",
            "required": ["eventVersion", "runId", "seq", "timestamp", "type", "payload"],
            "properties": {
                "eventVersion": { "type": "integer", "minimum": 1, "maximum": EVENT_VERSION },
                "runId": run,
                "seq": { "type": "integer", "minimum": 1, "description": "Its place, dense from 1." },
                "timestamp": {
                    "type": "string", "format": "date-time",
                    "description": "When it was decided, in UTC; for people, never for order.",
                },
            },
            "oneOf": variants,
        })
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Event", 6)?;
        out.serialize_field("eventVersion", &EVENT_VERSION)?;
        out.serialize_field("runId", &self.run)?;
        out.serialize_field("seq", &self.seq)?;
        out.serialize_field("timestamp", &self.timestamp.rfc3339())?;
        out.serialize_field("type", self.body.kind())?;
        self.body.serialize_payload(&mut out)?;
        out.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Envelope {
            event_version: u32,
            run_id: RunId,
            seq: Seq,
            timestamp: String,
            r#type: String,
            payload: Value,
        }
        let envelope = Envelope::deserialize(deserializer)?;
        if !(1..=EVENT_VERSION).contains(&envelope.event_version) {
            return Err(de::Error::custom(DecodeError::Newer(
                envelope.event_version,
            )));
        }
        let timestamp = Millis::from_rfc3339(&envelope.timestamp).ok_or_else(|| {
            de::Error::custom(format!("`{}` is not a timestamp", envelope.timestamp))
        })?;
        let body =
            EventBody::decode(&envelope.r#type, envelope.payload).map_err(de::Error::custom)?;
        Ok(Self {
            run: envelope.run_id,
            seq: envelope.seq,
            timestamp,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::json;

    fn stored() -> Value {
        json!({
            "eventVersion": 1,
            "runId": "run_00000000000000000000000000",
            "seq": 3,
            "timestamp": "2026-01-02T03:04:05.678Z",
            "type": "timer.set",
            "payload": {"stage": "wait", "dueAt": 1_767_322_000_000_u64},
        })
    }

    #[test]
    fn the_envelope_is_stored_as_promised() {
        let event: Event = serde_json::from_value(stored()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), stored());
    }

    #[test]
    fn a_newer_version_an_unknown_type_and_a_wrong_shape_are_named() {
        for (field, value, said) in [
            ("eventVersion", json!(2), "event version `2` is newer"),
            ("eventVersion", json!(0), "event version `0`"),
            (
                "type",
                json!("run.danced"),
                "unknown event type `run.danced`",
            ),
            (
                "payload",
                json!({}),
                "event `timer.set` does not have the shape",
            ),
            ("timestamp", json!("noon"), "`noon` is not a timestamp"),
        ] {
            let mut wrong = stored();
            wrong[field] = value;
            let error = serde_json::from_value::<Event>(wrong)
                .unwrap_err()
                .to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
