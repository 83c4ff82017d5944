//! Every route. The server serves this list, and the OpenAPI file is made of it.

use super::{
    Answer, BodyKind, BodySpec, Function, In, MakeSchema, Method, Operation, Param, ParamKind,
    Route, Scope,
};
use crate::codes;
use crate::shapes::*;
use lattice_model::limits;

const fn path(name: &'static str, kind: ParamKind, says: &'static str) -> Param {
    let at = In::Path;
    Param {
        name,
        at,
        kind,
        says,
    }
}

const fn query(name: &'static str, kind: ParamKind, says: &'static str) -> Param {
    let at = In::Query;
    Param {
        name,
        at,
        kind,
        says,
    }
}

const fn header(name: &'static str, kind: ParamKind, says: &'static str) -> Param {
    let at = In::Header;
    Param {
        name,
        at,
        kind,
        says,
    }
}

const RUN: Param = path("id", ParamKind::RunId, "the run");
const WORKFLOW: Param = path("id", ParamKind::WorkflowId, "the workflow");
/// The coding agents that a workflow can be exported to, by the words in the path.
pub const TARGETS: &[&str] = &["claude-code", "codex", "opencode", "copilot"];
const TARGET: Param = path("target", ParamKind::Word(TARGETS), "the coding agent");
const WAIT_ROWS: Param = query(
    "limit",
    ParamKind::Limit(limits::WAIT_ROWS_MAX, limits::LIST_ROWS_DEFAULT),
    "how many runs at most",
);
const RUN_CURSOR: Param = query("cursor", ParamKind::RunCursor, "go on behind this page");
const WORKFLOW_CURSOR: Param = query(
    "cursor",
    ParamKind::WorkflowCursor,
    "go on behind this page",
);
const ROWS: Param = query(
    "limit",
    ParamKind::Limit(limits::LIST_ROWS_MAX, limits::LIST_ROWS_DEFAULT),
    "how many at most",
);
const HOOK: Param = path("hookId", ParamKind::TriggerId, "the trigger");
const SCHEDULE: Param = path("id", ParamKind::TriggerId, "the schedule");
const SENT: Param = query(
    "query",
    ParamKind::Free,
    "any parameters: they stand in the run's input",
);
const TRIGGER_CURSOR: Param = query("cursor", ParamKind::TriggerId, "go on behind this page");
const OF_WORKFLOW: Param = query(
    "workflow",
    ParamKind::WorkflowId,
    "only those of this workflow",
);
const LAST_SEQ: Param = query(
    "lastSeq",
    ParamKind::Seq,
    "the last event that is known; 0 = none",
);
const IF_MATCH: Param = header("If-Match", ParamKind::ETag, "the revision that is changed");
const IF_OTHER: Param = header(
    "If-None-Match",
    ParamKind::Tags,
    "answer only if it is another revision",
);
const IF_NONE: Param = header("If-None-Match", ParamKind::Star, "only if there is none");

const DOCUMENT: BodySpec = BodySpec {
    bytes_max: limits::DOCUMENT_BYTES_MAX,
    required: true,
    kind: BodyKind::Document,
};

const fn body(schema: MakeSchema) -> BodySpec {
    BodySpec {
        bytes_max: limits::BODY_BYTES_MAX,
        required: true,
        kind: BodyKind::Json(schema),
    }
}

/// The body of a webhook.
const RAW: BodySpec = BodySpec {
    bytes_max: limits::BODY_BYTES_MAX,
    required: false,
    kind: BodyKind::Raw,
};

const fn json(status: u16, says: &'static str, schema: MakeSchema) -> Answer {
    Answer {
        status,
        says,
        schema: Some(schema),
        media: None,
        headers: &[],
    }
}

const fn tagged(status: u16, says: &'static str, schema: MakeSchema) -> Answer {
    let headers = &["ETag"];
    Answer {
        headers,
        ..json(status, says, schema)
    }
}

const fn empty(status: u16, says: &'static str) -> Answer {
    Answer {
        status,
        says,
        schema: None,
        media: None,
        headers: &[],
    }
}

macro_rules! of {
    ($shape:ty) => {
        |generator| generator.subschema_for::<$shape>()
    };
}

macro_rules! routes {
    ($($operation:ident $id:literal $method:ident $path:literal $says:literal
        on: $function:ident, scope: $scope:expr, params: [$($param:expr),*], body: $body:expr,
        answers: [$($answer:expr),*], problems: [$($problem:ident),*];)*) => {
        /// Every route, in the order of the OpenAPI file.
        pub const ROUTES: &[Route] = &[$(Route {
            operation: Operation::$operation,
            id: $id,
            method: Method::$method,
            path: $path,
            says: $says,
            function: Function::$function,
            scope: $scope,
            params: &[$($param),*],
            body: $body,
            answers: &[$($answer),*],
            problems: &[$(codes::$problem),*],
        }),*];
    };
}

routes! {
    Health "health" Get "/v1/health" "Says that the server is there."
        on: Compile, scope: None, params: [], body: None,
        answers: [json(200, "it is", of!(Health))], problems: [];
    OpenApi "openApi" Get "/openapi.json" "Gives this file."
        on: Compile, scope: None, params: [], body: None,
        answers: [Answer { media: Some("application/json"), ..empty(200, "this file") }], problems: [];
    Compile "compile" Post "/v1/compile" "Compiles a workflow document without storing it."
        on: Compile, scope: Some(Scope::WorkflowsRead), params: [], body: Some(DOCUMENT),
        answers: [json(200, "what came of it, also when it has errors", of!(CompileAnswer))],
        problems: [];
    Export "export" Post "/v1/export/{target}"
        "Turns a workflow document into the files of a coding agent without storing it. It may hold nodes that cannot be run yet."
        on: Compile, scope: Some(Scope::WorkflowsRead), params: [TARGET], body: Some(DOCUMENT),
        answers: [json(200, "the files, all of them", of!(ExportAnswer))],
        problems: [NO_TARGET, DOCUMENT];
    ListWorkflows "listWorkflows" Get "/v1/workflows" "Lists the newest version of each workflow."
        on: Start, scope: Some(Scope::WorkflowsRead), params: [ROWS, WORKFLOW_CURSOR], body: None,
        answers: [json(200, "a page", of!(WorkflowPage))], problems: [];
    GetWorkflow "getWorkflow" Get "/v1/workflows/{id}" "Reads a workflow, its newest version if none is named."
        on: Start, scope: Some(Scope::WorkflowsRead),
        params: [WORKFLOW, query("version", ParamKind::Version, "an older version"), IF_OTHER],
        body: None,
        answers: [tagged(200, "the workflow", of!(WorkflowAnswer)), Answer { headers: &["ETag"], ..empty(304, "it is the revision that was named") }],
        problems: [NO_WORKFLOW];
    PutWorkflow "putWorkflow" Put "/v1/workflows/{id}"
        "Stores a workflow document. `If-None-Match: *` makes a new one, `If-Match` with the ETag replaces that revision."
        on: Start, scope: Some(Scope::WorkflowsWrite), params: [WORKFLOW, IF_MATCH, IF_NONE],
        body: Some(DOCUMENT),
        answers: [tagged(200, "replaced", of!(WorkflowSaved)), tagged(201, "made", of!(WorkflowSaved))],
        problems: [DOCUMENT, OTHER_ID, PRECONDITION_MISSING, PRECONDITION_FAILED];
    DeleteWorkflow "deleteWorkflow" Delete "/v1/workflows/{id}"
        "Removes a workflow with all its versions. Runs of it go on."
        on: Start, scope: Some(Scope::WorkflowsWrite), params: [WORKFLOW, IF_MATCH], body: None,
        answers: [empty(204, "removed")],
        problems: [NO_WORKFLOW, PRECONDITION_MISSING, PRECONDITION_FAILED];
    ListVersions "listVersions" Get "/v1/workflows/{id}/versions" "Lists the versions of a workflow, newest first."
        on: Start, scope: Some(Scope::WorkflowsRead), params: [WORKFLOW, ROWS], body: None,
        answers: [json(200, "the versions", of!(VersionPage))], problems: [NO_WORKFLOW];
    ExportWorkflow "exportWorkflow" Post "/v1/workflows/{id}/export/{target}"
        "Turns a workflow into the files of a coding agent, its newest version if none is named."
        on: Start, scope: Some(Scope::WorkflowsRead),
        params: [WORKFLOW, TARGET, query("version", ParamKind::Version, "an older version")],
        body: None, answers: [json(200, "the files, all of them", of!(ExportAnswer))],
        problems: [NO_WORKFLOW, NO_TARGET, DOCUMENT];
    StartRun "startRun" Post "/v1/runs" "Starts a run of a stored workflow."
        on: Start, scope: Some(Scope::RunsWrite), params: [], body: Some(body(of!(StartBody))),
        answers: [
            Answer { headers: &["Location"], ..json(201, "started", of!(Started)) },
            Answer { headers: &["Location"], ..json(200, "it was there already, under the same key", of!(Started)) }
        ],
        problems: [NO_WORKFLOW, INPUT, KEY_REUSED];
    ListRuns "listRuns" Get "/v1/runs" "Lists runs, newest first."
        on: Signal, scope: Some(Scope::RunsRead),
        params: [
            query("status", ParamKind::Status, "only runs that stand so"),
            query("workflow", ParamKind::WorkflowId, "only runs of this workflow"),
            query("since", ParamKind::Moment, "only runs queued then or later"),
            query("until", ParamKind::Moment, "only runs queued before"),
            ROWS, RUN_CURSOR
        ],
        body: None, answers: [json(200, "a page", of!(RunPage))], problems: [];
    GetRun "getRun" Get "/v1/runs/{id}" "Says how a run stands."
        on: Signal, scope: Some(Scope::RunsRead), params: [RUN], body: None,
        answers: [json(200, "the run", of!(RunAnswer))], problems: [NO_RUN];
    GetState "getState" Get "/v1/runs/{id}/state" "Gives the state of a run as it was after an event."
        on: Signal, scope: Some(Scope::RunsRead),
        params: [RUN, query("seq", ParamKind::Place, "the event; the last one if none is named")],
        body: None, answers: [json(200, "the state", of!(StateAnswer))], problems: [NO_RUN, BEYOND_END];
    SignalRun "signalRun" Post "/v1/runs/{id}/signal" "Answers a question that a run asks."
        on: Signal, scope: Some(Scope::RunsWrite), params: [RUN], body: Some(body(of!(SignalBody))),
        answers: [json(202, "stored", of!(Accepted)), json(200, "it was stored before, under the same key", of!(Accepted))],
        problems: [NO_RUN, KEY_REUSED, RUN_OVER, NO_QUESTION, ANSWERED, ANSWER];
    CancelRun "cancelRun" Post "/v1/runs/{id}/cancel" "Ends a run."
        on: Signal, scope: Some(Scope::RunsWrite), params: [RUN],
        body: Some(BodySpec { required: false, ..body(of!(CancelBody)) }),
        answers: [json(202, "stored", of!(Accepted)), json(200, "it is cancelled already", of!(Accepted))],
        problems: [NO_RUN, RUN_OVER];
    ResumeRun "resumeRun" Post "/v1/runs/{id}/resume" "Wakes a run that nobody seems to carry on."
        on: Signal, scope: Some(Scope::RunsWrite), params: [RUN], body: None,
        answers: [json(202, "woken", of!(Accepted))], problems: [NO_RUN, RUN_OVER];
    ForkRun "forkRun" Post "/v1/runs/{id}/fork"
        "Starts a run that begins with what another one was after an event, or before its failure."
        on: Start, scope: Some(Scope::RunsWrite), params: [RUN], body: Some(body(of!(ForkBody))),
        answers: [
            Answer { headers: &["Location"], ..json(201, "forked", of!(ForkAnswer)) },
            Answer { headers: &["Location"], ..json(200, "it was there already, under the same key", of!(ForkAnswer)) }
        ],
        problems: [NO_RUN, BEYOND_END, FORK, EXPIRED, KEY_REUSED];
    ListEvents "listEvents" Get "/v1/runs/{id}/events" "Reads a page of a run's log."
        on: Signal, scope: Some(Scope::RunsRead),
        params: [RUN, LAST_SEQ, query("limit", ParamKind::Limit(limits::PAGE_EVENTS_MAX, limits::PAGE_EVENTS_DEFAULT), "how many at most; a page may have fewer")],
        body: None, answers: [json(200, "a page", of!(EventPage))], problems: [NO_RUN, BEYOND_END];
    StreamEvents "streamEvents" Get "/v1/runs/{id}/stream"
        "Follows a run's log as server-sent events: what is stored, then what comes. `Last-Event-ID` wins over `lastSeq`."
        on: Stream, scope: Some(Scope::RunsRead),
        params: [RUN, LAST_SEQ, header("Last-Event-ID", ParamKind::Seq, "the id of the last frame")],
        body: None,
        answers: [
            Answer { media: Some(crate::sse::MEDIA_TYPE), ..empty(200, "frames, until the run or the time of this answer is over") },
            empty(204, "the run is over and there is nothing more")
        ],
        problems: [NO_RUN, BEYOND_END];
    ListWaits "listWaits" Get "/v1/waits" "Lists the questions that runs ask, those of the newest runs first."
        on: Signal, scope: Some(Scope::RunsRead), params: [WAIT_ROWS, RUN_CURSOR], body: None,
        answers: [json(200, "a page", of!(WaitPage))], problems: [];
    PostHook "postHook" Post "/v1/hooks/{hookId}"
        "Takes a webhook, which starts a run of its workflow. It carries no token: it is signed, or has a key, as its trigger says."
        on: Start, scope: None, params: [HOOK, SENT], body: Some(RAW),
        answers: [json(202, "a run was started", of!(Started)), json(200, "the run was there already: the delivery was sent again", of!(Started))],
        problems: [NO_TRIGGER, HOOK_PROOF, HOOK_STALE, HOOK_REPLAYED, HOOK_TYPE, HOOK_BODY, BODY_TOO_LARGE, NO_METHOD, INPUT, KEY_REUSED];
    PutHook "putHook" Put "/v1/hooks/{hookId}"
        "Takes a webhook whose sender uses the method `PUT`, if its trigger allows that."
        on: Start, scope: None, params: [HOOK, SENT], body: Some(RAW),
        answers: [json(202, "a run was started", of!(Started)), json(200, "the run was there already: the delivery was sent again", of!(Started))],
        problems: [NO_TRIGGER, HOOK_PROOF, HOOK_STALE, HOOK_REPLAYED, HOOK_TYPE, HOOK_BODY, BODY_TOO_LARGE, NO_METHOD, INPUT, KEY_REUSED];
    PatchHook "patchHook" Patch "/v1/hooks/{hookId}"
        "Takes a webhook whose sender uses the method `PATCH`, if its trigger allows that."
        on: Start, scope: None, params: [HOOK, SENT], body: Some(RAW),
        answers: [json(202, "a run was started", of!(Started)), json(200, "the run was there already: the delivery was sent again", of!(Started))],
        problems: [NO_TRIGGER, HOOK_PROOF, HOOK_STALE, HOOK_REPLAYED, HOOK_TYPE, HOOK_BODY, BODY_TOO_LARGE, NO_METHOD, INPUT, KEY_REUSED];
    GetHook "getHook" Get "/v1/hooks/{hookId}"
        "Takes a webhook whose sender uses the method `GET`, if its trigger allows that. It starts a run, as the others do."
        on: Start, scope: None, params: [HOOK, SENT], body: None,
        answers: [json(202, "a run was started", of!(Started)), json(200, "the run was there already: the delivery was sent again", of!(Started))],
        problems: [NO_TRIGGER, HOOK_PROOF, HOOK_STALE, HOOK_REPLAYED, HOOK_TYPE, HOOK_BODY, BODY_TOO_LARGE, NO_METHOD, INPUT, KEY_REUSED];
    ListHooks "listHooks" Get "/v1/hooks" "Lists where webhooks are taken."
        on: Signal, scope: Some(Scope::HooksAdmin), params: [OF_WORKFLOW, ROWS, TRIGGER_CURSOR], body: None,
        answers: [json(200, "a page", of!(HookPage))], problems: [];
    ListSchedules "listSchedules" Get "/v1/schedules" "Lists what the clock starts, and when next."
        on: Signal, scope: Some(Scope::WorkflowsRead), params: [OF_WORKFLOW, ROWS, TRIGGER_CURSOR], body: None,
        answers: [json(200, "a page", of!(SchedulePage))], problems: [];
    PauseSchedule "pauseSchedule" Post "/v1/schedules/{id}/pause"
        "Lets a schedule rest: it starts nothing until it is resumed, also if its workflow is saved again."
        on: Start, scope: Some(Scope::WorkflowsWrite), params: [SCHEDULE], body: None,
        answers: [json(200, "it rests, now or already", of!(ScheduleRow))], problems: [NO_TRIGGER];
    ResumeSchedule "resumeSchedule" Post "/v1/schedules/{id}/resume"
        "Ends the rest of a schedule. What fell into it is not made up for."
        on: Start, scope: Some(Scope::WorkflowsWrite), params: [SCHEDULE], body: None,
        answers: [json(200, "it fires, again or still", of!(ScheduleRow))], problems: [NO_TRIGGER];
}
