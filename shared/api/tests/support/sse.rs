//! Reads a stream frame by frame, after the WHATWG HTML standard, section 9.2.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::Value;
use std::time::Duration;

/// How long a test waits for what has to come before it fails.
const GUARD: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// How long to wait before coming back.
    Retry(u64),
    Comment(String),
    Event {
        id: Option<u64>,
        kind: String,
        data: Value,
    },
}

pub struct Reader {
    pub status: u16,
    pub headers: HeaderMap,
    body: BodyDataStream,
    text: Vec<u8>,
    /// The last event that came.
    pub last: u64,
    /// Whether that one ends the run.
    pub over: bool,
}

impl Reader {
    pub fn new(response: Response<Body>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.into_body().into_data_stream(),
            text: Vec::new(),
            last: 0,
            over: false,
        }
    }

    /// What comes first, as it is.
    pub async fn first(mut self) -> Bytes {
        let first = tokio::time::timeout(GUARD, self.body.next()).await;
        let first = first.expect("a stream says something at once");
        first.map(Result::unwrap).unwrap_or_default()
    }

    /// The next frame; `None` at the end.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            let end = self.text.windows(2).position(|two| two == b"\n\n");
            if let Some(end) = end {
                let rest = self.text.split_off(end + 2);
                let text = std::mem::replace(&mut self.text, rest);
                let frame = parse(std::str::from_utf8(&text).unwrap());
                self.note(&frame);
                return Some(frame);
            }
            let more = tokio::time::timeout(GUARD, self.body.next()).await;
            match more.expect("the stream goes on or ends") {
                Some(bytes) => self.text.extend_from_slice(&bytes.unwrap()),
                None => {
                    assert!(self.text.is_empty(), "half a frame: {:?}", self.text);
                    return None;
                }
            }
        }
    }

    fn note(&mut self, frame: &Frame) {
        if let Frame::Event {
            id: Some(id), kind, ..
        } = frame
        {
            self.last = *id;
            let ends = ["run.completed", "run.failed", "run.cancelled"];
            self.over = ends.contains(&kind.as_str());
        }
    }

    /// The next event, stored or live; comments are passed over.
    pub async fn event(&mut self) -> Option<Frame> {
        loop {
            match self.frame().await? {
                event @ Frame::Event { .. } => return Some(event),
                Frame::Comment(_) | Frame::Retry(_) => {}
            }
        }
    }

    /// Stored events up to this one.
    pub async fn until(&mut self, last: u64) -> Vec<Value> {
        let mut events = Vec::new();
        while self.last < last {
            let frame = self.event().await.expect("the event comes");
            events.extend(stored(frame));
        }
        events
    }

    /// Stored events to the end of the stream.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(frame) = self.event().await {
            events.extend(stored(frame));
        }
        events
    }

    /// The next piece of live text: stage, attempt, offset and text.
    pub async fn piece(&mut self) -> (String, u64, u64, String) {
        loop {
            if let Frame::Event {
                id: None,
                kind,
                data,
            } = self.event().await.unwrap()
            {
                assert_eq!(kind, lattice_wire::sse::TEXT_EVENT);
                let text = |name: &str| data[name].as_str().unwrap().to_owned();
                let number = |name: &str| data[name].as_u64().unwrap();
                return (
                    text("stage"),
                    number("attempt"),
                    number("offset"),
                    text("text"),
                );
            }
        }
    }
}

fn stored(frame: Frame) -> Option<Value> {
    match frame {
        Frame::Event {
            id: Some(id),
            kind,
            data,
        } => {
            assert_eq!((&data["seq"], &data["type"]), (&id.into(), &kind.into()));
            Some(data)
        }
        _ => None,
    }
}

fn parse(text: &str) -> Frame {
    let (mut id, mut kind, mut data, mut comment, mut retry) = (None, None, None, None, None);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        let slot = match field {
            "" => &mut comment,
            "id" => &mut id,
            "event" => &mut kind,
            "data" => &mut data,
            "retry" => &mut retry,
            other => panic!("an unknown field `{other}`"),
        };
        assert!(slot.replace(value).is_none(), "a field twice: {text}");
    }
    match (id, kind, data, comment, retry) {
        (id, Some(kind), Some(data), None, None) => Frame::Event {
            id: id.map(|id| id.parse().unwrap()),
            kind,
            data: serde_json::from_str(&data).unwrap(),
        },
        (None, None, None, Some(comment), None) => Frame::Comment(comment),
        (None, None, None, None, Some(retry)) => Frame::Retry(retry.parse().unwrap()),
        _ => panic!("an odd frame: {text}"),
    }
}
