//! Runs from their start to their end.

use crate::drive::documents;
use crate::drive::world::{PROVIDER_KEY, World, text};
use crate::drive::wrong::{Wrong, must, want, wrong};
use lattice_model_server::Behaviour;
use serde_json::json;
use tokio::time::Instant;

pub(super) async fn question(world: &World) -> Result<String, Wrong> {
    let document = documents::question("question");
    let compiled = world.api.post("/v1/compile", &document).await?;
    let compiled = want(200, "compiling", &compiled)?;
    must(compiled["ok"] == true, || format!("compiling: {compiled}"))?;
    let run = world.run(&document).await?;
    let again = json!({"workflowId": "question", "idempotencyKey": "key-question", "input": {}});
    let again = want(
        200,
        "the same start",
        &world.api.post("/v1/runs", &again).await?,
    )?;
    must(again["runId"] == run.as_str(), || {
        "one key, two runs".to_owned()
    })?;
    world.until(&run, "waiting").await?;
    let waits = want(200, "open questions", &world.api.get("/v1/waits").await?)?;
    let asked = waits["waits"].as_array().is_some_and(|waits| {
        waits
            .iter()
            .any(|wait| wait["runId"] == run.as_str() && wait["node"] == "ask")
    });
    must(asked, || format!("the question is not among {waits}"))?;
    let first = world.answer(&run, "Send", "answer-1").await?;
    let second = world.answer(&run, "Send", "answer-1").await?;
    must(!first && second, || "one answer counted twice".to_owned())?;
    world.until(&run, "completed").await?;
    let seen = world.models.seen();
    let key = seen
        .last()
        .and_then(|seen| seen.headers.get("authorization"));
    must(key.is_some_and(|key| key.ends_with(PROVIDER_KEY)), || {
        "the model was not asked with the key out of the secret".to_owned()
    })?;
    let events = world.events(&run).await?;
    let mut statuses = Vec::new();
    for seq in 1..=events.len() {
        let path = format!("/v1/runs/{run}/state?seq={seq}");
        let state = want(200, "a state", &world.api.get(&path).await?)?;
        must(state["seq"] == json!(seq), || {
            format!("asked for {seq}: {state}")
        })?;
        statuses.push(text(&state, "status")?);
    }
    let ends = (statuses.first(), statuses.last());
    must(statuses.iter().any(|status| status == "waiting"), || {
        "no state waits".to_owned()
    })?;
    must(ends.1.is_some_and(|status| status == "completed"), || {
        format!("states: {ends:?}")
    })?;
    Ok(format!(
        "{} events, the state after each of them",
        events.len()
    ))
}

/// Branches of the widest split.
const BRANCHES: usize = 16;

pub(super) async fn branches(world: &World) -> Result<String, Wrong> {
    let all = documents::branches("branches", json!({}), BRANCHES, 2);
    let run = world.run(&all).await?;
    world.until(&run, "completed").await?;
    let path = format!("/v1/runs/{run}");
    let answer = want(200, "a run", &world.api.get(&path).await?)?;
    let given = answer["output"]["all"].as_array().map_or(0, Vec::len);
    must(given == BRANCHES, || {
        format!("{BRANCHES} branches: {answer}")
    })?;
    let events = world.events(&run).await?;
    let count = |kind: &str| {
        events
            .iter()
            .filter(|event| event.body.kind() == kind)
            .count()
    };
    let kinds = [
        "branch.started",
        "branch.ended",
        "join.fired",
        "stage.started",
    ]
    .map(count);
    must(kinds == [BRANCHES, BRANCHES, 1, 2 * BRANCHES], || {
        format!("branches, ends, joins, claims: {kinds:?}")
    })?;
    // The first answer decides; the two others would come in an hour.
    let stall = [
        Behaviour::Made,
        Behaviour::StallBeforeHeaders,
        Behaviour::StallBeforeHeaders,
    ];
    world.models.script(stall);
    let any = documents::branches("any", json!({"failureStrategy": "any"}), 3, 1);
    let any = world.run(&documents::patient(any, 60_000)).await?;
    let began = Instant::now();
    world.until(&any, "completed").await?;
    let took = began.elapsed().as_millis();
    let events = world.events(&any).await?;
    let skipped = events
        .iter()
        .filter(|event| event.body.kind() == "stage.skipped")
        .count();
    must(skipped == 2, || {
        format!("{skipped} branches skipped, not 2")
    })?;
    Ok(format!(
        "{BRANCHES} branches of 2 calls: {calls} calls, 1 join; the first of three decided after {took} ms",
        calls = kinds[3]
    ))
}

pub(super) async fn cancel(world: &World) -> Result<String, Wrong> {
    world.models.script([Behaviour::StallBeforeHeaders]);
    let asked = world.models.seen().len();
    let document = documents::line("cancelled", vec![documents::prompt("stalled")]);
    let document = documents::patient(document, 60_000);
    let run = world.run(&document).await?;
    world
        .wait("the model call", async || {
            Ok(world.models.seen().len() > asked)
        })
        .await?;
    let began = Instant::now();
    let path = format!("/v1/runs/{run}/cancel");
    let answer = world.api.post(&path, &json!({"reason": "tried"})).await?;
    want(202, "a cancel", &answer)?;
    world.until(&run, "cancelled").await?;
    let took = began.elapsed().as_millis();
    want(
        200,
        "the same cancel",
        &world.api.post(&path, &json!({})).await?,
    )?;
    Ok(format!("cancelled {took} ms after it was asked for"))
}

/// Minutes of the wait, and by how many seconds the clocks are set ahead.
const WAIT_MINUTES: u64 = 20;
const AHEAD_S: i64 = 20 * 60 + 30;

/// The clocks of the engine, of the functions and of this process are set ahead together, as if the
/// time had passed. Nothing else is touched: the engine's own rule calls the sweep, which finds the
/// timer due.
pub(super) async fn timer(world: &World) -> Result<String, Wrong> {
    let Some(clock) = &world.clock else {
        return wrong("this process was not started on a clock that can be set");
    };
    let nodes = vec![
        documents::prompt("before"),
        documents::delay("nap", WAIT_MINUTES, "minutes"),
        documents::prompt("after"),
    ];
    let run = world.run(&documents::line("timer", nodes)).await?;
    world.until(&run, "waiting").await?;
    // A sweep before the time changes nothing.
    world.stack.invoke("sweep", &json!({})).await?;
    world.until(&run, "waiting").await?;
    clock
        .pass(AHEAD_S)
        .map_err(|error| Wrong::Io("the clock cannot be set", error))?;
    let began = Instant::now();
    world.until(&run, "completed").await?;
    let took = began.elapsed().as_secs();
    let events = world.events(&run).await?;
    let moment = |at: Option<&lattice_journal::Event>| at.map_or(0, |event| event.timestamp.get());
    let minutes = moment(events.last()).saturating_sub(moment(events.first())) / 60_000;
    must(minutes >= WAIT_MINUTES, || {
        format!("by its log the run took {minutes} minutes")
    })?;
    Ok(format!(
        "a sweep woke it {took} s after; by its log the run took {minutes} minutes"
    ))
}
