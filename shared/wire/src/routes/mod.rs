//! What a route is: who may use it, what it takes, what it answers. `list` has all of them.

mod list;

pub use list::{ROUTES, TARGETS};

use crate::codes::{self, ErrorCode};
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
    /// Turns a stored workflow into the files of a coding agent.
    ExportWorkflow,
    /// Turns a document into the files of a coding agent.
    Export,
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
    /// Begins a run with what another one was.
    ForkRun,
    /// Reads a page of a log.
    ListEvents,
    /// Follows a log.
    StreamEvents,
    /// Lists open questions.
    ListWaits,
    /// Takes a webhook.
    PostHook,
    /// Takes a webhook that is sent with the method `PUT`.
    PutHook,
    /// Takes a webhook that is sent with the method `PATCH`.
    PatchHook,
    /// Takes a webhook that is sent with the method `GET`.
    GetHook,
    /// Lists webhooks.
    ListHooks,
    /// Lists schedules.
    ListSchedules,
    /// Lets a schedule rest.
    PauseSchedule,
    /// Ends the rest of a schedule.
    ResumeSchedule,
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
    /// Changes a part. Only webhooks are sent so.
    Patch,
}

impl Method {
    /// The word of HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
        }
    }
}

/// The function that serves a route in the cloud, so that template, gateway and tests agree. On one
/// machine a single server serves all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Compiles, and answers what needs no store.
    Compile,
    /// Keeps workflows and starts runs: all that needs the compiler or a Program.
    Start,
    /// Reads runs and passes requests on to them.
    Signal,
    /// Follows logs; its answers last for minutes.
    Stream,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Compile, Self::Start, Self::Signal, Self::Stream];

    /// Its name: that of the folder in `functions/`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Start => "start",
            Self::Signal => "signal",
            Self::Stream => "stream",
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
    /// See where webhooks are taken, and how their senders prove who they are.
    HooksAdmin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::WorkflowsRead,
        Self::WorkflowsWrite,
        Self::RunsRead,
        Self::RunsWrite,
        Self::HooksAdmin,
    ];

    /// The word in a token's `scope`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorkflowsRead => "workflows:read",
            Self::WorkflowsWrite => "workflows:write",
            Self::RunsRead => "runs:read",
            Self::RunsWrite => "runs:write",
            Self::HooksAdmin => "hooks:admin",
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
    /// The seq of an event that is there.
    Place,
    /// How many at most: the ceiling and the default.
    Limit(usize, usize),
    /// How a run stands.
    Status,
    /// A moment in UTC (RFC 3339).
    Moment,
    /// What a page of runs gave as `nextCursor`.
    RunCursor,
    /// What a page of workflows gave as `nextCursor`.
    WorkflowCursor,
    /// A version in quotation marks, or `*`.
    ETag,
    /// `*`.
    Star,
    /// Versions in quotation marks, others among them, or `*`.
    Tags,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The id of a trigger, or what a page of them gave as `nextCursor`.
    TriggerId,
    /// Any query parameters: they are the sender's, and stand in the run's input.
    Free,
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
    /// What it is.
    pub kind: BodyKind,
}

/// What the body of a request is.
#[derive(Debug, Clone, Copy)]
pub enum BodyKind {
    /// A workflow document.
    Document,
    /// JSON of this schema.
    Json(MakeSchema),
    /// Bytes as they come, because a signature is over them. What they have to be, the trigger says.
    Raw,
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
    /// Which function serves it in the cloud.
    pub function: Function,
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

impl Route {
    /// Whether it takes a webhook.
    pub fn is_hook(&self) -> bool {
        use Operation::{GetHook, PatchHook, PostHook, PutHook};
        matches!(self.operation, PostHook | PutHook | PatchHook | GetHook)
    }

    /// Whether it may leave something other than it was.
    pub fn changes(&self) -> bool {
        let computes = [
            Operation::Compile,
            Operation::Export,
            Operation::ExportWorkflow,
        ];
        let acts = self.method != Method::Get && !computes.contains(&self.operation);
        acts || self.is_hook()
    }

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
            all.extend([codes::BODY_TOO_LARGE, codes::BODY_SLOW]);
            all.extend(match body.kind {
                BodyKind::Raw => &[codes::BODY_BROKEN][..],
                _ => &[codes::CONTENT_TYPE, codes::NOT_JSON, codes::BODY_SHAPE],
            });
        }
        if self.changes() {
            all.push(codes::FULL);
        }
        all.extend_from_slice(self.problems);
        let mut seen = Vec::new();
        all.retain(|code| {
            !seen.contains(&code.id) && {
                seen.push(code.id);
                true
            }
        });
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
            assert_eq!(writes, route.changes() && !route.is_hook(), "{}", route.id);
            // A webhook carries no token: its trigger says how it is proven.
            assert!(!route.is_hook() || route.scope.is_none(), "{}", route.id);
        }
    }
}
