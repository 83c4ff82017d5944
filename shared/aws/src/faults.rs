//! What can go wrong between a process and AWS, on purpose: for tests.
//!
//! A plan is a function of a seed, or a list of what is to happen next.

use crate::http::Call;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use lattice_model::Hash;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The service has too much to do, and did nothing.
    Throttled,
    /// The request was done and its answer is lost.
    AnswerLost,
    /// The request arrived twice; the second answer is heard.
    Twice,
    /// Another transaction was at the same item, and nothing was done.
    Conflict,
    /// Nobody was reached.
    Unreachable,
    /// Nobody answered in time, and nothing was done.
    TimedOut,
    /// The service broke down, and did nothing.
    Internal,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::Throttled,
        Self::AnswerLost,
        Self::Twice,
        Self::Conflict,
        Self::Unreachable,
        Self::TimedOut,
        Self::Internal,
    ];
}

/// When what goes wrong. Clones are the same plan.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    seed: u64,
    /// Of a thousand requests so many go wrong.
    in_thousand: u64,
    drawn: u64,
    next: VecDeque<(String, Fault)>,
    happened: Vec<(String, Fault)>,
}

impl Faults {
    /// Nothing goes wrong, until `next` says so.
    pub fn none() -> Self {
        Self::seeded(0, 0)
    }

    /// So many of a thousand requests go wrong; which and how is a function of the seed and of the
    /// requests' order.
    pub fn seeded(seed: u64, in_thousand: u64) -> Self {
        Self(Arc::new(Mutex::new(Plan {
            seed,
            in_thousand,
            ..Plan::default()
        })))
    }

    /// The next request for this operation (`PutItem`) goes wrong; several wait for their turn.
    pub fn next(&self, operation: &str, fault: Fault) {
        self.plan().next.push_back((operation.to_owned(), fault));
    }

    /// What has happened so far, by operation.
    pub fn happened(&self) -> Vec<(String, Fault)> {
        self.plan().happened.clone()
    }

    pub(crate) fn draw(&self, call: &Call) -> Option<Fault> {
        let mut plan = self.plan();
        let mut waiting = plan.next.iter();
        let asked = waiting.position(|(operation, _)| *operation == call.operation);
        let fault = match asked {
            Some(place) => plan.next.remove(place).map(|(_, fault)| fault),
            None => plan.roll(),
        };
        if let Some(fault) = fault {
            plan.happened.push((call.operation.clone(), fault));
        }
        fault
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn roll(&mut self) -> Option<Fault> {
        self.drawn += 1;
        let place = [self.seed.to_be_bytes(), self.drawn.to_be_bytes()].concat();
        let dice = Hash::of(&place);
        let byte = |nth: usize| u64::from(dice.as_bytes().get(nth).copied().unwrap_or(0));
        let roll = (byte(0) << 8 | byte(1)) % 1_000;
        let kind = usize::try_from(byte(2)).unwrap_or(0) % Fault::ALL.len();
        (roll < self.in_thousand).then(|| Fault::ALL.get(kind).copied())?
    }
}

impl Fault {
    /// What becomes of the request.
    pub(crate) fn happen(
        self,
        call: &Call,
        inner: SharedHttpConnector,
        request: HttpRequest,
    ) -> HttpConnectorFuture {
        match self {
            Self::Throttled => answer(throttled(call)),
            Self::Conflict => answer(conflict(call)),
            Self::Internal => answer(said(call, 500, "InternalServerError", "")),
            Self::Unreachable => broken(ConnectorError::io("injected: nobody was reached".into())),
            Self::TimedOut => broken(ConnectorError::timeout("injected: no answer".into())),
            Self::AnswerLost => HttpConnectorFuture::new(async move {
                inner.call(request).await?;
                let lost = "injected: the answer was lost";
                Err(ConnectorError::timeout(lost.into()))
            }),
            Self::Twice => HttpConnectorFuture::new(async move {
                let Some(again) = request.try_clone() else {
                    return inner.call(request).await;
                };
                inner.call(request).await?;
                inner.call(again).await
            }),
        }
    }
}

fn answer(response: Result<HttpResponse, ConnectorError>) -> HttpConnectorFuture {
    HttpConnectorFuture::ready(response)
}

fn broken(error: ConnectorError) -> HttpConnectorFuture {
    HttpConnectorFuture::ready(Err(error))
}

fn throttled(call: &Call) -> Result<HttpResponse, ConnectorError> {
    match call.service.as_str() {
        "dynamodb" => said(call, 400, "ProvisionedThroughputExceededException", ""),
        "s3" => said(call, 503, "SlowDown", ""),
        _ => said(call, 400, "ThrottlingException", ""),
    }
}

/// Only DynamoDB knows transactions; other services are busy.
fn conflict(call: &Call) -> Result<HttpResponse, ConnectorError> {
    match (call.service.as_str(), call.operation.as_str()) {
        ("dynamodb", "TransactWriteItems") => {
            let reasons = r#","CancellationReasons":[{"Code":"TransactionConflict"}]"#;
            said(call, 400, "TransactionCanceledException", reasons)
        }
        ("dynamodb", "PutItem" | "UpdateItem" | "DeleteItem") => {
            said(call, 400, "TransactionConflictException", "")
        }
        _ => throttled(call),
    }
}

/// An error in the service's own form.
fn said(call: &Call, status: u16, code: &str, more: &str) -> Result<HttpResponse, ConnectorError> {
    let (kind, body) = match call.service.as_str() {
        "s3" => (
            "application/xml",
            format!("<Error><Code>{code}</Code><Message>injected</Message></Error>"),
        ),
        _ => (
            "application/x-amz-json-1.0",
            format!(r#"{{"__type":"injected#{code}","message":"injected"{more}}}"#),
        ),
    };
    let status = status.try_into();
    let status = status.map_err(|_| ConnectorError::other("no such status".into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", kind);
    Ok(response)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn rolls(seed: u64, in_thousand: u64) -> Vec<Option<Fault>> {
        let faults = Faults::seeded(seed, in_thousand);
        (0..4_000).map(|_| faults.plan().roll()).collect()
    }

    #[test]
    fn a_plan_is_a_function_of_its_seed() {
        assert_eq!(rolls(1, 100), rolls(1, 100));
        assert_ne!(rolls(1, 100), rolls(2, 100));
        assert!(rolls(1, 0).iter().all(Option::is_none));
        let happened: Vec<Fault> = rolls(1, 100).into_iter().flatten().collect();
        assert!((300..500).contains(&happened.len()), "{}", happened.len());
        for fault in Fault::ALL {
            assert!(happened.contains(&fault), "{fault:?}");
        }
    }
}
