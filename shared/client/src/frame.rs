//! Reads frames and pages: what the server says about a run. No IO.

use crate::error::BadFrame;
use lattice_journal::Event;
use lattice_model::{RunId, Seq, StageId};
use serde::Deserialize;
use serde_json::Value;
use sse_stream::Sse;

/// The types of events that nothing can follow.
const TERMINAL: &[&str] = &["run.completed", "run.failed", "run.cancelled"];
const TEXT: &str = "llm.chunk";

/// An event as the server sent it, not looked into: for whoever only counts or passes it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its place, as the server says.
    pub seq: Seq,
    /// Its type, as the server says.
    pub kind: String,
    /// The event. One that came in a page may have its fields in another order.
    pub json: String,
}

impl RawEvent {
    /// Whether nothing can follow it.
    pub fn is_terminal(&self) -> bool {
        TERMINAL.contains(&self.kind.as_str())
    }

    /// Reads the event, which has to be what it was announced as.
    pub fn read(self, run: &RunId) -> Result<Event, BadFrame> {
        let seq = self.seq;
        let event: Event =
            serde_json::from_str(&self.json).map_err(|source| BadFrame::Event { seq, source })?;
        if event.run != *run {
            let run = event.run;
            return Err(BadFrame::OtherRun { seq, run });
        }
        if event.seq != seq || event.body.kind() != self.kind {
            let kind = self.kind;
            return Err(BadFrame::Mismatch { seq, kind });
        }
        Ok(event)
    }
}

/// A piece of what a model is saying. It is not stored: the event that completes the call has the
/// whole text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Text {
    /// The stage that asked.
    pub stage: StageId,
    /// Its attempt; a higher one makes the text of those before it void.
    pub attempt: u32,
    /// Where the piece stands in the text. 0 begins anew.
    pub offset: u64,
    /// The piece.
    pub text: String,
}

/// One frame of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Event(RawEvent),
    Text(Text),
    /// Of a kind that this build does not know, or no more than a setting.
    Other,
}

impl Frame {
    pub(crate) fn read(frame: Sse) -> Result<Self, BadFrame> {
        match (frame.id, frame.event, frame.data) {
            (Some(id), kind, data) => {
                let seq = place(&id).ok_or(BadFrame::Place(id))?;
                let (Some(kind), Some(json)) = (kind, data) else {
                    return Err(BadFrame::Bare(seq));
                };
                Ok(Self::Event(RawEvent { seq, kind, json }))
            }
            (None, Some(kind), Some(json)) if kind == TEXT => serde_json::from_str(&json)
                .map(Self::Text)
                .map_err(BadFrame::Text),
            _ => Ok(Self::Other),
        }
    }
}

fn place(id: &str) -> Option<Seq> {
    let number: u64 = id.parse().ok()?;
    // The number behind it has to exist.
    (1..u64::MAX)
        .contains(&number)
        .then(|| Seq::from_stored(number))
}

/// The events of a page. What else a page says about the run is not needed here.
pub(crate) fn read_page(body: &[u8]) -> Result<Vec<RawEvent>, BadFrame> {
    #[derive(Deserialize)]
    struct Page {
        events: Vec<Value>,
    }
    #[derive(Deserialize)]
    struct Head {
        seq: u64,
        r#type: String,
    }
    let page: Page = serde_json::from_slice(body).map_err(BadFrame::Page)?;
    let read = |event: Value| {
        let head = Head::deserialize(&event).map_err(BadFrame::Page)?;
        let id = head.seq.to_string();
        Ok(RawEvent {
            seq: place(&id).ok_or(BadFrame::Place(id))?,
            kind: head.r#type,
            json: event.to_string(),
        })
    };
    page.events.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::json;
    use std::error::Error;

    const RUN: &str = "run_00000000000000000000000000";

    fn started(seq: u64) -> Value {
        json!({
            "eventVersion": 1, "runId": RUN, "seq": seq, "timestamp": "2026-01-02T03:04:05.678Z",
            "type": "run.started", "payload": {},
        })
    }

    fn frame(id: &str, kind: &str, data: &str) -> Sse {
        Sse::default().id(id).event(kind).data(data)
    }

    fn read(frame: Sse) -> Result<Event, String> {
        let read = match Frame::read(frame) {
            Ok(Frame::Event(raw)) => raw.read(&RUN.parse().unwrap()),
            Ok(other) => panic!("{other:?}"),
            Err(bad) => Err(bad),
        };
        read.map_err(|bad| match bad.source() {
            Some(source) => format!("{bad}: {source}"),
            None => bad.to_string(),
        })
    }

    #[test]
    fn the_terminal_types_are_those_of_the_journal() {
        let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/v1");
        let mut terminal = 0;
        for entry in std::fs::read_dir(samples).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let json = std::fs::read_to_string(path).unwrap();
            let event: Event = serde_json::from_str(&json).unwrap();
            let (seq, kind) = (event.seq, event.body.kind().to_owned());
            let raw = RawEvent { seq, kind, json };
            assert_eq!(raw.is_terminal(), event.body.is_terminal(), "{}", raw.kind);
            terminal += usize::from(raw.is_terminal());
            assert_eq!(raw.read(&event.run).unwrap(), event);
        }
        assert_eq!(terminal, TERMINAL.len());
    }

    #[test]
    fn what_is_not_an_event_says_why() {
        let good = started(3).to_string();
        assert!(read(frame("3", "run.started", &good)).is_ok());
        let mut newer = started(3);
        newer["eventVersion"] = json!(99);
        let newer = newer.to_string();
        let mut foreign = started(3);
        foreign["runId"] = json!("run_00000000000000000000000001");
        let foreign = foreign.to_string();
        let odd = [
            (
                "0",
                "run.started",
                &good,
                "`0` is not the place of an event",
            ),
            ("x3", "run.started", &good, "`x3` is not the place"),
            (
                "18446744073709551615",
                "run.started",
                &good,
                "is not the place",
            ),
            (
                "4",
                "run.started",
                &good,
                "frame `4` of type `run.started` holds another",
            ),
            (
                "3",
                "run.waiting",
                &good,
                "frame `3` of type `run.waiting` holds another",
            ),
            (
                "3",
                "run.started",
                &"{\"seq".to_owned(),
                "event `3` cannot be read: EOF",
            ),
            (
                "3",
                "run.started",
                &newer,
                "event version `99` is newer than this build",
            ),
            (
                "3",
                "run.started",
                &foreign,
                "is of run `run_00000000000000000000000001`",
            ),
        ];
        for (id, kind, data, said) in odd {
            let error = read(frame(id, kind, data)).unwrap_err();
            assert!(error.contains(said), "{said}: {error}");
        }
        let bare = Frame::read(Sse::default().id("3").data(good)).unwrap_err();
        assert_eq!(bare.to_string(), "event `3` has no type or no data");
    }

    #[test]
    fn text_is_read_and_unknown_frames_are_let_go() {
        let chunk = r#"{"stage": "ask", "attempt": 2, "offset": 7, "text": "é"}"#;
        let text = Text {
            stage: StageId::new("ask"),
            attempt: 2,
            offset: 7,
            text: "é".to_owned(),
        };
        let sent = Sse::default().event(TEXT).data(chunk);
        assert_eq!(Frame::read(sent).unwrap(), Frame::Text(text));
        let broken = Sse::default().event(TEXT).data("{}");
        assert!(matches!(Frame::read(broken), Err(BadFrame::Text(_))));
        for other in [
            Sse::default().retry(5),
            Sse::default().event("from.the.future").data("?"),
            Sse::default().data("?"),
        ] {
            assert_eq!(Frame::read(other).unwrap(), Frame::Other);
        }
    }

    #[test]
    fn a_page_is_read_event_by_event() {
        let page = json!({"events": [started(1), started(2)], "lastSeq": 2, "more": true});
        let events = read_page(page.to_string().as_bytes()).unwrap();
        let run = RUN.parse().unwrap();
        let seqs = events
            .into_iter()
            .map(|raw| raw.read(&run).unwrap().seq.get());
        assert_eq!(seqs.collect::<Vec<_>>(), [1, 2]);
        for bad in [&b"{}"[..], b"[]", b"{\"events\": [{\"seq\": 1}]}", b"\xff"] {
            assert!(matches!(read_page(bad), Err(BadFrame::Page(_))), "{bad:?}");
        }
        let nowhere = json!({"events": [started(0)]}).to_string();
        assert!(matches!(
            read_page(nowhere.as_bytes()),
            Err(BadFrame::Place(_))
        ));
    }
}
