//! Lists of triggers: where webhooks are taken, and what the clock starts; and its rests.

use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json};
use crate::triggers::{arm_as_stored, is_trigger_id, no_trigger, pause_of};
use crate::view::{hook_row, schedule_row};
use axum::http::StatusCode;
use lattice_ir::TriggerKind;
use lattice_model::limits::LIST_ROWS_MAX;
use lattice_model::{TriggerId, WorkflowId};
use lattice_ports::{Clock, TriggerRow, Triggers};
use lattice_wire::codes::QUERY;
use lattice_wire::shapes::{HookPage, SchedulePage};

/// Where webhooks are taken.
pub async fn hooks<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let (hooks, next_cursor) = page(api, call, hook_row).await?;
    json(StatusCode::OK, &HookPage { hooks, next_cursor })
}

/// What the clock starts.
pub async fn schedules<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let now = api.driver.clock().now();
    let (schedules, next_cursor) = page(api, call, |row| schedule_row(row, now)).await?;
    let page = SchedulePage {
        schedules,
        next_cursor,
    };
    json(StatusCode::OK, &page)
}

/// Lets a schedule rest.
pub async fn pause<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    rest(api, call, true).await
}

/// Ends its rest.
pub async fn resume<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    rest(api, call, false).await
}

async fn rest<E: Parts>(api: &Api<E>, call: &Call, rests: bool) -> Done {
    let none = || no_trigger(&call.id);
    let row = match is_trigger_id(&call.id) {
        true => api.store().trigger(&TriggerId::new(&*call.id)).await?,
        false => None,
    };
    let tenant = call.tenant()?;
    let ours = row.filter(|row| row.tenant == *tenant);
    let ours = ours.filter(|row| matches!(row.on, TriggerKind::Schedule(_)));
    let row = ours.ok_or_else(none)?;
    let now = api.driver.clock().now();
    if let Some(pause) = pause_of(&row, rests, now)
        && !api.store().pause_trigger(&row.id, pause).await?
    {
        return Err(none());
    }
    // Also where it stands as it was: an earlier request may not have come to the clock.
    let row = arm_as_stored((api.store(), &*api.schedules), now, row).await?;
    let row = row.ok_or_else(none)?;
    if row.note.is_open() {
        // What waits when a pause begins starts nothing, and is not shown as waiting.
        api.driver.settle_firing(&row.id).await?;
    }
    let row = api.store().trigger(&row.id).await?.ok_or_else(none)?;
    let (trigger, workflow) = (&row.id, &row.workflow);
    tracing::info!(%trigger, %workflow, rests, "a schedule is paused or resumed");
    let shown = schedule_row(&row, now).ok_or_else(none)?;
    json(StatusCode::OK, &shown)
}

/// A page of those rows that `view` shows: rows of both kinds stand in one order.
async fn page<E: Parts, T>(
    api: &Api<E>,
    call: &Call,
    view: impl Fn(&TriggerRow) -> Option<T>,
) -> Result<(Vec<T>, Option<String>), Refused> {
    let limit = call.query.limit(call.route)?;
    let workflow = call.query.id("workflow")?.map(WorkflowId::new);
    let mut after = cursor(call)?;
    let tenant = call.tenant()?;
    let (mut shown, mut last) = (Vec::new(), None);
    loop {
        let rows = api
            .store()
            .triggers(
                Some(tenant),
                workflow.as_ref(),
                after.as_ref(),
                LIST_ROWS_MAX,
            )
            .await?;
        let Some(end) = rows.last().map(|row| row.id.clone()) else {
            return Ok((shown, None));
        };
        for row in &rows {
            let Some(row_shown) = view(row) else {
                continue;
            };
            if shown.len() == limit {
                return Ok((shown, last));
            }
            shown.push(row_shown);
            last = Some(row.id.to_string());
        }
        after = Some(end);
    }
}

fn cursor(call: &Call) -> Result<Option<TriggerId>, Refused> {
    match call.query.text("cursor") {
        None => Ok(None),
        Some(text) if is_trigger_id(text) => Ok(Some(TriggerId::new(text))),
        Some(_) => {
            let help = "give back `nextCursor` of the page before, as it is";
            Err(Refused::new(
                QUERY,
                "`cursor` is not one of this list",
                help,
            ))
        }
    }
}
