//! The connector that all calls go through: rustls below, and above it whoever counts.

use crate::counter::{Counter, Unit};
#[cfg(feature = "faults")]
use crate::faults::Faults;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use lattice_model::limits::QUEUE_REQUEST_BYTES;

/// The HTTP client of a process. Connections are kept and shared; trusted roots are read when the
/// first connection is made, not before.
#[derive(Debug, Clone)]
pub struct Http {
    inner: SharedHttpClient,
    counter: Counter,
    #[cfg(feature = "faults")]
    faults: Faults,
}

impl Http {
    /// A client that counts.
    pub fn new() -> Self {
        let tls = Provider::Rustls(CryptoMode::Ring);
        Self {
            inner: Builder::new().tls_provider(tls).build_https(),
            counter: Counter::default(),
            #[cfg(feature = "faults")]
            faults: Faults::none(),
        }
    }

    /// A client that does wrong as the plan says.
    #[cfg(feature = "faults")]
    pub fn with_faults(faults: Faults) -> Self {
        Self {
            faults,
            ..Self::new()
        }
    }

    /// Its counts.
    pub fn counter(&self) -> &Counter {
        &self.counter
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Wire {
            inner: self.inner.http_connector(settings, components),
            counter: self.counter.clone(),
            #[cfg(feature = "faults")]
            faults: self.faults.clone(),
        })
    }
}

#[derive(Debug)]
struct Wire {
    inner: SharedHttpConnector,
    counter: Counter,
    #[cfg(feature = "faults")]
    faults: Faults,
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::of(&request);
        call.count(&self.counter);
        #[cfg(feature = "faults")]
        if let Some(fault) = self.faults.draw(&call) {
            return fault.happen(&call, self.inner.clone(), request);
        }
        self.inner.call(request)
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The service, by the name that its signature is made for.
    pub(crate) service: String,
    /// The operation.
    pub(crate) operation: String,
    bytes: u64,
}

impl Call {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let headers = request.headers();
        let scope = headers.get("authorization").and_then(signed_for);
        let service = scope.unwrap_or("unsigned");
        let target = headers.get("x-amz-target");
        let named = target.and_then(|target| target.rsplit_once('.'));
        let operation = match named {
            Some((_, operation)) => operation,
            None => by_method(service, request.method()),
        };
        let bytes = request.body().bytes().map_or(0, <[u8]>::len) as u64;
        Self {
            service: service.to_owned(),
            operation: operation.to_owned(),
            bytes,
        }
    }

    fn count(&self, counter: &Counter) {
        counter.call(&self.service, &self.operation);
        match (self.service.as_str(), self.operation.as_str()) {
            ("sqs", _) => {
                let requests = self.bytes.div_ceil(QUEUE_REQUEST_BYTES).max(1);
                counter.add(Unit::QueueRequests, requests as f64);
            }
            ("s3", "GetObject" | "HeadObject") => counter.add(Unit::BucketReads, 1.0),
            ("s3", "PutObject" | "PostObject") => counter.add(Unit::BucketWrites, 1.0),
            ("secretsmanager", _) => counter.add(Unit::SecretReads, 1.0),
            // What the table costs is in its answers.
            _ => {}
        }
    }
}

/// The service in `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, ...`.
fn signed_for(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.split_once("Credential=")?;
    let scope = scope.split(',').next()?;
    scope.strip_suffix("/aws4_request")?.rsplit('/').next()
}

/// The operation of a service that speaks REST, as far as this crate asks for it.
fn by_method<'a>(service: &str, method: &'a str) -> &'a str {
    match (service, method) {
        ("s3", "GET") => "GetObject",
        ("s3", "HEAD") => "HeadObject",
        ("s3", "PUT") => "PutObject",
        ("s3", "DELETE") => "DeleteObject",
        ("s3", "POST") => "PostObject",
        ("scheduler", "GET") => "GetSchedule",
        ("scheduler", "POST") => "CreateSchedule",
        ("scheduler", "PUT") => "UpdateSchedule",
        ("scheduler", "DELETE") => "DeleteSchedule",
        (_, method) => method,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use aws_smithy_types::body::SdkBody;

    fn request(
        method: &'static str,
        service: &str,
        target: Option<&'static str>,
        bytes: usize,
    ) -> Call {
        let mut request = HttpRequest::new(SdkBody::from(vec![b'x'; bytes]));
        request.set_method(method).unwrap();
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20250101/eu-west-1/{service}/aws4_request, SignedHeaders=a"
        );
        request.headers_mut().insert("authorization", scope);
        if let Some(target) = target {
            request.headers_mut().insert("x-amz-target", target);
        }
        Call::of(&request)
    }

    #[test]
    fn a_request_says_what_it_asks_for() {
        for (method, service, target, expected) in [
            (
                "POST",
                "dynamodb",
                Some("DynamoDB_20120810.PutItem"),
                "PutItem",
            ),
            ("POST", "sqs", Some("AmazonSQS.SendMessage"), "SendMessage"),
            (
                "POST",
                "secretsmanager",
                Some("secretsmanager.GetSecretValue"),
                "GetSecretValue",
            ),
            ("PUT", "s3", None, "PutObject"),
            ("GET", "s3", None, "GetObject"),
            ("PUT", "scheduler", None, "UpdateSchedule"),
        ] {
            let call = request(method, service, target, 3);
            assert_eq!(
                (call.service.as_str(), call.operation.as_str()),
                (service, expected)
            );
        }
    }

    #[test]
    fn queue_requests_are_billed_in_steps() {
        for (bytes, billed) in [(0, 1.0), (65_536, 1.0), (65_537, 2.0), (200_000, 4.0)] {
            let counter = Counter::default();
            request("POST", "sqs", Some("AmazonSQS.SendMessage"), bytes).count(&counter);
            assert_eq!(counter.snapshot().units_of(Unit::QueueRequests), billed);
        }
    }
}
