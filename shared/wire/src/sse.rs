//! Frames of server-sent events (WHATWG HTML standard, section 9.2).

use lattice_journal::Event;
use lattice_model::{StageId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The media type of a stream.
pub const MEDIA_TYPE: &str = "text/event-stream";
/// The header by which a reader resumes.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// The event type of live text. Its frames have no id: they are not stored.
pub const TEXT_EVENT: &str = "llm.chunk";
/// Sent when there is nothing to say, so that both ends know that the other is there.
pub const HEARTBEAT: &str = ": still here\n\n";

/// A piece of a model's answer while it comes. The stored answer replaces all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextChunk {
    /// The visit that asks.
    pub stage: StageId,
    /// The attempt; a new one clears what the older one said.
    pub attempt: u32,
    /// Where the piece begins, in characters of the answer; 0 begins anew.
    pub offset: u64,
    /// The piece, redacted.
    pub text: String,
}

/// What a stream begins with: how long to wait before coming back.
pub fn opening() -> String {
    format!("retry: {}\n\n", limits::STREAM_RETRY_MS)
}

/// The frame of a stored event: its id is its seq, its data the event as stored.
pub fn frame(event: &Event) -> String {
    // An event is a tree of plain values, so it always serialises.
    let data = serde_json::to_string(event).unwrap_or_default();
    let (seq, kind) = (event.seq, event.body.kind());
    // JSON has no raw line break, so one data line holds it.
    format!("id: {seq}\nevent: {kind}\ndata: {data}\n\n")
}

/// The frame of a piece of live text.
pub fn text_frame(chunk: &TextChunk) -> String {
    let data = serde_json::to_string(chunk).unwrap_or_default();
    format!("event: {TEXT_EVENT}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lattice_journal::payload::RunStarted;
    use lattice_model::{Millis, RunId, Seq};

    #[test]
    fn a_frame_has_an_id_a_type_and_one_line_of_data() {
        let event = Event {
            run: RunId::from_parts(Millis::new(1), [0; 10]),
            seq: Seq::FIRST,
            timestamp: Millis::new(0),
            body: RunStarted {}.into(),
        };
        let frame = frame(&event);
        assert!(
            frame.starts_with("id: 1\nevent: run.started\ndata: {"),
            "{frame}"
        );
        assert!(
            frame.ends_with("}\n\n") && frame.lines().count() == 4,
            "{frame}"
        );
    }

    #[test]
    fn line_breaks_in_live_text_stay_inside_the_data() {
        let chunk = TextChunk {
            stage: StageId::new("draft"),
            attempt: 1,
            offset: 0,
            text: "a\n\nb\r".to_owned(),
        };
        let frame = text_frame(&chunk);
        assert_eq!(frame.lines().count(), 3, "{frame}");
        assert!(!frame.contains("id:"));
    }
}
