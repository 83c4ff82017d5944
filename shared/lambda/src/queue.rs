//! A queue whose messages say of which trace they are a part, wherever they are sent from.

use crate::trace::current;
use lattice_aws::traced;
use lattice_ports::{Delivery, Message, PortError, Receipt, StageQueue};

/// A queue whose messages carry the trace of the work that sends them: also of a task that was
/// started aside, which has it from the invocation.
#[derive(Debug, Clone)]
pub struct Traced<Q>(pub Q);

impl<Q: StageQueue> StageQueue for Traced<Q> {
    async fn send(&self, message: Message, delay_ms: u64) -> Result<(), PortError> {
        let send = self.0.send(message, delay_ms);
        match current() {
            Some(trace) => traced(trace.to_string(), send).await,
            None => send.await,
        }
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        self.0.receive().await
    }

    async fn ack(&self, receipt: &Receipt) -> Result<(), PortError> {
        self.0.ack(receipt).await
    }

    async fn give_back(&self, receipt: &Receipt, delay_ms: u64) -> Result<(), PortError> {
        self.0.give_back(receipt, delay_ms).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::trace::{Trace, within};
    use lattice_model::{Millis, RunId, Seq};
    use std::sync::Mutex;

    /// Keeps the trace that each message would carry.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Option<String>>>);

    impl StageQueue for Kept {
        async fn send(&self, _: Message, _: u64) -> Result<(), PortError> {
            self.0.lock().unwrap().push(lattice_aws::traceparent());
            Ok(())
        }

        async fn receive(&self) -> Result<Option<Delivery>, PortError> {
            Ok(None)
        }

        async fn ack(&self, _: &Receipt) -> Result<(), PortError> {
            Ok(())
        }

        async fn give_back(&self, _: &Receipt, _: u64) -> Result<(), PortError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_message_carries_the_trace_of_the_work_that_sends_it() {
        let queue = Traced(Kept::default());
        let run = RunId::from_parts(Millis::new(1_760_000_000_000), [7; 10]);
        let send = || queue.send(Message::new(run.clone(), Seq::ZERO), 0);
        let trace = Trace::begin([9; 16]);
        within(Some(trace.clone()), send()).await.unwrap();
        assert_eq!(*queue.0.0.lock().unwrap(), [Some(trace.to_string())]);
    }
}
