//! How each operation is asked well: one row for each of its good answers. The first row of an
//! operation is the one that bad requests are made of; asked twice, it does something only once.

use crate::support::ask::Sent;
use crate::support::hooks::{keyed, timed};
use crate::support::{Ask, World, documents};
use futures::future::{BoxFuture, FutureExt};
use serde_json::json;

pub struct Row {
    /// The `operationId`.
    pub id: &'static str,
    /// What it answers.
    pub status: u16,
    /// Sets up what the request needs, and makes it.
    pub make: for<'w> fn(&'w World) -> BoxFuture<'w, Ask>,
}

macro_rules! rows {
    ($($id:literal $status:literal |$world:ident| $make:expr;)*) => {
        pub const ROWS: &[Row] = &[$(Row {
            id: $id,
            status: $status,
            make: |$world| async move { let _ = $world; $make }.boxed(),
        }),*];
    };
}

rows! {
    "health" 200 |world| Ask::get("/v1/health");
    "openApi" 200 |world| Ask::get("/openapi.json");
    "compile" 200 |world| Ask::post("/v1/compile", &documents::asks("compiled"));
    "export" 200 |world| Ask::post("/v1/export/codex", &documents::asks("exported"));
    "listWorkflows" 200 |world| { two_workflows(world).await; Ask::get("/v1/workflows").query("limit", "1") };
    "getWorkflow" 200 |world| workflow(world, "GET", "").await.0;
    "getWorkflow" 304 |world| {
        let (ask, etag) = workflow(world, "GET", "").await;
        ask.header("if-none-match", &etag)
    };
    "putWorkflow" 201 |world| Ask::create(&documents::asks(&world.name("made")));
    "putWorkflow" 200 |world| {
        let mut document = documents::asks(&world.name("replaced"));
        let etag = world.store(&document).await;
        document["name"] = json!("Another name");
        Ask::replace(&document, &etag)
    };
    "deleteWorkflow" 204 |world| {
        let (ask, etag) = workflow(world, "DELETE", "").await;
        ask.header("if-match", &etag)
    };
    "listVersions" 200 |world| workflow(world, "GET", "/versions").await.0.query("limit", "5");
    "exportWorkflow" 200 |world| workflow(world, "POST", "/export/codex").await.0;
    "startRun" 201 |world| start(world).await;
    "startRun" 200 |world| { let ask = start(world).await; world.tell(&ask).await; ask };
    "listRuns" 200 |world| { world.completed().await; world.asking().await; Ask::get("/v1/runs").query("limit", "1") };
    "getRun" 200 |world| run(world, "GET", "").await;
    "getState" 200 |world| run(world, "GET", "/state").await.query("seq", "1");
    "signalRun" 202 |world| signal(world).await;
    "signalRun" 200 |world| { let ask = signal(world).await; world.tell(&ask).await; ask };
    "cancelRun" 202 |world| run(world, "POST", "/cancel").await.json(&json!({ "reason": "no need" }));
    "cancelRun" 200 |world| {
        let ask = run(world, "POST", "/cancel").await;
        world.tell(&ask).await;
        world.settle().await;
        ask
    };
    "resumeRun" 202 |world| run(world, "POST", "/resume").await;
    "forkRun" 201 |world| fork(world).await;
    "forkRun" 200 |world| { let ask = fork(world).await; world.tell(&ask).await; ask };
    "listEvents" 200 |world| run(world, "GET", "/events").await.query("lastSeq", "1").query("limit", "2");
    "streamEvents" 200 |world| run(world, "GET", "/stream").await.query("lastSeq", "1");
    "streamEvents" 204 |world| {
        let run = world.completed().await;
        let last = world.log(&run).await.len();
        Ask::get(&format!("/v1/runs/{run}/stream")).id(&run).query("lastSeq", &last.to_string())
    };
    "listWaits" 200 |world| { world.asking().await; world.asking().await; Ask::get("/v1/waits").query("limit", "1") };
    "postHook" 202 |world| hook(world, "POST").await;
    "postHook" 200 |world| repeated(world, "POST").await;
    "putHook" 202 |world| hook(world, "PUT").await;
    "putHook" 200 |world| repeated(world, "PUT").await;
    "patchHook" 202 |world| hook(world, "PATCH").await;
    "patchHook" 200 |world| repeated(world, "PATCH").await;
    "getHook" 202 |world| hook(world, "GET").await;
    "getHook" 200 |world| repeated(world, "GET").await;
    "listHooks" 200 |world| {
        for _ in 0..2 {
            world.store(&keyed(&world.name("hooked"))).await;
            world.store(&timed(&world.name("timed"), "rate(1 day)")).await;
        }
        Ask::get("/v1/hooks").query("limit", "1")
    };
    "listSchedules" 200 |world| {
        for _ in 0..2 {
            world.store(&keyed(&world.name("hooked"))).await;
            world.store(&timed(&world.name("timed"), "rate(1 day)")).await;
        }
        Ask::get("/v1/schedules").query("limit", "1")
    };
    "pauseSchedule" 200 |world| schedule(world, "pause").await;
    "resumeSchedule" 200 |world| {
        let ask = schedule(world, "resume").await;
        let pause = ask.path.replace("/resume", "/pause");
        world.tell(&Ask::new("POST", &pause).id(ask.id.as_deref().unwrap_or_default())).await;
        ask
    };
}

/// A webhook with a key and no name of its delivery, so that each is another one.
async fn hook(world: &World, method: &str) -> Ask {
    let path = world.hook(&keyed(&world.name("hooked"))).await;
    let mut ask = Ask::keyed(&path, b"{\"n\": [1, 2]}");
    method.clone_into(&mut ask.method);
    if method == "GET" {
        ask.body = Sent::Nothing;
    }
    ask
}

/// One that came before, under the name that its sender gave it.
async fn repeated(world: &World, method: &str) -> Ask {
    let ask = hook(world, method).await.header("idempotency-key", "one");
    world.tell(&ask).await;
    ask
}

/// A request about a schedule.
async fn schedule(world: &World, act: &str) -> Ask {
    let document = timed(&world.name("timed"), "rate(1 day)");
    let saved = world.tell(&Ask::create(&document)).await.json();
    let id = saved["schedules"][0]["id"].as_str().unwrap_or_default();
    Ask::new("POST", &format!("/v1/schedules/{id}/{act}")).id(id)
}

async fn two_workflows(world: &World) {
    for _ in 0..2 {
        world.store(&documents::asks(&world.name("listed"))).await;
    }
}

/// A request about a stored workflow, and its ETag.
async fn workflow(world: &World, method: &str, behind: &str) -> (Ask, String) {
    let id = world.name("stored");
    let etag = world.store(&documents::asks(&id)).await;
    let path = format!("/v1/workflows/{id}{behind}");
    (Ask::new(method, &path).id(&id), etag)
}

/// A request about a run that asks its question.
async fn run(world: &World, method: &str, behind: &str) -> Ask {
    let run = world.asking().await;
    Ask::new(method, &format!("/v1/runs/{run}{behind}")).id(&run)
}

async fn start(world: &World) -> Ask {
    let id = world.name("started");
    world.store(&documents::asks(&id)).await;
    let key = world.name("start");
    let body = json!({ "workflowId": id, "input": documents::input(), "idempotencyKey": key });
    Ask::post("/v1/runs", &body).id(&id)
}

async fn fork(world: &World) -> Ask {
    let key = world.name("fork");
    let body = json!({ "at": 2, "set": { "in": documents::input() }, "idempotencyKey": key });
    run(world, "POST", "/fork").await.json(&body)
}

async fn signal(world: &World) -> Ask {
    let mut body = documents::answer("Yes");
    body["idempotencyKey"] = json!(world.name("answer"));
    run(world, "POST", "/signal").await.json(&body)
}
