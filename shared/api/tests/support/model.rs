//! A model that says what the test tells it.

use lattice_ir::{CallDone, CallOutcome, CallRequest};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_ports::{LiveText, Performer};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

/// What it says next.
#[derive(Debug, Clone)]
pub enum Say {
    /// The answer as far as it has come.
    SoFar(String),
    /// The whole answer.
    Whole(String),
    /// The attempt fails, and another may come.
    Fail,
}

pub struct Model(Mutex<UnboundedReceiver<Say>>);

impl Model {
    pub fn new(says: UnboundedReceiver<Say>) -> Self {
        Self(Mutex::new(says))
    }
}

impl Performer for Model {
    async fn perform(&self, _: CallRequest, live: &dyn LiveText) -> CallOutcome {
        let mut says = self.0.lock().await;
        loop {
            match says.recv().await {
                Some(Say::SoFar(text)) => live.so_far(&text),
                Some(Say::Whole(text)) => {
                    return Ok(CallDone {
                        text,
                        model: "small".to_owned(),
                        finish: "stop".to_owned(),
                        usage: Usage::default(),
                        latency_ms: 1,
                    });
                }
                Some(Say::Fail) | None => {
                    let failure = Failure::new(FailureKind::Network, "the line broke");
                    return Err((failure, Usage::default()));
                }
            }
        }
    }
}
