//! Every route: who may use it, what it takes, what it answers. The server serves this list.

use crate::codes::{self, ErrorCode};
use crate::shapes::*;
use lattice_model::limits;
use schemars::{Schema, SchemaGenerator};

/// What a request does. The server has one handler for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Says that the server is there.
    Health,
    /// Gives the OpenAPI file.
    OpenApi,
    /// Compiles a document without storing it.
    Compile,
    /// Lists workflows.
    ListWorkflows,
    /// Reads a workflow.
    GetWorkflow,
    /// Stores a workflow.
    PutWorkflow,
    /// Removes a workflow.
    DeleteWorkflow,
    /// Lists the versions of a workflow.
    ListVersions,
    /// Starts a run.
    StartRun,
    /// Lists runs.
    ListRuns,
    /// Says how a run stands.
    GetRun,
    /// Says how a run stood after an event.
    GetState,
    /// Answers a question.
    SignalRun,
    /// Ends a run.
    CancelRun,
    /// Wakes a run.
    ResumeRun,
    /// Reads a page of a log.
    ListEvents,
    /// Follows a log.
    StreamEvents,
    /// Lists open questions.
    ListWaits,
}

/// The methods that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Stores under the name in the path.
    Put,
    /// Does something.
    Post,
    /// Removes.
    Delete,
}

impl Method {
    /// The word of HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What a token has to allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See workflows, and compile.
    WorkflowsRead,
    /// Store and remove workflows.
    WorkflowsWrite,
    /// See runs.
    RunsRead,
    /// Start, answer and end runs.
    RunsWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::WorkflowsRead,
        Self::WorkflowsWrite,
        Self::RunsRead,
        Self::RunsWrite,
    ];

    /// The word in a token's `scope`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorkflowsRead => "workflows:read",
            Self::WorkflowsWrite => "workflows:write",
            Self::RunsRead => "runs:read",
            Self::RunsWrite => "runs:write",
        }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum In {
    /// In the path.
    Path,
    /// Behind the question mark.
    Query,
    /// In the head.
    Header,
}

/// What a parameter looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// The id of a run.
    RunId,
    /// The id of a workflow.
    WorkflowId,
    /// The version of a workflow.
    Version,
    /// A seq; 0 is before the first event.
    Seq,
    /// How many at most: the ceiling and the default.
    Limit(usize, usize),
    /// How a run stands.
    Status,
    /// A moment in UTC (RFC 3339).
    Moment,
    /// What a page gave as `nextCursor`.
    Cursor,
    /// A version in quotation marks, or `*`.
    ETag,
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub at: In,
    /// What it looks like.
    pub kind: ParamKind,
    /// What it does.
    pub says: &'static str,
}

/// Makes the schema of a body.
pub type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub struct BodySpec {
    /// How many bytes it may have.
    pub bytes_max: usize,
    /// Whether it has to be there.
    pub required: bool,
    /// Its schema; `None` = a workflow document.
    pub schema: Option<MakeSchema>,
}

/// What a request is answered with when all is well.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What it means.
    pub says: &'static str,
    /// The schema of its JSON body; `None` = no body, or one of another media type.
    pub schema: Option<MakeSchema>,
    /// Another media type than JSON.
    pub media: Option<&'static str>,
    /// Headers it carries.
    pub headers: &'static [&'static str],
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// What it does.
    pub operation: Operation,
    /// Its name in the OpenAPI file.
    pub id: &'static str,
    /// How it is asked.
    pub method: Method,
    /// Its path, parameters in braces.
    pub path: &'static str,
    /// What it does, in one sentence.
    pub says: &'static str,
    /// What a token has to allow; `None` = anybody may.
    pub scope: Option<Scope>,
    /// Its parameters.
    pub params: &'static [Param],
    /// Its body.
    pub body: Option<BodySpec>,
    /// Its answers when all is well.
    pub answers: &'static [Answer],
    /// Its own problems, beside those that every route has.
    pub problems: &'static [ErrorCode],
}

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
const CURSOR: Param = query("cursor", ParamKind::Cursor, "go on behind this page");
const ROWS: Param = query(
    "limit",
    ParamKind::Limit(limits::LIST_ROWS_MAX, limits::LIST_ROWS_DEFAULT),
    "how many at most",
);
const LAST_SEQ: Param = query(
    "lastSeq",
    ParamKind::Seq,
    "the last event that is known; 0 = none",
);
const IF_MATCH: Param = header("If-Match", ParamKind::ETag, "the revision that is changed");
const IF_NONE_MATCH: Param = header(
    "If-None-Match",
    ParamKind::ETag,
    "`*`: only if there is none; a revision on reading: only if it is another",
);

const DOCUMENT: BodySpec = BodySpec {
    bytes_max: limits::DOCUMENT_BYTES_MAX,
    required: true,
    schema: None,
};

const fn body(schema: MakeSchema) -> BodySpec {
    BodySpec {
        bytes_max: limits::BODY_BYTES_MAX,
        required: true,
        schema: Some(schema),
    }
}

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
        scope: $scope:expr, params: [$($param:expr),*], body: $body:expr,
        answers: [$($answer:expr),*], problems: [$($problem:ident),*];)*) => {
        /// Every route, in the order of the OpenAPI file.
        pub const ROUTES: &[Route] = &[$(Route {
            operation: Operation::$operation,
            id: $id,
            method: Method::$method,
            path: $path,
            says: $says,
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
        scope: None, params: [], body: None,
        answers: [json(200, "it is", of!(Health))], problems: [];
    OpenApi "openApi" Get "/openapi.json" "Gives this file."
        scope: None, params: [], body: None,
        answers: [Answer { media: Some("application/json"), ..empty(200, "this file") }], problems: [];
    Compile "compile" Post "/v1/compile" "Compiles a workflow document without storing it."
        scope: Some(Scope::WorkflowsRead), params: [], body: Some(DOCUMENT),
        answers: [json(200, "what came of it, also when it has errors", of!(CompileAnswer))],
        problems: [];
    ListWorkflows "listWorkflows" Get "/v1/workflows" "Lists the newest version of each workflow."
        scope: Some(Scope::WorkflowsRead), params: [ROWS, CURSOR], body: None,
        answers: [json(200, "a page", of!(WorkflowPage))], problems: [];
    GetWorkflow "getWorkflow" Get "/v1/workflows/{id}" "Reads a workflow, its newest version if none is named."
        scope: Some(Scope::WorkflowsRead),
        params: [WORKFLOW, query("version", ParamKind::Version, "an older version"), IF_NONE_MATCH],
        body: None,
        answers: [tagged(200, "the workflow", of!(WorkflowAnswer)), Answer { headers: &["ETag"], ..empty(304, "it is the revision that was named") }],
        problems: [NO_WORKFLOW];
    PutWorkflow "putWorkflow" Put "/v1/workflows/{id}"
        "Stores a workflow document. `If-None-Match: *` makes a new one, `If-Match` with the ETag replaces that revision."
        scope: Some(Scope::WorkflowsWrite), params: [WORKFLOW, IF_MATCH, IF_NONE_MATCH],
        body: Some(DOCUMENT),
        answers: [tagged(200, "replaced", of!(WorkflowSaved)), tagged(201, "made", of!(WorkflowSaved))],
        problems: [DOCUMENT, OTHER_ID, PRECONDITION_MISSING, PRECONDITION_FAILED];
    DeleteWorkflow "deleteWorkflow" Delete "/v1/workflows/{id}"
        "Removes a workflow with all its versions. Runs of it go on."
        scope: Some(Scope::WorkflowsWrite), params: [WORKFLOW, IF_MATCH], body: None,
        answers: [empty(204, "removed")],
        problems: [NO_WORKFLOW, PRECONDITION_MISSING, PRECONDITION_FAILED];
    ListVersions "listVersions" Get "/v1/workflows/{id}/versions" "Lists the versions of a workflow, newest first."
        scope: Some(Scope::WorkflowsRead), params: [WORKFLOW, ROWS], body: None,
        answers: [json(200, "the versions", of!(VersionPage))], problems: [NO_WORKFLOW];
    StartRun "startRun" Post "/v1/runs" "Starts a run of a stored workflow."
        scope: Some(Scope::RunsWrite), params: [], body: Some(body(of!(StartBody))),
        answers: [
            Answer { headers: &["Location"], ..json(201, "started", of!(Started)) },
            Answer { headers: &["Location"], ..json(200, "it was there already, under the same key", of!(Started)) }
        ],
        problems: [NO_WORKFLOW, INPUT, KEY_REUSED];
    ListRuns "listRuns" Get "/v1/runs" "Lists runs, newest first."
        scope: Some(Scope::RunsRead),
        params: [
            query("status", ParamKind::Status, "only runs that stand so"),
            query("workflow", ParamKind::WorkflowId, "only runs of this workflow"),
            query("since", ParamKind::Moment, "only runs queued then or later"),
            query("until", ParamKind::Moment, "only runs queued before"),
            ROWS, CURSOR
        ],
        body: None, answers: [json(200, "a page", of!(RunPage))], problems: [];
    GetRun "getRun" Get "/v1/runs/{id}" "Says how a run stands."
        scope: Some(Scope::RunsRead), params: [RUN], body: None,
        answers: [json(200, "the run", of!(RunAnswer))], problems: [NO_RUN];
    GetState "getState" Get "/v1/runs/{id}/state" "Gives the state of a run as it was after an event."
        scope: Some(Scope::RunsRead),
        params: [RUN, query("seq", ParamKind::Seq, "the event; the last one if none is named")],
        body: None, answers: [json(200, "the state", of!(StateAnswer))], problems: [NO_RUN, BEYOND_END];
    SignalRun "signalRun" Post "/v1/runs/{id}/signal" "Answers a question that a run asks."
        scope: Some(Scope::RunsWrite), params: [RUN], body: Some(body(of!(SignalBody))),
        answers: [json(202, "stored", of!(Accepted)), json(200, "it was stored before, under the same key", of!(Accepted))],
        problems: [NO_RUN, RUN_OVER, NO_QUESTION, ANSWERED, ANSWER];
    CancelRun "cancelRun" Post "/v1/runs/{id}/cancel" "Ends a run."
        scope: Some(Scope::RunsWrite), params: [RUN],
        body: Some(BodySpec { required: false, ..body(of!(CancelBody)) }),
        answers: [json(202, "stored", of!(Accepted)), json(200, "it is cancelled already", of!(Accepted))],
        problems: [NO_RUN, RUN_OVER];
    ResumeRun "resumeRun" Post "/v1/runs/{id}/resume" "Wakes a run that nobody seems to carry on."
        scope: Some(Scope::RunsWrite), params: [RUN], body: None,
        answers: [json(202, "woken", of!(Accepted))], problems: [NO_RUN, RUN_OVER];
    ListEvents "listEvents" Get "/v1/runs/{id}/events" "Reads a page of a run's log."
        scope: Some(Scope::RunsRead),
        params: [RUN, LAST_SEQ, query("limit", ParamKind::Limit(limits::PAGE_EVENTS_MAX, limits::PAGE_EVENTS_DEFAULT), "how many at most; a page may have fewer")],
        body: None, answers: [json(200, "a page", of!(EventPage))], problems: [NO_RUN, BEYOND_END];
    StreamEvents "streamEvents" Get "/v1/runs/{id}/stream"
        "Follows a run's log as server-sent events: what is stored, then what comes. `Last-Event-ID` wins over `lastSeq`."
        scope: Some(Scope::RunsRead),
        params: [RUN, LAST_SEQ, header("Last-Event-ID", ParamKind::Seq, "the id of the last frame")],
        body: None,
        answers: [
            Answer { media: Some(crate::sse::MEDIA_TYPE), ..empty(200, "frames, until the run or the time of this answer is over") },
            empty(204, "the run is over and there is nothing more")
        ],
        problems: [NO_RUN, BEYOND_END];
    ListWaits "listWaits" Get "/v1/waits" "Lists the questions that runs ask, those of the newest runs first."
        scope: Some(Scope::RunsRead), params: [ROWS, CURSOR], body: None,
        answers: [json(200, "a page", of!(WaitPage))], problems: [];
}

impl Route {
    /// Every problem that the route can answer with.
    pub fn all_problems(&self) -> Vec<ErrorCode> {
        let mut all = vec![
            codes::FOREIGN,
            codes::QUERY,
            codes::HEADER,
            codes::INTERNAL,
            codes::UNAVAILABLE,
            codes::BUSY,
            codes::SLOW,
        ];
        if self.scope.is_some() {
            all.extend([codes::UNAUTHENTICATED, codes::FORBIDDEN]);
        }
        if let Some(body) = &self.body {
            all.extend([
                codes::BODY_TOO_LARGE,
                codes::CONTENT_TYPE,
                codes::BODY_SLOW,
                codes::NOT_JSON,
            ]);
            if body.schema.is_some() || body.required {
                all.push(codes::BODY_SHAPE);
            }
        }
        if self.method != Method::Get {
            all.push(codes::FULL);
        }
        all.extend_from_slice(self.problems);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn routes_have_names_and_operations_of_their_own() {
        let ids: BTreeSet<_> = ROUTES.iter().map(|route| route.id).collect();
        let operations: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
        let places: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| (route.path, route.method))
            .collect();
        assert_eq!(
            (ids.len(), operations.len(), places.len()),
            (ROUTES.len(), ROUTES.len(), ROUTES.len())
        );
    }

    #[test]
    fn every_brace_in_a_path_is_a_parameter() {
        for route in ROUTES {
            let named = route.params.iter().filter(|param| param.at == In::Path);
            for param in named.clone() {
                assert!(
                    route.path.contains(&format!("{{{}}}", param.name)),
                    "{}",
                    route.id
                );
            }
            assert_eq!(
                route.path.matches('{').count(),
                named.count(),
                "{}",
                route.id
            );
        }
    }

    #[test]
    fn a_route_that_changes_something_asks_for_a_right_to_write() {
        for route in ROUTES {
            let writes = matches!(route.scope, Some(Scope::RunsWrite | Scope::WorkflowsWrite));
            let changes = route.method != Method::Get && route.operation != Operation::Compile;
            assert_eq!(writes, changes, "{}", route.id);
        }
    }
}
