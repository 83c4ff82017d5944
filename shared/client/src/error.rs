//! What can go wrong, worded for whoever follows a run.

use lattice_model::limits::FAILURE_MESSAGE_CHARS_MAX;
use lattice_model::{RunId, Seq};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;

/// Why a run cannot be followed any further. The watcher itself is still whole: asked again, it
/// goes on behind the last event that it told.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Not the address of a server.
    #[error("`{url}` is not the address of a server: {reason}")]
    BadBase {
        /// As it was given, unless it may hold a password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A token with letters that no header can hold.
    #[error("the token holds characters that cannot be sent")]
    BadToken,
    /// A token that would travel in the clear.
    #[error("a token is sent over `https://` or to this machine only, not to `{host}`")]
    TokenInTheClear {
        /// Where it would have gone.
        host: String,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// The server refuses, and would again.
    #[error("the server answered {status}{}", behind(.problem))]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What the server said about it.
        problem: Option<Box<Problem>>,
    },
    /// Something answers there, but not this API.
    #[error(
        "the server answered with `{found}` where `{wanted}` was expected: is it a lattice server?"
    )]
    WrongType {
        /// The content type of the answer.
        found: String,
        /// What the API sends.
        wanted: &'static str,
    },
    /// The server sends what this build cannot read.
    #[error("the server sent something that cannot be read")]
    BadFrame(#[source] BadFrame),
    /// One frame, or one page, is too long.
    #[error("the server sent more than {limit} bytes in one piece")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// As many tries in a row as were allowed brought nothing new.
    #[error("gave up after {tries} tries that brought nothing new")]
    GaveUp {
        /// The tries.
        tries: u32,
        /// Why the last one ended.
        #[source]
        last: Trouble,
    },
}

/// What a later try may mend.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No connection, or none that an answer came over.
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The connection ended in the middle of an answer.
    #[error("the connection was cut")]
    Cut(#[source] reqwest::Error),
    /// Not even a heartbeat.
    #[error("nothing came for {0:?}")]
    Silent(Duration),
    /// The server cannot answer now.
    #[error("the server answered {status}{}", behind(.problem))]
    Busy {
        /// The status of the answer.
        status: u16,
        /// What the server said about it.
        problem: Option<Box<Problem>>,
        /// The time that it asked for.
        wait: Option<Duration>,
    },
    /// A stream that ended as soon as it had begun, with nothing new in it.
    #[error("the stream ended at once")]
    Ended,
    /// The server has told of a later event, and does not give this one.
    #[error("event `{0}` is missing")]
    Missing(Seq),
}

/// Why a frame, or an event in a page, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    /// An id that is not a number from 1.
    #[error("`{}` is not the place of an event", shown(.0))]
    Place(String),
    /// A frame with an id, and no type or no data.
    #[error("event `{0}` has no type or no data")]
    Bare(Seq),
    /// Not of the shape of an event, or of a type that this build does not know.
    #[error("event `{seq}` cannot be read")]
    Event {
        /// Its place.
        seq: Seq,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A piece of text that is not of its shape.
    #[error("a piece of text cannot be read")]
    Text(#[source] serde_json::Error),
    /// A page that is not of its shape.
    #[error("a page of events cannot be read")]
    Page(#[source] serde_json::Error),
    /// The frame says one thing and the event in it another.
    #[error("frame `{seq}` of type `{}` holds another event", shown(.kind))]
    Mismatch {
        /// The place that the frame names.
        seq: Seq,
        /// The type that the frame names.
        kind: String,
    },
    /// An event of another run.
    #[error("event `{seq}` is of run `{}`", shown(.run.as_str()))]
    OtherRun {
        /// Its place.
        seq: Seq,
        /// Whose event it is.
        run: RunId,
    },
    /// Bytes that are not UTF-8.
    #[error("the stream is not UTF-8")]
    Encoding(#[source] std::str::Utf8Error),
    /// The parser met something that it has no kind for yet.
    #[error("the stream cannot be parsed: {0}")]
    Unparsed(String),
}

/// The body of an error answer: RFC 9457 and two fields of our own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What is wrong, in a few words.
    pub title: Option<String>,
    /// What is wrong this time.
    pub detail: Option<String>,
    /// The code of a page in `docs/problems/`.
    pub code: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [&self.title, &self.detail, &self.help];
        let said: Vec<String> = said.into_iter().flatten().map(|text| shown(text)).collect();
        f.write_str(&said.join("; "))?;
        match &self.code {
            Some(code) => write!(f, " (`{}`)", shown(code)),
            None => Ok(()),
        }
    }
}

fn behind(problem: &Option<Box<Problem>>) -> String {
    problem
        .as_ref()
        .map_or_else(String::new, |problem| format!(": {problem}"))
}

/// Words of a server as they may stand on a terminal.
pub(crate) fn shown(text: &str) -> String {
    let plain = text.chars().filter(|letter| !letter.is_control());
    plain.take(FAILURE_MESSAGE_CHARS_MAX).collect()
}

/// How a try ended that brought no frame.
#[derive(Debug)]
pub(crate) enum Setback {
    Stop(WatchError),
    Again(Trouble),
}

impl From<BadFrame> for Setback {
    fn from(bad: BadFrame) -> Self {
        Self::Stop(WatchError::BadFrame(bad))
    }
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Self {
        Self::Again(trouble)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_problem_is_one_line_without_control_characters() {
        let problem: Problem = serde_json::from_str(
            r#"{"title": "no such run", "detail": "\u001b[31mgone\n", "code": "X", "status": 404}"#,
        )
        .unwrap();
        let error = WatchError::Refused {
            status: 404,
            problem: Some(Box::new(problem)),
        };
        let said = "the server answered 404: no such run; [31mgone (`X`)";
        assert_eq!(error.to_string(), said);
        let (status, problem) = (403, None);
        let error = WatchError::Refused { status, problem };
        assert_eq!(error.to_string(), "the server answered 403");
        assert_eq!(shown(&"x".repeat(5_000)).len(), FAILURE_MESSAGE_CHARS_MAX);
    }
}
