//! What a request to AWS asks for, read from its head: the service and the operation.

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::{Method, Uri};

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The service, as signatures name it: `dynamodb`, `sqs`, `s3` ...
    pub service: String,
    /// The operation, as the service's reference names it: `PutItem`, `SendMessage` ...
    pub operation: String,
}

impl Call {
    /// Reads the head of a request.
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let service = service(headers).unwrap_or("unsigned").to_owned();
        let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok());
        let operation = match (target, service.as_str()) {
            (Some(target), _) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            (None, "s3") => s3(method, uri).to_owned(),
            (None, "scheduler") => scheduler(method, uri),
            (None, _) => format!("{method} {}", uri.path()),
        };
        Self { service, operation }
    }

    /// Whether it is this one.
    pub fn is(&self, service: &str, operation: &str) -> bool {
        self.service == service && self.operation == operation
    }
}

/// The service of a signature: the fourth part of its credential's scope (Signature Version 4).
fn service(headers: &HeaderMap) -> Option<&str> {
    let signature = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let scope = signature.split("Credential=").nth(1)?;
    scope.split(',').next()?.split('/').nth(3)
}

/// The operation of a request in path style: `/bucket/key`.
fn s3(method: &Method, uri: &Uri) -> &'static str {
    let key = uri.path().trim_start_matches('/').split_once('/');
    let has_key = key.is_some_and(|(_, key)| !key.is_empty());
    match (method.as_str(), has_key) {
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("PUT", true) => "PutObject",
        ("DELETE", true) => "DeleteObject",
        ("GET", false) => "ListObjectsV2",
        ("HEAD", false) => "HeadBucket",
        ("POST", _) => "DeleteObjects",
        _ => "Other",
    }
}

fn scheduler(method: &Method, uri: &Uri) -> String {
    let noun = match uri.path().starts_with("/schedule-groups") {
        true => "ScheduleGroup",
        false => "Schedule",
    };
    let verb = match method.as_str() {
        "POST" => "Create",
        "PUT" => "Update",
        "DELETE" => "Delete",
        _ => "Get",
    };
    format!("{verb}{noun}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn call(method: &str, path: &str, service: &str, target: Option<&str>) -> Call {
        let mut headers = HeaderMap::new();
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        headers.insert(AUTHORIZATION, signature.parse().unwrap());
        if let Some(target) = target {
            headers.insert("x-amz-target", target.parse().unwrap());
        }
        Call::of(&method.parse().unwrap(), &path.parse().unwrap(), &headers)
    }

    #[test]
    fn a_call_is_named_as_its_service_names_it() {
        let cases = [
            (
                "POST",
                "/",
                "dynamodb",
                Some("DynamoDB_20120810.PutItem"),
                "PutItem",
            ),
            (
                "POST",
                "/",
                "sqs",
                Some("AmazonSQS.SendMessage"),
                "SendMessage",
            ),
            (
                "GET",
                "/bucket/blobs/a?x-id=GetObject",
                "s3",
                None,
                "GetObject",
            ),
            ("GET", "/bucket?list-type=2", "s3", None, "ListObjectsV2"),
            (
                "POST",
                "/schedules/tr_a",
                "scheduler",
                None,
                "CreateSchedule",
            ),
            (
                "DELETE",
                "/schedules/tr_a",
                "scheduler",
                None,
                "DeleteSchedule",
            ),
        ];
        for (method, path, service, target, operation) in cases {
            let call = call(method, path, service, target);
            assert!(call.is(service, operation), "{call:?}");
        }
    }

    #[test]
    fn a_request_without_a_signature_has_no_service() {
        let call = Call::of(&Method::GET, &Uri::from_static("/x"), &HeaderMap::new());
        assert!(call.is("unsigned", "GET /x"));
    }
}
