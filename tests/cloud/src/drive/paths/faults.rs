//! What breaks, and what must not break with it.

use super::families::called;
use crate::drive::documents;
use crate::drive::world::{World, text};
use crate::drive::wrong::{Wrong, must, want};
use crate::http::Answer;
use crate::proxy::Mischief;
use lattice_model_server::Behaviour;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The queue for the faults: nobody waits here for six timeouts of the step function, and nothing is
/// delivered a hundred times before it is given up.
const VISIBILITY_S: &str = "3";
const RECEIVES: u32 = 4;
/// Runs that go on beside a fault.
const BESIDE: usize = 4;
/// How long DynamoDB refuses.
const REFUSES: Duration = Duration::from_secs(60);
/// Runs of which every message comes twice.
const TWICE: usize = 8;

/// The queue as faults need it, and as it was.
pub(super) struct Tuned<'a> {
    world: &'a World,
    visibility: String,
    redrive: String,
}

impl<'a> Tuned<'a> {
    /// `receives`: deliveries of a message before it is given up.
    pub async fn new(world: &'a World, receives: Option<u32>) -> Result<Self, Wrong> {
        let (visibility, redrive) = (
            world.tuned("VisibilityTimeout").await?,
            world.tuned("RedrivePolicy").await?,
        );
        let mut attributes = json!({"VisibilityTimeout": VISIBILITY_S});
        if let Some(receives) = receives {
            let mut policy: Value = serde_json::from_str(&redrive).unwrap_or_default();
            policy["maxReceiveCount"] = json!(receives);
            attributes["RedrivePolicy"] = json!(policy.to_string());
        }
        world.tune(attributes).await?;
        Ok(Self {
            world,
            visibility,
            redrive,
        })
    }

    pub async fn back(self) -> Result<(), Wrong> {
        let attributes = json!({
            "VisibilityTimeout": self.visibility, "RedrivePolicy": self.redrive,
        });
        self.world.tune(attributes).await
    }
}

pub(super) async fn poison(world: &World) -> Result<String, Wrong> {
    let tuned = Tuned::new(world, Some(RECEIVES)).await?;
    world.store(&documents::chain("beside", 2)).await?;
    let mut runs = Vec::new();
    for at in 0..BESIDE {
        let bad = ["no message at all", r#"{"run": 7}"#, "{}", "\u{1F4A5}"];
        let body = bad.get(at % bad.len()).copied().unwrap_or_default();
        world
            .admin
            .queue("SendMessage", &world.queue, json!({"MessageBody": body}))
            .await?;
        runs.push(world.start("beside", &format!("beside-{at}")).await?);
    }
    for run in &runs {
        world.until(run, "completed").await?;
    }
    world
        .wait("the poison in the dead-letter queue", async || {
            Ok(world.waiting(&world.dead).await? == BESIDE as u64)
        })
        .await?;
    tuned.back().await?;
    let dead = drain(world).await?;
    must(dead.len() == BESIDE, || format!("{dead:?}"))?;
    Ok(format!(
        "{BESIDE} bad messages given up after {RECEIVES} deliveries, {BESIDE} runs beside them ended"
    ))
}

/// While the step function alone is refused by the table, its message is given up. Then it is put
/// back: the engine has no `StartMessageMoveTask`, so message by message.
pub(super) async fn redrive(world: &World) -> Result<String, Wrong> {
    let tuned = Tuned::new(world, Some(RECEIVES)).await?;
    world.store(&documents::chain("redriven", 2)).await?;
    world.proxy.make(Mischief {
        dynamodb_refuses: Some("step".to_owned()),
        ..Mischief::default()
    });
    let run = world.start("redriven", "key-redriven").await?;
    let given_up = world
        .wait("the message in the dead-letter queue", async || {
            Ok(world.waiting(&world.dead).await? > 0)
        })
        .await;
    world.proxy.make(Mischief::default());
    given_up?;
    tuned.back().await?;
    let dead = drain(world).await?;
    must(dead.len() == 1, || format!("{dead:?}"))?;
    for body in &dead {
        world
            .admin
            .queue("SendMessage", &world.queue, json!({"MessageBody": body}))
            .await?;
    }
    world.until(&run, "completed").await?;
    Ok(format!(
        "given up after {RECEIVES} deliveries, put back, completed"
    ))
}

/// Takes everything out of the dead-letter queue.
async fn drain(world: &World) -> Result<Vec<String>, Wrong> {
    let mut bodies = Vec::new();
    while world.waiting(&world.dead).await? > 0 {
        let asked = json!({"MaxNumberOfMessages": 10});
        let taken = world
            .admin
            .queue("ReceiveMessage", &world.dead, asked)
            .await?;
        for message in taken["Messages"].as_array().into_iter().flatten() {
            bodies.push(text(message, "Body")?);
            let receipt = json!({"ReceiptHandle": message["ReceiptHandle"]});
            world
                .admin
                .queue("DeleteMessage", &world.dead, receipt)
                .await?;
        }
    }
    Ok(bodies)
}

/// The model server has applied the effect and holds its answer; then the function dies.
pub(super) async fn killed(world: &World) -> Result<String, Wrong> {
    let tuned = Tuned::new(world, None).await?;
    let before = world.models.seen().len();
    world
        .models
        .script([Behaviour::Made, Behaviour::StallBeforeHeaders]);
    let run = world.run(&documents::chain("killed", 3)).await?;
    world
        .wait("the second model call", async || {
            Ok(world.models.seen().len() == before + 2)
        })
        .await?;
    let began = Instant::now();
    let killed = world.kill("step")?;
    must(killed > 0, || {
        "there was no step function to kill".to_owned()
    })?;
    world.until(&run, "completed").await?;
    tuned.back().await?;
    let asked = world.models.seen().len() - before;
    must(asked == 4, || {
        format!("the model was asked {asked} times, not 3 and once again")
    })?;
    let seen = world.models.seen();
    let keys = seen.iter().skip(before + 1).take(2);
    let keys: Vec<_> = keys
        .map(|seen| seen.headers.get("idempotency-key").cloned())
        .collect();
    must(keys.first() == keys.last(), || {
        format!("the key changed: {keys:?}")
    })?;
    let took = began.elapsed().as_millis();
    Ok(format!(
        "{killed} processes killed; completed {took} ms later, the effect asked for again under its key"
    ))
}

/// Branches whose effects are under way when the function dies.
const LOST: usize = 4;

/// The model server has applied the effects of all branches and holds their answers. Whoever takes the
/// run over waits for all four leases at once.
pub(super) async fn lost(world: &World) -> Result<String, Wrong> {
    let tuned = Tuned::new(world, None).await?;
    let before = world.models.seen().len();
    let stalls = std::iter::repeat_n(Behaviour::StallBeforeHeaders, LOST);
    world.models.script(stalls);
    let document = documents::branches("lost", json!({}), LOST, 2);
    let run = world.run(&document).await?;
    world
        .wait("a call of each branch", async || {
            Ok(world.models.seen().len() == before + LOST)
        })
        .await?;
    let began = Instant::now();
    let killed = world.kill("step")?;
    must(killed > 0, || {
        "there was no step function to kill".to_owned()
    })?;
    world.until(&run, "completed").await?;
    tuned.back().await?;
    let asked = world.models.seen().len() - before;
    must(asked == 3 * LOST, || {
        format!("the model was asked {asked} times, not for {LOST} lost calls and {LOST} times 2")
    })?;
    let seen = world.models.seen();
    let keys = |from: usize| {
        let of = seen.iter().skip(before + from).take(LOST);
        let keys = of.map(|seen| seen.headers.get("idempotency-key").cloned());
        keys.collect::<std::collections::BTreeSet<_>>()
    };
    must(keys(0) == keys(LOST), || "the keys changed".to_owned())?;
    let took = began.elapsed().as_millis();
    Ok(format!(
        "{killed} processes killed; completed {took} ms later, each of {LOST} effects asked for again under its key"
    ))
}

/// Items of a list in a run that is called, and of each batch of it.
const ITEMS: usize = 20;
const BATCH: usize = 5;

fn in_batches(id: &str) -> Value {
    let settings =
        json!({"batchSize": BATCH, "processingMode": "parallel", "maxConcurrentBatches": 2});
    documents::list(id, ITEMS, settings)
}

/// A run, the run that it calls, and the batches of that one's list: all lose their worker at once,
/// while two items wait for their answers.
pub(super) async fn family(world: &World) -> Result<String, Wrong> {
    let tuned = Tuned::new(world, None).await?;
    world.store(&in_batches("lost-list")).await?;
    let before = world.models.seen().len();
    let stalls = std::iter::repeat_n(Behaviour::StallBeforeHeaders, 2);
    world.models.script(stalls);
    let above = documents::line("lost-above", vec![documents::flow("call", "lost-list")]);
    let run = world.run(&above).await?;
    world
        .wait("two model calls", async || {
            Ok(world.models.seen().len() >= before + 2)
        })
        .await?;
    let began = Instant::now();
    let killed = world.kill("step")?;
    must(killed > 0, || {
        "there was no step function to kill".to_owned()
    })?;
    world.until(&run, "completed").await?;
    tuned.back().await?;
    let batches = batches_below(world, &run).await?;
    let asked = world.models.seen().len() - before;
    must(asked >= ITEMS + 2, || {
        format!("the model was asked {asked} times, and two of {ITEMS} calls were lost")
    })?;
    let took = began.elapsed().as_millis();
    Ok(format!(
        "{killed} processes killed; {batches} batches below a called run completed {took} ms later"
    ))
}

/// How many batches the list of a called run came to; the end judges all of them.
async fn batches_below(world: &World, run: &str) -> Result<usize, Wrong> {
    let mut batches = 0;
    for below in called(world, &world.events(run).await?) {
        let list = world.api.get(&format!("/v1/runs/{below}")).await?;
        let given = want(200, "a run", &list)?["output"]["all"]
            .as_array()
            .map_or(0, Vec::len);
        must(given == ITEMS, || format!("{ITEMS} items: {list:?}"))?;
        batches += called(world, &world.events(&below).await?).len();
    }
    must(batches == ITEMS / BATCH, || format!("{batches} batches"))?;
    Ok(batches)
}

pub(super) async fn twice(world: &World) -> Result<String, Wrong> {
    world.store(&documents::question("twice")).await?;
    world.store(&in_batches("twice-list")).await?;
    let above = documents::line("twice-above", vec![documents::flow("call", "twice-list")]);
    world.store(&above).await?;
    let (_, before) = world.proxy.done();
    world.proxy.make(Mischief {
        messages_twice: true,
        ..Mischief::default()
    });
    let all = async {
        let mut runs = Vec::new();
        for at in 0..TWICE {
            runs.push(world.start("twice", &format!("twice-{at}")).await?);
        }
        for run in &runs {
            world.until(run, "waiting").await?;
            world.answer(run, "Send", &format!("answer-{run}")).await?;
        }
        let family = world.start("twice-above", "twice-above").await?;
        for run in runs.iter().chain([&family]) {
            world.until(run, "completed").await?;
        }
        batches_below(world, &family).await
    };
    let done = all.await;
    world.proxy.make(Mischief::default());
    let batches = done?;
    let (_, after) = world.proxy.done();
    must(after - before >= 2 * TWICE as u64, || {
        format!("only {} messages were repeated", after - before)
    })?;
    Ok(format!(
        "{} messages sent twice, {TWICE} runs ended, and one with {batches} batches below it",
        after - before
    ))
}

/// Everybody is refused by the table: runs that are under way, and callers.
pub(super) async fn refused(world: &World) -> Result<String, Wrong> {
    world.store(&documents::waits("refused", 2)).await?;
    let mut runs = Vec::new();
    for at in 0..BESIDE {
        runs.push(world.start("refused", &format!("refused-{at}")).await?);
    }
    let (before, _) = world.proxy.done();
    world.proxy.make(Mischief {
        dynamodb_refuses: Some("*".to_owned()),
        ..Mischief::default()
    });
    let told = ask_meanwhile(world).await;
    world.proxy.make(Mischief::default());
    let told = told?;
    let began = Instant::now();
    for run in &runs {
        world.until(run, "completed").await?;
    }
    let took = began.elapsed().as_millis();
    // Whoever was told to come back does, under the same key.
    let run = world.start("refused", "refused-late").await?;
    world.until(&run, "completed").await?;
    let (after, _) = world.proxy.done();
    must(after > before, || "nothing was refused".to_owned())?;
    let refused = after - before;
    Ok(format!(
        "{refused} calls refused, {told} callers told 503 and when to come back; {BESIDE} runs ended {took} ms after"
    ))
}

/// Asks while the table refuses; how many were told to come back.
async fn ask_meanwhile(world: &World) -> Result<usize, Wrong> {
    let until = Instant::now() + REFUSES;
    let start = json!({"workflowId": "refused", "idempotencyKey": "refused-late", "input": {}});
    let mut told = 0;
    while Instant::now() < until {
        later("a start", &world.api.post("/v1/runs", &start).await?)?;
        later("a list", &world.api.get("/v1/runs").await?)?;
        told += 2;
        sleep(Duration::from_secs(2)).await;
    }
    let health = world.api.without_token().get("/v1/health").await?;
    want(200, "health", &health)?;
    Ok(told)
}

/// 503, and when to come back.
fn later(what: &str, answer: &Answer) -> Result<(), Wrong> {
    want(503, what, answer)?;
    let pause = answer
        .header("retry-after")
        .and_then(|after| after.parse::<u64>().ok());
    must(pause.is_some(), || {
        format!("{what}: 503 without `Retry-After`")
    })
}
