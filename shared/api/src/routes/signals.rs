//! What people tell runs: an answer, a cancel, a nudge.

use super::runs::check_key;
use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json};
use crate::take::shape;
use axum::http::StatusCode;
use lattice_driver::{RequestError, Signal};
use lattice_journal::{Head, RunStatus};
use lattice_model::limits::{REASON_CHARS_MAX, STAGE_ID_CHARS_MAX};
use lattice_model::{Hash, InboxId, RunId, StageId};
use lattice_ports::{InboxPut, Message, StageQueue};
use lattice_wire::codes::BODY_SHAPE;
use lattice_wire::shapes::{Accepted, CancelBody, SignalBody};

/// Answers a question.
pub async fn signal<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let body: SignalBody = shape(call.body.as_deref().unwrap_or_default())?;
    check_key(body.idempotency_key.as_deref())?;
    check_wait(body.wait.as_ref())?;
    let head = api.head(call).await?;
    let signal = Signal {
        node: body.node,
        wait: body.wait,
        value: body.value,
        id: body.idempotency_key.as_deref().map(inbox_id),
    };
    let put = api.driver.signal(&head.run, signal).await?;
    accepted(head.run, put)
}

/// Refuses the name of a visit that no visit can have: like a reason, it stands in an event.
fn check_wait(wait: Option<&StageId>) -> Result<(), Refused> {
    match wait.is_none_or(|wait| wait.as_str().len() <= STAGE_ID_CHARS_MAX) {
        true => Ok(()),
        false => Err(Refused::new(
            BODY_SHAPE,
            "the body does not fit at `wait`",
            "give the `stage` of an open question, or leave it out",
        )),
    }
}

/// The name of an answer in the run's inbox, where ids of our own making stand too.
fn inbox_id(key: &str) -> InboxId {
    InboxId::new(format!("key_{}", Hash::of(key.as_bytes()).to_hex()))
}

fn accepted(run_id: RunId, put: InboxPut) -> Done {
    let known = put == InboxPut::Known;
    let status = match known {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    json(status, &Accepted { run_id, known })
}

/// Ends a run; one that was ended so before is as good.
pub async fn cancel<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let body = match call.body.as_deref() {
        Some(bytes) => shape::<CancelBody>(bytes)?.reason,
        None => None,
    };
    let reason = body.unwrap_or_default();
    // It stands in an event, and one that does not fit into a commit would stop its run for ever.
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(Refused::new(
            BODY_SHAPE,
            "the body does not fit at `reason`",
            format!("give at most {REASON_CHARS_MAX} characters"),
        ));
    }
    let head = api.head(call).await?;
    match api.driver.cancel(&head.run, &reason).await {
        Ok(put) => accepted(head.run, put),
        Err(RequestError::Over {
            status: RunStatus::Cancelled,
            ..
        }) => accepted(head.run, InboxPut::Known),
        Err(error) => Err(error.into()),
    }
}

/// Wakes a run.
pub async fn resume<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let Head {
        run,
        status,
        tenant,
        ..
    } = api.head(call).await?;
    if status.is_terminal() {
        return Err(Refused::from(RequestError::Over { run, status }));
    }
    let message = Message::new(run.clone(), lattice_model::Seq::ZERO).of(&tenant);
    api.driver.queue().send(message, 0).await?;
    accepted(run, InboxPut::Stored)
}
