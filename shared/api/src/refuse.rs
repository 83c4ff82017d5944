//! Turns every error into a problem body.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lattice_document::Problem;
use lattice_driver::{DriverError, RequestError};
use lattice_engine::StartError;
use lattice_model::RunId;
use lattice_ports::PortError;
use lattice_wire::codes::{
    ANSWER, ANSWERED, BODY_TOO_LARGE, BUSY, FULL, INPUT, INTERNAL, KEY_REUSED, NO_QUESTION, NO_RUN,
    RUN_OVER, UNAVAILABLE,
};
use lattice_wire::{ApiProblem, ErrorCode};

/// A request that is not served: the problem, and headers that go with it.
#[derive(Debug)]
pub struct Refused {
    /// The body.
    pub problem: Box<ApiProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether a log was found that is not whole, which is counted where the answer is given.
    pub is_broken_log: bool,
}

impl Refused {
    /// A refusal with what is wrong and what to do.
    pub fn new(code: ErrorCode, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            problem: Box::new(ApiProblem::new(code, detail, help)),
            headers: Vec::new(),
            is_broken_log: false,
        }
    }

    /// Adds what is wrong with a document.
    #[must_use]
    pub fn with(mut self, problems: Vec<Problem>) -> Self {
        self.problem.problems = problems;
        self
    }

    /// Says it in other words, which tell how far the request came.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>, help: impl Into<String>) -> Self {
        self.problem.detail = detail.into();
        self.problem.help = help.into();
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// A fault of ours: the log says what it was, the caller only that it was.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(%what, "a request met a fault of ours");
        let detail = "something broke on our side; nothing of the request is lost or half done";
        Self::new(
            INTERNAL,
            detail,
            "the log of the server says what; report it",
        )
    }

    /// No such run, or one of somebody else: nobody learns which.
    pub fn no_run(run: &str) -> Self {
        let detail = format!("there is no run `{run}`");
        Self::new(NO_RUN, detail, "`GET /v1/runs` lists the runs")
    }

    /// Too many at once.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::new(BUSY, detail, "try again in a second").header("retry-after", "1")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // A problem is a tree of plain values, so it always serialises.
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        let status = StatusCode::from_u16(self.problem.status);
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers);
        response
    }
}

impl From<PortError> for Refused {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unavailable { .. } => {
                tracing::warn!(%error, "a request met a port that does not answer");
                let detail = "the store does not answer at the moment";
                Self::new(
                    UNAVAILABLE,
                    detail,
                    "send the same request again in a second",
                )
                .header("retry-after", "1")
            }
            PortError::Full { .. } => Self::new(
                FULL,
                "there is no room to write",
                "free some space and send the same request again",
            ),
            PortError::ReadOnly { .. } => {
                tracing::error!(%error, "a request met a store that cannot be written");
                let help = "check the owner and permissions of the data directory";
                Self::new(UNAVAILABLE, "the store cannot be written", help)
            }
            PortError::Unfit { reason, help, .. } => Self::new(INPUT, reason, help),
            other => Self {
                is_broken_log: matches!(other, PortError::Chain(_)),
                ..Self::internal(other)
            },
        }
    }
}

impl From<DriverError> for Refused {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Port(error) => error.into(),
            DriverError::NoRun(run) => Self::no_run(run.as_str()),
            DriverError::KeyReused { run } => Self::new(
                KEY_REUSED,
                format!("the key belongs to run `{run}`, which has another workflow or input"),
                "choose a fresh key for another start",
            ),
            DriverError::Start(error) => start(&error),
            DriverError::Contended { run, .. } => contended(&run),
            other => Self {
                is_broken_log: other.is_broken_log(),
                ..Self::internal(other)
            },
        }
    }
}

fn contended(run: &RunId) -> Refused {
    Refused::busy(format!("run `{run}` is being written by many at once"))
}

fn start(error: &StartError) -> Refused {
    let (code, help) = match error {
        StartError::InputTooLarge { .. } => {
            (BODY_TOO_LARGE, "pass a reference to the data instead")
        }
        StartError::InputTooDeep { .. } => (INPUT, "flatten the input"),
        StartError::VariablesTooLarge { .. } => (INPUT, "move large variables into the input"),
        StartError::Input(_) => (INPUT, "what it needs stands under `input` in the workflow"),
        // Nobody names these by hand: the one who fires a trigger, or calls a batch, has looked.
        StartError::NoTrigger(_) | StartError::NoMap | StartError::NoEntry => {
            return Refused::internal(error);
        }
    };
    let said = error.to_string();
    let detail = said.split("; pass a").next().unwrap_or_default();
    Refused::new(code, detail, help)
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        let (code, help) = match &error {
            RequestError::Driver(_) => match error {
                RequestError::Driver(error) => return error.into(),
                other => return Self::internal(other),
            },
            RequestError::Over { .. } => (RUN_OVER, "`GET /v1/runs/{id}` says how it ended"),
            RequestError::NoQuestion { .. } => {
                (NO_QUESTION, "`GET /v1/waits` lists open questions")
            }
            RequestError::Answered { .. } => (
                ANSWERED,
                "the first answer counts; `GET /v1/runs/{id}/events` shows it",
            ),
            RequestError::Answer { .. } => (ANSWER, "answer with one of the options"),
            RequestError::KeyReused { .. } => (KEY_REUSED, "choose a fresh key for another answer"),
            RequestError::TooLarge { .. } => (BODY_TOO_LARGE, "answer with less"),
            RequestError::TooDeep { .. } => (ANSWER, "flatten the answer"),
        };
        let said = error.to_string();
        let detail = said.split("; `lattice").next().unwrap_or_default();
        Self::new(code, detail, help)
    }
}

#[cfg(test)]
mod tests {
    use super::Refused;
    use lattice_ports::PortError;

    #[test]
    fn a_run_that_a_deployment_cannot_keep_is_the_callers_to_change() {
        let refused = Refused::from(PortError::Unfit {
            port: "table",
            reason: "the run may live 31 days, and what is stored is kept for 30".to_owned(),
            help: "lower the workflow's lifetime".to_owned(),
        });
        let problem = &refused.problem;
        assert_eq!((problem.status, refused.is_broken_log), (422, false));
        assert!(problem.detail.contains("31 days") && problem.help.contains("lifetime"));
    }
}
