//! Reads what the server answers, as a stream or in one piece, within limits of bytes and time.

use super::failure::{ErrorBody, Peer};
use super::sse::SseReader;
use crate::telling::Telling;
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::limits::{
    MODEL_ANSWER_BYTES_MAX, MODEL_ERROR_BYTES_MAX, MODEL_EVENT_BYTES_MAX, MODEL_STREAM_BYTES_MAX,
};
use reqwest::Response;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// What has been read so far. It is kept outside of the deadline, so that a failure still carries
/// what was used.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The server took the question.
    pub asked: bool,
    /// The answer's text.
    pub text: String,
    /// What the model said instead of an answer.
    refused: String,
    /// Why the answer ended.
    pub finish: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// As the server counted.
    pub usage: Option<Usage>,
}

/// One event of a stream, or a whole answer: they differ in `delta` and `message` only.
#[derive(Debug, Deserialize)]
struct Chunk {
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

pub(super) fn is_event_stream(response: &Response) -> bool {
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("text/event-stream")
    })
}

impl Reading {
    /// Reads a streamed answer. Silence counts from the answer's first words on: before them, a
    /// model may be reading a long prompt or thinking, and only the whole deadline holds.
    pub(super) async fn stream(
        &mut self,
        mut response: Response,
        peer: &Peer<'_>,
        stall: Duration,
        telling: &mut Telling<'_>,
    ) -> Result<(), Failure> {
        let mut reader = SseReader::new(MODEL_EVENT_BYTES_MAX);
        let mut bytes_read = 0;
        let mut patience = Duration::MAX;
        loop {
            let piece = match tokio::time::timeout(patience, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(_)) | Err(_) if self.finish.is_some() => return Ok(()),
                Ok(Err(error)) => return Err(peer.broken(&error)),
                Err(_) => return Err(peer.silent(stall)),
            };
            bytes_read += piece.len();
            if bytes_read > MODEL_STREAM_BYTES_MAX {
                return Err(peer.too_much("MODEL_STREAM_BYTES_MAX", MODEL_STREAM_BYTES_MAX));
            }
            let too_long = |_| peer.too_much("MODEL_EVENT_BYTES_MAX", MODEL_EVENT_BYTES_MAX);
            for data in reader.push(&piece).map_err(too_long)? {
                if self.event(&data, peer)? {
                    // The connection can be used again only if the body's own end is read too.
                    let _ = tokio::time::timeout(END_WAIT, response.chunk()).await;
                    return self.complete(peer);
                }
            }
            if !self.text.is_empty() {
                patience = stall;
                telling.so_far(&self.text);
            }
        }
        if let Some(data) = reader.finish() {
            self.event(&data, peer)?;
        }
        self.complete(peer)
    }

    /// Takes one event; true if it was the last.
    fn event(&mut self, data: &[u8], peer: &Peer<'_>) -> Result<bool, Failure> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(true);
        }
        if !data.trim_ascii().is_empty() {
            self.take(data, peer)?;
        }
        Ok(false)
    }

    fn complete(&self, peer: &Peer<'_>) -> Result<(), Failure> {
        if self.finish.is_some() {
            return Ok(());
        }
        Err(match self.text.is_empty() && self.model.is_none() {
            true => peer.garbage("a stream without an answer"),
            false => peer.cut(),
        })
    }

    /// Reads an answer that comes in one piece, as some servers send it though asked for a stream.
    pub(super) async fn whole(
        &mut self,
        response: Response,
        peer: &Peer<'_>,
    ) -> Result<(), Failure> {
        let body = match body(response, MODEL_EVENT_BYTES_MAX).await {
            Ok(body) => body,
            Err(BodyError::TooLong) => {
                return Err(peer.too_much("MODEL_EVENT_BYTES_MAX", MODEL_EVENT_BYTES_MAX));
            }
            Err(BodyError::Broken(error)) => return Err(peer.broken(&error)),
        };
        self.take(&body, peer)?;
        match self.finish {
            Some(_) => Ok(()),
            None => Err(peer.garbage("an answer without an end")),
        }
    }

    fn take(&mut self, data: &[u8], peer: &Peer<'_>) -> Result<(), Failure> {
        let garbage = |_| peer.garbage("something that is no chat completion");
        let value: Value = serde_json::from_slice(data).map_err(garbage)?;
        if let Some(error) = ErrorBody::in_stream(&value) {
            return Err(error.failure(peer, None, None));
        }
        let chunk: Chunk = serde_json::from_value(value).map_err(garbage)?;
        self.model = self
            .model
            .take()
            .or(chunk.model.filter(|model| !model.is_empty()));
        if let Some(usage) = chunk.usage {
            self.usage = Some(Usage {
                input_tokens: usage.prompt_tokens,
                output_tokens: usage.completion_tokens,
            });
        }
        // One answer is asked for, so there is one choice.
        for choice in chunk.choices.into_iter().take(1) {
            if let Some(delta) = choice.delta {
                self.text
                    .push_str(delta.content.as_deref().unwrap_or_default());
                self.refused
                    .push_str(delta.refusal.as_deref().unwrap_or_default());
            }
            self.finish = self.finish.take().or(choice.finish_reason);
        }
        if self.text.len().max(self.refused.len()) > MODEL_ANSWER_BYTES_MAX {
            return Err(peer.too_much("MODEL_ANSWER_BYTES_MAX", MODEL_ANSWER_BYTES_MAX));
        }
        Ok(())
    }

    /// The failure that an answer which is none stands for.
    pub(super) fn refusal(&self, peer: &Peer<'_>) -> Result<(), Failure> {
        if self.finish.as_deref() == Some("content_filter") {
            return Err(peer.fails(
                FailureKind::Refused,
                "withheld the answer by its content filter",
                "change the prompt or choose another model",
            ));
        }
        match self.refused.is_empty() {
            true => Ok(()),
            false => Err(peer.declined(&self.refused)),
        }
    }
}

/// The failure behind a status that is not success.
pub(super) async fn refused_response(response: Response, peer: &Peer<'_>) -> Failure {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    // An error body that cannot be read, or has no end, still has its status.
    let read = tokio::time::timeout(ERROR_BODY_WAIT, body(response, MODEL_ERROR_BYTES_MAX)).await;
    let body = read.ok().and_then(Result::ok).unwrap_or_default();
    ErrorBody::of_bytes(&body).failure(peer, Some(status), Some(&headers))
}

const END_WAIT: Duration = Duration::from_millis(100);
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);

enum BodyError {
    TooLong,
    Broken(reqwest::Error),
}

async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(BodyError::Broken)? {
        if body.len() + piece.len() > limit {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
