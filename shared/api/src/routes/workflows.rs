//! Workflows: compile, store, read, list, remove.

use crate::flows::flows_for;
use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json, set};
use crate::take::{header, value};
use crate::triggers::{over, sync_triggers};
use crate::view::{hook_row, schedule_row, workflow_row};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use lattice_compiler::Compiled;
use lattice_document::Problem;
use lattice_model::{Hash, Tenant, WorkflowId};
use lattice_ports::{
    Clock, Expect, PortError, StoredWorkflow, TriggerRow, WorkflowPut, WorkflowVersion, Workflows,
};
use lattice_wire::codes::{
    BODY_SHAPE, DOCUMENT, HEADER, NO_WORKFLOW, OTHER_ID, PRECONDITION_FAILED, PRECONDITION_MISSING,
};
use lattice_wire::shapes::{
    CompileAnswer, VersionPage, WorkflowAnswer, WorkflowPage, WorkflowSaved,
};
use serde_json::Value;
use std::sync::Arc;

/// What a header says of a revision.
enum Tag {
    /// Any.
    Any,
    /// This one.
    Version(Hash),
}

/// Compiles without storing.
pub async fn compile<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let compiled = compiled(api, call).await?;
    let program = compiled.program.map(|program| program.hash());
    let program = program.transpose().map_err(Refused::internal)?;
    let answer = CompileAnswer {
        ok: program.is_some(),
        program,
        problems: compiled.problems,
        changes: compiled.changes,
    };
    json(StatusCode::OK, &answer)
}

/// The newest version of each.
pub async fn list<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let limit = call.query.limit(call.route)?;
    let after = call.query.id("cursor")?.map(WorkflowId::new);
    let tenant = call.tenant()?;
    let mut rows = api
        .store()
        .workflows(tenant, after.as_ref(), limit + 1)
        .await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|row| row.id.to_string());
    let page = WorkflowPage {
        workflows: rows.into_iter().map(workflow_row).collect(),
        next_cursor: last.filter(|_| more),
    };
    json(StatusCode::OK, &page)
}

/// One with its document.
pub async fn get<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let version = call.query.version("version")?;
    let stored = find(api, call, version).await?;
    let etag = etag(stored.row.version);
    if header(&call.headers, "if-none-match")?.is_some_and(|tags| names(tags, &etag)) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        set(&mut response, "etag", &etag)?;
        return Ok(response);
    }
    let document: Value = serde_json::from_str(&stored.document).map_err(Refused::internal)?;
    let answer = WorkflowAnswer {
        workflow: workflow_row(stored.row),
        document,
    };
    let mut response = json(StatusCode::OK, &answer)?;
    set(&mut response, "etag", &etag)?;
    Ok(response)
}

/// Stores one, if the caller knows what stands there.
pub async fn put<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    // No document has an id that is not legal, so the comparison below finds that too.
    let id = WorkflowId::new(call.id.as_str());
    let expect = expect(api, call, true).await?;
    let Compiled {
        document,
        changes,
        program,
        mut problems,
    } = compiled(api, call).await?;
    let (Some(document), Some(program)) = (document, program) else {
        return Err(unsound(problems, "stored"));
    };
    if document.id != id {
        let detail = format!("the path says `{id}` and the document `{}`", document.id);
        return Err(Refused::new(OTHER_ID, detail, "give both the same id"));
    }
    let text = lattice_document::write(&document);
    let hash = program.hash().map_err(Refused::internal)?;
    let row = WorkflowVersion {
        tenant: call.tenant()?.clone(),
        id,
        name: document.name.clone(),
        version: Hash::of(text.as_bytes()),
        program: hash,
        stored_at: api.driver.clock().now(),
    };
    // The store has the last word; this keeps what would be refused from leaving a Program behind.
    let newest = newest(api, call).await?;
    if !expect.holds(newest) {
        return Err(conflict(expect, newest));
    }
    problems.extend(over(&program, &document, row.stored_at));
    api.store().put_program(hash, Arc::new(program)).await?;
    let stored = StoredWorkflow {
        row: row.clone(),
        document: text.into(),
    };
    match api.store().put_workflow(stored, expect).await? {
        WorkflowPut::Done => {}
        WorkflowPut::Conflict(newest) => return Err(conflict(expect, newest)),
    }
    let etag = etag(row.version);
    let triggers = triggers(api, &row.tenant, &row.id).await;
    let triggers = triggers.map_err(|error| half_done(error, &etag))?;
    let saved = WorkflowSaved {
        hooks: triggers.iter().filter_map(hook_row).collect(),
        schedules: triggers
            .iter()
            .filter_map(|trigger| schedule_row(trigger, row.stored_at))
            .collect(),
        workflow: workflow_row(row),
        problems,
        changes,
    };
    let status = match expect {
        Expect::Absent => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let mut response = json(status, &saved)?;
    set(&mut response, "etag", &etag)?;
    Ok(response)
}

/// A document that does not compile.
pub fn unsound(problems: Vec<Problem>, done: &str) -> Refused {
    let count = problems.iter().filter(|problem| problem.is_error()).count();
    let errors = if count == 1 {
        "1 error".to_owned()
    } else {
        format!("{count} errors")
    };
    let detail = format!("the workflow has {errors}, so it is not {done}");
    Refused::new(DOCUMENT, detail, "mend what `problems` lists").with(problems)
}

/// Removes one, if the caller knows what stands there.
pub async fn delete<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let id = id(call)?;
    let tenant = call.tenant()?;
    if let Err(refused) = find(api, call, None).await {
        // Removed before, perhaps by a request that did not come to the triggers.
        triggers(api, tenant, &id).await?;
        return Err(refused);
    }
    let expect = expect(api, call, false).await?;
    match api.store().delete_workflow(tenant, &id, expect).await? {
        WorkflowPut::Done => {
            let removed = triggers(api, tenant, &id).await;
            removed.map_err(half_removed)?;
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        WorkflowPut::Conflict(None) => Err(none(call)),
        WorkflowPut::Conflict(newest) => Err(conflict(expect, newest)),
    }
}

/// All versions of one.
pub async fn versions<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let limit = call.query.limit(call.route)?;
    let versions = api
        .store()
        .versions(call.tenant()?, &id(call)?, limit)
        .await?;
    if versions.is_empty() {
        return Err(none(call));
    }
    let page = VersionPage {
        versions: versions.into_iter().map(workflow_row).collect(),
    };
    json(StatusCode::OK, &page)
}

/// Brings the triggers of a workflow in line with it.
async fn triggers<E: Parts>(
    api: &Api<E>,
    tenant: &Tenant,
    id: &WorkflowId,
) -> Result<Vec<TriggerRow>, PortError> {
    let now = api.driver.clock().now();
    let triggers = sync_triggers((api.store(), &*api.schedules), now, tenant, id).await?;
    for hook in triggers.iter().filter_map(hook_row) {
        let (workflow, node, secret) = (&hook.workflow, &hook.node, &hook.secret);
        tracing::info!(%workflow, %node, path = hook.path, secret, "a webhook is taken");
    }
    Ok(triggers)
}

/// The workflow is stored, and what starts it is not all in place.
fn half_done(error: PortError, etag: &str) -> Refused {
    let detail = "the workflow is stored, but its triggers are not all set up";
    let help = "send the same document again, with `If-Match` and the `ETag` of this answer";
    Refused::from(error)
        .saying(detail, help)
        .header("etag", etag)
}

/// The workflow is gone, and what started it is not.
fn half_removed(error: PortError) -> Refused {
    let detail = "the workflow is removed, but its triggers are not all";
    let help =
        "send the same request again: it removes them, and says that there is no such workflow";
    Refused::from(error).saying(detail, help)
}

/// A stored workflow of the caller.
pub async fn find<E: Parts>(
    api: &Api<E>,
    call: &Call,
    version: Option<Hash>,
) -> Result<StoredWorkflow, Refused> {
    let stored = api
        .store()
        .workflow(call.tenant()?, &id(call)?, version)
        .await?;
    stored.ok_or_else(|| none(call))
}

/// The newest version of the workflow in the path, if there is one.
async fn newest<E: Parts>(api: &Api<E>, call: &Call) -> Result<Option<Hash>, Refused> {
    let id = WorkflowId::new(call.id.as_str());
    let versions = api.store().versions(call.tenant()?, &id, 1).await?;
    Ok(versions.first().map(|row| row.version))
}

fn none(call: &Call) -> Refused {
    no_workflow(&call.id)
}

/// No such workflow, or one of somebody else.
pub fn no_workflow(id: &str) -> Refused {
    let detail = format!("there is no workflow `{id}`, or not in this version");
    Refused::new(
        NO_WORKFLOW,
        detail,
        "`GET /v1/workflows` lists the workflows",
    )
}

fn id(call: &Call) -> Result<WorkflowId, Refused> {
    match lattice_document::id_is_legal(&call.id) {
        true => Ok(WorkflowId::new(call.id.as_str())),
        false => Err(none(call)),
    }
}

/// The bytes, if they are a JSON object.
pub fn object(bytes: &[u8]) -> Result<&[u8], Refused> {
    if value(bytes)?.is_object() {
        return Ok(bytes);
    }
    let help = "send a workflow document, which is a JSON object";
    Err(Refused::new(
        BODY_SHAPE,
        "the body is not a JSON object",
        help,
    ))
}

async fn compiled<E: Parts>(api: &Api<E>, call: &Call) -> Result<Compiled, Refused> {
    let bytes = object(call.body.as_deref().unwrap_or_default())?;
    let flows = flows_for(api.store(), call.tenant()?, bytes).await?;
    Ok(lattice_compiler::compile_with(bytes, &flows))
}

/// Whether a list of tags names this one (RFC 9110, section 13.1.2: weakly; what is not ours is no
/// match).
fn names(tags: &str, etag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn etag(version: Hash) -> String {
    format!("\"{}\"", version.to_hex())
}

fn tag(call: &Call, name: &'static str) -> Result<Option<Tag>, Refused> {
    let text = header(&call.headers, name)?.map(str::trim);
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text == "*" {
        return Ok(Some(Tag::Any));
    }
    // A weak tag names the same bytes: there is only one rendering of a version.
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let quoted = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let version = quoted.and_then(|text| Hash::try_from(text.to_owned()).ok());
    version
        .map(|version| Some(Tag::Version(version)))
        .ok_or_else(|| {
            let detail = format!("the header `{name}` is not an ETag of this service");
            let help = "give back the `ETag` of an answer, in its quotation marks, or `*`";
            Refused::new(HEADER, detail, help)
        })
}

/// What the caller believes to stand there. A blind write is refused: it would undo what somebody
/// else saved in between.
async fn expect<E: Parts>(api: &Api<E>, call: &Call, may_create: bool) -> Result<Expect, Refused> {
    let wanted = match may_create {
        true => {
            "send `If-None-Match: *` to make a new workflow, or `If-Match` with the ETag to replace that revision"
        }
        false => "send `If-Match` with the ETag of the revision to remove",
    };
    match (tag(call, "if-match")?, tag(call, "if-none-match")?) {
        (Some(Tag::Version(version)), None) => Ok(Expect::Version(version)),
        (None, Some(Tag::Any)) if may_create => Ok(Expect::Absent),
        // Whatever stands there, as long as something does.
        (Some(Tag::Any), None) => {
            let newest = newest(api, call).await?;
            newest
                .map(Expect::Version)
                .ok_or_else(|| conflict(Expect::Anything, None))
        }
        (None, None) => Err(Refused::new(
            PRECONDITION_MISSING,
            "the request does not say which revision it changes",
            wanted,
        )),
        // Both can never hold at once (RFC 9110, section 13.2.2).
        (Some(_), Some(_)) => Err(Refused::new(
            PRECONDITION_FAILED,
            "`If-Match` and `If-None-Match` contradict each other",
            wanted,
        )),
        (None, Some(_)) => Err(Refused::new(
            HEADER,
            "`If-None-Match` does not say what is to be changed",
            wanted,
        )),
    }
}

fn conflict(expect: Expect, newest: Option<Hash>) -> Refused {
    let (detail, help) = match newest {
        Some(_) if expect == Expect::Absent => (
            "the workflow exists already",
            "read it, and send `If-Match` with its ETag to replace it",
        ),
        Some(_) => (
            "somebody has stored another revision",
            "read the workflow again, bring the changes together, and send it with the new ETag",
        ),
        None => (
            "there is no such workflow to replace",
            "send `If-None-Match: *` to make it",
        ),
    };
    let refused = Refused::new(PRECONDITION_FAILED, detail, help);
    match newest {
        Some(newest) => refused.header("etag", &etag(newest)),
        None => refused,
    }
}
