//! Forks: a run that begins with what another one was.

use super::runs::check_key;
use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json, set};
use crate::streams::beyond_end;
use crate::take::shape;
use axum::http::StatusCode;
use lattice_driver::{DriverError, ForkFrom, ForkRefused, ForkWish};
use lattice_engine::ForkError;
use lattice_model::{RunId, Seq, limits};
use lattice_wire::codes::{BODY_TOO_LARGE, EXPIRED, FORK, KEY_REUSED};
use lattice_wire::shapes::{ForkAnswer, ForkBody};

/// Forks a run.
pub async fn fork<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let body: ForkBody = shape(call.body.as_deref().unwrap_or_default())?;
    check_key(body.idempotency_key.as_deref())?;
    let from = from(&body)?;
    let run: RunId = call.id.parse().map_err(|_| Refused::no_run(&call.id))?;
    let wish = ForkWish {
        tenant: call.tenant()?.clone(),
        run,
        from,
        set: body.set,
        key: body.idempotency_key,
    };
    // It reads the whole log of the other run, as a replay does.
    let turn = api.folding.acquire().await;
    let _turn = turn.map_err(Refused::internal)?;
    let forked = api.driver.fork(wish).await?;
    let status = match forked.known {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let location = format!("/v1/runs/{}", forked.run);
    let answer = ForkAnswer {
        run_id: forked.run,
        known: forked.known,
        forked_from: forked.from,
    };
    let mut response = json(status, &answer)?;
    set(&mut response, "location", &location)?;
    Ok(response)
}

fn from(body: &ForkBody) -> Result<ForkFrom, Refused> {
    match (body.at, body.from_failed) {
        (Some(at), false) => Ok(ForkFrom::At(at)),
        (None, true) => Ok(ForkFrom::Failed),
        _ => Err(Refused::new(
            FORK,
            "the body names either `at` or `fromFailed`, and one of them",
            "`{\"at\": 4}` begins after event 4, `{\"fromFailed\": true}` before the failure",
        )),
    }
}

impl From<ForkRefused> for Refused {
    fn from(error: ForkRefused) -> Self {
        let (code, help) = match &error {
            ForkRefused::Driver(_) => match error {
                ForkRefused::Driver(DriverError::KeyReused { run }) => return reused(&run),
                ForkRefused::Driver(error) => return error.into(),
                other => return Self::internal(other),
            },
            ForkRefused::NoEvent { run, at, .. } if *at > Seq::ZERO => return beyond_end(run, *at),
            ForkRefused::KeyReused { run } => return reused(run),
            ForkRefused::Expired(_) => (EXPIRED, "start a new run"),
            ForkRefused::NoEvent { .. } => (FORK, "the first event is 1"),
            ForkRefused::HalfBegun(_) => (FORK, "name event 2 or a later one"),
            ForkRefused::NoRedrive(_) => (FORK, "name the event to begin at as `at`"),
            ForkRefused::Fork(ForkError::ValueTooLarge { .. }) => {
                (BODY_TOO_LARGE, "pass a reference to the data instead")
            }
            ForkRefused::Fork(ForkError::TooLarge { .. }) => {
                let bytes = limits::FORK_BYTES_MAX;
                let detail = error.to_string();
                let help = format!("name an event at which the state is under {bytes} bytes");
                return Self::new(FORK, detail, help);
            }
            ForkRefused::Fork(_) => (FORK, "`GET /v1/runs/{id}/state?seq=N` shows what there is"),
        };
        let said = error.to_string();
        // What these say to do is worded for the command line.
        let for_a_person = matches!(error, ForkRefused::NoRedrive(_) | ForkRefused::Expired(_));
        let detail = match said.rsplit_once("; ") {
            Some((detail, _)) if for_a_person => detail,
            _ => said.as_str(),
        };
        Self::new(code, detail, help)
    }
}

fn reused(run: &RunId) -> Refused {
    Refused::new(
        KEY_REUSED,
        format!("the key belongs to run `{run}`, which is not this fork"),
        "choose a fresh key for another fork",
    )
}
