//! What AWS says went wrong, as the ports say it: wait, or what a person has to do.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lattice_ports::PortError;
use std::error::Error;

/// What the ports are called in errors.
pub(crate) const TABLE: &str = "table";
/// See `TABLE`.
pub(crate) const BUCKET: &str = "bucket";
/// See `TABLE`.
pub(crate) const QUEUE: &str = "queue";
/// See `TABLE`.
pub(crate) const SECRETS: &str = "secret store";
/// See `TABLE`.
pub(crate) const SCHEDULES: &str = "scheduler";

/// Characters of AWS's own words that an error repeats.
const WORDS_MAX: usize = 300;

/// Codes that say: later.
const LATER: [&str; 20] = [
    "InternalServerError",
    "KMSThrottlingException",
    "KmsThrottled",
    "LimitExceededException",
    "OperationAborted",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Codes that say: you may not.
const REFUSED: [&str; 9] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationErrorException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes that say: there is no such table, bucket, queue, schedule group.
const ABSENT: [&str; 6] = [
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "TableNotFoundException",
    "com.amazonaws.sqs#QueueDoesNotExist",
];

/// What a call was made on, for the words of its error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource<'a> {
    /// The port.
    pub(crate) port: &'static str,
    /// What AWS calls the thing.
    pub(crate) name: &'a str,
    /// The setting that names it.
    pub(crate) setting: &'static str,
}

impl Resource<'_> {
    /// The error as the port's.
    pub(crate) fn error<E>(self, error: &SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let meta = service.err();
                self.said(meta.code(), meta.message(), status)
            }
            SdkError::ConstructionFailure(_) => {
                self.broken(format!("a request could not be made: {}", innermost(error)))
            }
            // Neither the request nor its fate is known here: no connection, no credentials, a time
            // that ran out, an answer that makes no sense.
            _ => self.unavailable(format!("{error}: {}", innermost(error))),
        }
    }

    /// What a service said, by its code.
    pub(crate) fn said(self, code: Option<&str>, words: Option<&str>, status: u16) -> PortError {
        let (code, name) = (code.unwrap_or("no code"), self.name);
        // A service that guards secrets has its codes repeated, never its words.
        let words = words.filter(|_| self.port != SECRETS).unwrap_or_default();
        let words: String = words.chars().take(WORDS_MAX).collect();
        let reason = match words.is_empty() {
            true => format!("`{name}` answered `{code}`"),
            false => format!("`{name}` answered `{code}`: {words}"),
        };
        if LATER.contains(&code) || status >= 500 || status == 429 {
            return self.unavailable(reason);
        }
        if REFUSED.contains(&code) {
            let (port, reason) = (
                self.port,
                format!("{reason}: the role may not make this call"),
            );
            return PortError::ReadOnly { port, reason };
        }
        if ABSENT.contains(&code) {
            return self.absent();
        }
        corrupt(self.port, reason)
    }

    fn absent(self) -> PortError {
        PortError::Missing {
            port: self.port,
            name: self.name.to_owned(),
            help: format!(
                "deploy the stack, or let `{}` name what the stack made",
                self.setting
            ),
        }
    }

    fn broken(self, reason: String) -> PortError {
        let port = self.port;
        PortError::Broken { port, reason }
    }

    /// Not now.
    pub(crate) fn unavailable(self, reason: String) -> PortError {
        let port = self.port;
        PortError::Unavailable { port, reason }
    }
}

/// One thing is not what was written.
pub(crate) fn corrupt(port: &'static str, reason: impl Into<String>) -> PortError {
    let reason = reason.into();
    PortError::Corrupt { port, reason }
}

/// What was met at the bottom: the SDK's own words say only where.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    const TABLE_OF_TEST: Resource<'static> = Resource {
        port: TABLE,
        name: "lattice-test",
        setting: "LATTICE_TABLE",
    };

    fn kind(error: &PortError) -> &'static str {
        match error {
            PortError::Unavailable { .. } => "unavailable",
            PortError::ReadOnly { .. } => "read only",
            PortError::Broken { .. } => "broken",
            PortError::Corrupt { .. } => "corrupt",
            PortError::Missing { .. } => "missing",
            _ => "other",
        }
    }

    #[test]
    fn a_code_says_whether_to_wait_or_to_ask_a_person() {
        for (code, status, expected) in [
            ("ProvisionedThroughputExceededException", 400, "unavailable"),
            ("ThrottlingException", 400, "unavailable"),
            ("TransactionConflictException", 400, "unavailable"),
            ("SlowDown", 503, "unavailable"),
            ("WhateverThisIs", 500, "unavailable"),
            ("WhateverThisIs", 429, "unavailable"),
            ("AccessDeniedException", 400, "read only"),
            ("AccessDenied", 403, "read only"),
            ("ExpiredTokenException", 400, "read only"),
            ("ResourceNotFoundException", 400, "missing"),
            ("NoSuchBucket", 404, "missing"),
            ("ValidationException", 400, "corrupt"),
        ] {
            let error = TABLE_OF_TEST.said(Some(code), Some("words"), status);
            assert_eq!(kind(&error), expected, "{code}");
            assert!(error.to_string().contains("lattice-test"), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_setting_that_names_it() {
        let error = TABLE_OF_TEST.said(Some("ResourceNotFoundException"), None, 400);
        let text = error.to_string();
        assert!(
            text.contains("LATTICE_TABLE") && text.contains("deploy"),
            "{text}"
        );
    }

    #[test]
    fn words_of_the_secret_store_are_not_repeated() {
        let secrets = Resource {
            port: SECRETS,
            ..TABLE_OF_TEST
        };
        let error = secrets.said(Some("DecryptionFailure"), Some("canary"), 400);
        assert!(!error.to_string().contains("canary"), "{error}");
        let long = "x".repeat(9_000);
        let error = TABLE_OF_TEST.said(Some("ValidationException"), Some(&long), 400);
        assert!(error.to_string().len() < 500);
    }

    #[test]
    fn no_answer_is_a_reason_to_wait() {
        let io = || -> Box<dyn Error + Send + Sync> { "the line is dead".into() };
        let errors: [SdkError<PutItemError, HttpResponse>; 3] = [
            SdkError::timeout_error(io()),
            SdkError::dispatch_failure(ConnectorError::io(io())),
            SdkError::dispatch_failure(ConnectorError::timeout(io())),
        ];
        for error in errors {
            let error = TABLE_OF_TEST.error(&error);
            assert_eq!(kind(&error), "unavailable");
            assert!(error.to_string().contains("the line is dead"), "{error}");
        }
        let unmade: SdkError<PutItemError, HttpResponse> = SdkError::construction_failure(io());
        assert_eq!(kind(&TABLE_OF_TEST.error(&unmade)), "broken");
    }
}
