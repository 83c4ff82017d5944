//! Runs: start, list, how they stand, what they ask.

use super::workflows::no_workflow;
use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json, set};
use crate::streams::beyond_end;
use crate::take::shape;
use crate::view::{questions, run_answer, run_row, state_answer};
use axum::http::StatusCode;
use lattice_driver::{StartRequest, state_at};
use lattice_journal::RunStatus;
use lattice_model::{RunId, WorkflowId};
use lattice_ports::{Keys, RunFilter, RunIndex, RunLog, Workflows};
use lattice_wire::codes::{BODY_SHAPE, QUERY};
use lattice_wire::shapes::{RunPage, StartBody, Started, WaitPage, is_key};

/// Starts a run of a stored workflow.
pub async fn start<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let body: StartBody = shape(call.body.as_deref().unwrap_or_default())?;
    check_key(body.idempotency_key.as_deref())?;
    let tenant = call.tenant()?.clone();
    let stored = match lattice_document::id_is_legal(body.workflow_id.as_str()) {
        true => {
            api.store()
                .workflow(&tenant, &body.workflow_id, body.version)
                .await?
        }
        false => None,
    };
    let Some(stored) = stored else {
        let none = no_workflow(body.workflow_id.as_str());
        // A start that is sent again gets its run, whatever became of the workflow since.
        let Some(key) = &body.idempotency_key else {
            return Err(none);
        };
        let run = api.store().run_of_key(&tenant.scoped(key)).await?;
        return started(run.ok_or(none)?, true);
    };
    let plan = api.driver.plan(stored.row.program).await?;
    let request = StartRequest {
        tenant,
        plan,
        input: body.input,
        key: body.idempotency_key,
        trigger: None,
    };
    let begun = api.driver.start(request).await?;
    started(begun.run, begun.known)
}

fn started(run_id: RunId, known: bool) -> Done {
    let status = match known {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let location = format!("/v1/runs/{run_id}");
    let mut response = json(status, &Started { run_id, known })?;
    set(&mut response, "location", &location)?;
    Ok(response)
}

/// Refuses a key that could not be kept.
pub fn check_key(key: Option<&str>) -> Result<(), Refused> {
    match key.is_none_or(is_key) {
        true => Ok(()),
        false => Err(Refused::new(
            BODY_SHAPE,
            "the body does not fit at `idempotencyKey`",
            "give 1 to 256 printable ASCII characters, no blanks at the ends",
        )),
    }
}

/// Lists runs.
pub async fn list<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let limit = call.query.limit(call.route)?;
    let filter = RunFilter {
        tenant: Some(call.tenant()?.clone()),
        status: call.query.status("status")?,
        workflow: call.query.id("workflow")?.map(WorkflowId::new),
        since: call.query.moment("since")?,
        until: call.query.moment("until")?,
        before: cursor(call)?,
        limit: limit + 1,
    };
    let mut heads = api.store().heads(filter).await?;
    let more = heads.len() > limit;
    heads.truncate(limit);
    let last = heads.last().map(|head| head.run.to_string());
    let page = RunPage {
        runs: heads.into_iter().map(run_row).collect(),
        next_cursor: last.filter(|_| more),
    };
    json(StatusCode::OK, &page)
}

fn cursor(call: &Call) -> Result<Option<RunId>, Refused> {
    let Some(text) = call.query.id("cursor")? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let help = "give back `nextCursor` of the page before, as it is";
        Refused::new(QUERY, "`cursor` is not one of this list", help)
    })
}

/// How a run stands.
pub async fn get<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let head = api.head(call).await?;
    let state = api.state(&head).await?;
    let summary = match state.status.is_terminal() {
        true => api.store().summary(&head.run).await?,
        false => None,
    };
    let answer = run_answer(api.store(), &head.run, &state, summary).await?;
    json(StatusCode::OK, &answer)
}

/// How a run stood after an event.
pub async fn state<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let at = call.query.place("seq")?;
    let head = api.head(call).await?;
    let now = api.state(&head).await?;
    let state = match at {
        None => now,
        Some(at) if at > now.seq => return Err(beyond_end(&head.run, at)),
        Some(at) if at == now.seq => now,
        Some(at) => {
            let turn = api.folding.acquire().await;
            let _turn = turn.map_err(Refused::internal)?;
            state_at(api.store(), &head.run, at).await?
        }
    };
    json(
        StatusCode::OK,
        &state_answer(api.store(), &head.run, &state).await?,
    )
}

/// What runs ask.
pub async fn waits<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let limit = call.query.limit(call.route)?;
    let filter = RunFilter {
        tenant: Some(call.tenant()?.clone()),
        status: Some(RunStatus::Waiting),
        before: cursor(call)?,
        limit: limit + 1,
        ..RunFilter::default()
    };
    let mut heads = api.store().heads(filter).await?;
    let more = heads.len() > limit;
    heads.truncate(limit);
    let mut waits = Vec::new();
    for head in &heads {
        // One run that cannot be read hides nobody else's question.
        match api.state(head).await {
            Ok(state) => waits.extend(questions(&head.run, &state)),
            Err(refused) => {
                let detail = &refused.problem.detail;
                tracing::error!(run = %head.run, detail, "a waiting run is left out of the list");
            }
        }
    }
    let last = heads.last().map(|head| head.run.to_string());
    let page = WaitPage {
        waits,
        next_cursor: last.filter(|_| more),
    };
    json(StatusCode::OK, &page)
}
