//! Runs that call runs: another workflow, and the batches of a long list.

use crate::drive::documents;
use crate::drive::world::World;
use crate::drive::wrong::{Wrong, must, want};
use lattice_journal::{Event, EventBody};
use lattice_model_server::Behaviour;
use serde_json::json;
use tokio::time::Instant;

/// The runs that a log calls; what is judged at the end is judged of them too.
pub(super) fn called(world: &World, events: &[Event]) -> Vec<String> {
    let called = events.iter().filter_map(|event| match &event.body {
        EventBody::ChildStarted(started) => Some(started.child.to_string()),
        _ => None,
    });
    let called: Vec<String> = called.collect();
    for run in &called {
        world.acknowledged(run);
    }
    called
}

pub(super) async fn calls(world: &World) -> Result<String, Wrong> {
    world.store(&documents::chain("below", 2)).await?;
    let above = documents::line("above", vec![documents::flow("call", "below")]);
    let run = world.run(&above).await?;
    world.until(&run, "completed").await?;
    let below = called(world, &world.events(&run).await?);
    must(below.len() == 1, || format!("called: {below:?}"))?;
    // A cancel of the run above reaches the one below, whose model call hangs.
    let stalled = documents::line("below-2", vec![documents::prompt("stalled")]);
    world.store(&documents::patient(stalled, 60_000)).await?;
    world.models.script([Behaviour::StallBeforeHeaders]);
    let asked = world.models.seen().len();
    let above = documents::line("above-2", vec![documents::flow("call", "below-2")]);
    let run = world.run(&above).await?;
    world
        .wait("the model call below", async || {
            Ok(world.models.seen().len() > asked)
        })
        .await?;
    let below = called(world, &world.events(&run).await?);
    let began = Instant::now();
    let path = format!("/v1/runs/{run}/cancel");
    let answer = world.api.post(&path, &json!({"reason": "tried"})).await?;
    want(202, "a cancel", &answer)?;
    world.until(&run, "cancelled").await?;
    for run in &below {
        world.until(run, "cancelled").await?;
    }
    let took = began.elapsed().as_millis();
    Ok(format!(
        "one run below; {} more cancelled with the run above, {took} ms after it was asked for",
        below.len()
    ))
}

/// Items of the list, and of each batch of it.
const ITEMS: usize = 40;
const BATCH: usize = 10;

pub(super) async fn list(world: &World) -> Result<String, Wrong> {
    let settings =
        json!({"batchSize": BATCH, "processingMode": "parallel", "maxConcurrentBatches": 2});
    let run = world.run(&documents::list("list", ITEMS, settings)).await?;
    let began = Instant::now();
    world.until(&run, "completed").await?;
    let took = began.elapsed().as_millis();
    let answer = want(
        200,
        "a run",
        &world.api.get(&format!("/v1/runs/{run}")).await?,
    )?;
    let given = answer["output"]["all"].as_array().map_or(0, Vec::len);
    must(given == ITEMS, || format!("{ITEMS} items: {answer}"))?;
    let batches = called(world, &world.events(&run).await?);
    must(batches.len() == ITEMS / BATCH, || {
        format!("batches: {batches:?}")
    })?;
    Ok(format!(
        "{ITEMS} items in {} runs below, in {took} ms",
        batches.len()
    ))
}
