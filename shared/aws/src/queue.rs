//! The queue over SQS. Delays are whole seconds there, so a shorter one is rounded up: nothing is
//! ever seen before its time.

use crate::error::{QUEUE, Resource, corrupt};
use crate::trace::traceparent;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    Message as SqsMessage, MessageAttributeValue, MessageSystemAttributeName as SystemName,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use lattice_model::limits::{CLOUD_ATTEMPT_MS_MAX, QUEUE_DELAY_MS_MAX, QUEUE_POLL_S};
use lattice_ports::{Delivery, Message, PortError, Receipt, StageQueue};
use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The message attribute that carries the trace.
const TRACEPARENT: &str = "traceparent";

/// What SQS says of a receipt that is no longer good, or never was.
const STALE: [&str; 6] = [
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MessageNotInflight",
    "AWS.SimpleQueueService.MessageNotInflight",
    "ReceiptHandleIsInvalid",
    "MissingParameter",
];

/// Receipts that were given back and are remembered.
const SPENT_MAX: usize = 1_000;

/// The queue over SQS. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    /// SQS takes a receipt until the message is received again; the port does not once it was given
    /// back.
    spent: Arc<Mutex<VecDeque<String>>>,
}

impl SqsQueue {
    pub(crate) fn new(client: Client, url: String) -> Self {
        Self {
            client,
            url,
            spent: Arc::default(),
        }
    }

    fn spent(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resource(&self) -> Resource<'_> {
        Resource {
            port: QUEUE,
            name: &self.url,
            setting: "LATTICE_QUEUE_URL",
        }
    }

    /// Reads the body of a record.
    pub fn parse(body: &str) -> Result<Message, PortError> {
        let message = serde_json::from_str(body);
        message.map_err(|error| corrupt(QUEUE, format!("a message is none of ours: {error}")))
    }

    /// The body of a message.
    pub fn body(message: &Message) -> Result<String, PortError> {
        let body = serde_json::to_string(message);
        body.map_err(|error| corrupt(QUEUE, format!("a message: {error}")))
    }

    /// Waits at most so many seconds for a message: 0 = looks once.
    pub async fn receive_within(&self, seconds: i32) -> Result<Option<Delivery>, PortError> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive
            .max_number_of_messages(1)
            .wait_time_seconds(seconds)
            .message_system_attribute_names(SystemName::ApproximateReceiveCount);
        // The answer to a long poll comes when there is one.
        let wait_ms = u64::try_from(seconds).unwrap_or(0) * 1_000 + CLOUD_ATTEMPT_MS_MAX;
        let patience = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_millis(wait_ms))
            .operation_timeout(Duration::from_millis(wait_ms * 2))
            .build();
        let patient = aws_sdk_sqs::config::Config::builder().timeout_config(patience);
        let output = receive.customize().config_override(patient).send().await;
        let output = output.map_err(|error| self.resource().error(&error))?;
        let message = output.messages.unwrap_or_default().into_iter().next();
        message.map(delivery).transpose()
    }

    /// Hides a delivered message for so long from now on; one that is due again changes nothing.
    pub async fn change_visibility(&self, receipt: &str, delay_ms: u64) -> Result<(), PortError> {
        let change = self.client.change_message_visibility().queue_url(&self.url);
        let sent = change
            .receipt_handle(receipt)
            .visibility_timeout(whole_seconds(delay_ms));
        self.unless_stale(sent.send().await.map(|_| ()))
    }

    fn unless_stale<E>(&self, done: Result<(), SdkError<E, HttpResponse>>) -> Result<(), PortError>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match done {
            Ok(()) => Ok(()),
            Err(error) => {
                let code = error.as_service_error().and_then(|error| error.code());
                match code.is_some_and(|code| STALE.contains(&code)) {
                    true => Ok(()),
                    false => Err(self.resource().error(&error)),
                }
            }
        }
    }
}

impl StageQueue for SqsQueue {
    async fn send(&self, message: Message, delay_ms: u64) -> Result<(), PortError> {
        let send = self.client.send_message().queue_url(&self.url);
        let mut send = send
            .message_body(Self::body(&message)?)
            .delay_seconds(whole_seconds(delay_ms))
            // What makes the queue a fair one: no tenant's backlog holds up the others.
            .message_group_id(message.tenant.as_str());
        if let Some(parent) = traceparent() {
            let value = MessageAttributeValue::builder().data_type("String");
            let value = value.string_value(parent).build();
            let value = value.map_err(|error| corrupt(QUEUE, error.to_string()))?;
            send = send.message_attributes(TRACEPARENT, value);
        }
        let sent = send.send().await;
        sent.map_err(|error| self.resource().error(&error))?;
        Ok(())
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        loop {
            if let Some(delivery) = self.receive_within(QUEUE_POLL_S).await? {
                return Ok(Some(delivery));
            }
        }
    }

    async fn ack(&self, receipt: &Receipt) -> Result<(), PortError> {
        if self.spent().contains(&receipt.0) {
            return Ok(());
        }
        let delete = self.client.delete_message().queue_url(&self.url);
        let sent = delete.receipt_handle(&receipt.0).send().await;
        self.unless_stale(sent.map(|_| ()))
    }

    async fn give_back(&self, receipt: &Receipt, delay_ms: u64) -> Result<(), PortError> {
        if self.spent().contains(&receipt.0) {
            return Ok(());
        }
        self.change_visibility(&receipt.0, delay_ms).await?;
        let mut spent = self.spent();
        if spent.len() >= SPENT_MAX {
            spent.pop_front();
        }
        spent.push_back(receipt.0.clone());
        Ok(())
    }
}

/// Seconds, rounded up, at most what the port promises.
fn whole_seconds(delay_ms: u64) -> i32 {
    let seconds = delay_ms.min(QUEUE_DELAY_MS_MAX).div_ceil(1_000);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn delivery(message: SqsMessage) -> Result<Delivery, PortError> {
    let receives = message.attributes.as_ref();
    let receives = receives.and_then(|all| all.get(&SystemName::ApproximateReceiveCount));
    let receives = receives.and_then(|count| count.parse().ok());
    Ok(Delivery {
        message: SqsQueue::parse(message.body.as_deref().unwrap_or_default())?,
        receipt: Receipt(message.receipt_handle.unwrap_or_default()),
        receives: receives.unwrap_or(1),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use lattice_model::{Millis, RunId, Seq, StageId};
    use lattice_ports::Saw;

    #[test]
    fn a_delay_is_rounded_up_and_cut() {
        for (ms, seconds) in [
            (0, 0),
            (1, 1),
            (1_000, 1),
            (1_001, 2),
            (QUEUE_DELAY_MS_MAX, 900),
            (u64::MAX, 900),
        ] {
            assert_eq!(whole_seconds(ms), seconds, "{ms}");
        }
    }

    #[test]
    fn a_body_is_the_message_as_json() {
        let run = RunId::from_parts(Millis::new(1_760_000_000_000), [7; 10]);
        let mut message = Message::new(run.clone(), Seq::from_stored(5));
        let plain = format!(r#"{{"run":"{run}","hint":5}}"#);
        assert_eq!(SqsQueue::body(&message).unwrap(), plain);
        message.saw = vec![Saw {
            stage: StageId::new("ask"),
            attempt: 2,
        }];
        let body = SqsQueue::body(&message).unwrap();
        assert_eq!(SqsQueue::parse(&body).unwrap(), message);
        for wrong in ["", "{}", "[1]", "poison"] {
            let error = SqsQueue::parse(wrong).unwrap_err();
            assert!(matches!(error, PortError::Corrupt { .. }), "{wrong}");
        }
    }
}
