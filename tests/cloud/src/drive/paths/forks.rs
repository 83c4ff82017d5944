//! Runs that begin with what another one was.

use super::faults::Tuned;
use crate::drive::documents;
use crate::drive::world::{World, text};
use crate::drive::wrong::{Wrong, must, want, wrong};
use lattice_journal::EventBody;
use lattice_model_server::Behaviour;
use serde_json::json;
use tokio::time::Instant;

/// Steps of the run that is forked behind its first.
const STEPS: usize = 3;

/// A fork is asked for twice under one key, and loses its worker in the middle of its first effect.
pub(super) async fn fork(world: &World) -> Result<String, Wrong> {
    let tuned = Tuned::new(world, None).await?;
    let run = world.run(&documents::chain("forked", STEPS)).await?;
    world.until(&run, "completed").await?;
    let events = world.events(&run).await?;
    let mut done = events.iter().filter_map(|event| match &event.body {
        EventBody::StageCompleted(it) if it.node.as_str() == "step1" => Some(event.seq.get()),
        _ => None,
    });
    let Some(at) = done.next() else {
        return wrong("the first step was never completed");
    };
    let before = world.models.seen().len();
    world.models.script([Behaviour::StallBeforeHeaders]);
    let (path, body) = (
        format!("/v1/runs/{run}/fork"),
        json!({"at": at, "idempotencyKey": "a-fork"}),
    );
    let first = world.api.post(&path, &body).await?;
    let fork = text(&want(201, "a fork", &first)?, "runId")?;
    world.acknowledged(&fork);
    let again = world.api.post(&path, &body).await?;
    let known = text(&want(200, "a fork that is there", &again)?, "runId")?;
    must(known == fork, || format!("{known} is not {fork}"))?;
    world
        .wait("the fork's first model call", async || {
            Ok(world.models.seen().len() == before + 1)
        })
        .await?;
    let began = Instant::now();
    let killed = world.kill("step")?;
    must(killed > 0, || {
        "there was no step function to kill".to_owned()
    })?;
    world.until(&fork, "completed").await?;
    tuned.back().await?;
    let asked = world.models.seen().len() - before;
    must(asked == STEPS, || {
        format!("the model was asked {asked} times, not for {STEPS} less one, and once again")
    })?;
    let said = world.api.get(&format!("/v1/runs/{fork}")).await?;
    let said = want(200, "a fork", &said)?;
    let from = &said["forkedFrom"];
    must(
        from["run"] == json!(run) && from["seq"] == json!(at),
        || format!("it does not come from event {at} of {run}: {from}"),
    )?;
    let took = began.elapsed().as_millis();
    Ok(format!(
        "forked at event {at} of {}; {killed} processes killed, completed {took} ms later",
        events.len()
    ))
}
