//! A run followed live.

use crate::deploy::ALL_SCOPES;
use crate::drive::documents;
use crate::drive::host::Host;
use crate::drive::world::{PATIENCE, TENANT, World};
use crate::drive::wrong::{Wrong, must, want, wrong};
use crate::http;
use lattice_client::{Server, Told, WatchOptions};
use lattice_model::{RunId, Secret};
use tokio::time::timeout;

/// Readers, and what they may hold open at once: a dropped connection's answer goes on for a while.
const PROCESSES: usize = 6;
/// Behind which events the reader drops its connection.
const DROPS: [u64; 3] = [1, 4, 6];

/// Once through the function's address at the engine, which gives an answer when it is whole; once
/// live, through the same program behind a runtime that streams.
pub(super) async fn dropped(world: &World) -> Result<String, Wrong> {
    let token = world.issuer.token(TENANT, ALL_SCOPES)?;
    let mut environment = world.stack.environment("stream").await?;
    environment.insert(
        "AWS_ENDPOINT_URL".to_owned(),
        world
            .proxy
            .door("stream")
            .await
            .map_err(|error| Wrong::Io("no door for the stream function", error))?,
    );
    let mut host = Host::listen().await?;
    host.run(&world.stream_program, &environment, PROCESSES)?;
    let run = world.run(&documents::question("followed")).await?;
    let answering = async {
        world.until(&run, "waiting").await?;
        world.answer(&run, "Send", "answer-followed").await
    };
    let (followed, answered) = tokio::join!(follow(&host, &run, &token), answering);
    answered?;
    let (seen, reconnects) = followed?;
    let stored = world.events(&run).await?;
    must(stored.len() == seen.len(), || {
        format!("{} events stored, {} seen", stored.len(), seen.len())
    })?;
    let dense = (1..).zip(&seen).all(|(seq, seen)| *seen == seq);
    must(dense, || format!("seen: {seen:?}"))?;
    let (asked, _) = host.counts();
    whole(world, &run, &token, stored.len()).await?;
    Ok(format!(
        "{} events live, each once, over {asked} connections ({reconnects} reconnects)",
        seen.len()
    ))
}

/// Follows a run to its end and drops the connection on the way; the seqs that were seen.
async fn follow(host: &Host, run: &str, token: &str) -> Result<(Vec<u64>, u64), Wrong> {
    let said = |error: &dyn std::error::Error| Wrong::Found(format!("the stream: {error}"));
    let server = Server::new(&host.base).map_err(|error| said(&error))?;
    let run: RunId = run.parse().map_err(|error| said(&error))?;
    let options = WatchOptions {
        token: Some(Secret::new(token.to_owned())),
        max_tries: Some(20),
        ..WatchOptions::default()
    };
    let mut watcher = server.watch(run, options).map_err(|error| said(&error))?;
    let mut seen: Vec<u64> = Vec::new();
    let reading = async {
        while let Some(told) = watcher.next().await.map_err(|error| said(&error))? {
            let Told::Event(event) = told else { continue };
            seen.push(event.seq.get());
            if DROPS.contains(&event.seq.get()) {
                watcher.drop_connection();
            }
        }
        Ok::<_, Wrong>(())
    };
    match timeout(PATIENCE, reading).await {
        Ok(read) => read?,
        Err(_) => return wrong(format!("the stream stood still behind {seen:?}")),
    }
    let counts = watcher.counts();
    must(counts.pages == 0 && counts.repeats == 0, || {
        format!("the stream: {counts:?}")
    })?;
    must(counts.reconnects >= DROPS.len() as u64, || {
        format!("the stream: {counts:?}")
    })?;
    Ok((seen, counts.reconnects))
}

/// The same run through the function's address at the engine; and nobody without a token.
async fn whole(world: &World, run: &str, token: &str, events: usize) -> Result<(), Wrong> {
    let host = world.stack.url_host("stream").await?;
    let bearer = format!("Bearer {token}");
    let path = format!("/v1/runs/{run}/stream?lastSeq=2");
    let authority = world.admin.authority();
    let ask = async |headers: &[(&str, &str)]| {
        http::send(authority, http::request("GET", &path, headers, "")).await
    };
    let nobody = ask(&[("host", &host)]).await?;
    want(401, "a stream without a token", &nobody)?;
    let answer = ask(&[("host", &host), ("authorization", &bearer)]).await?;
    let text = answer.text();
    want(200, "a stream at the engine", &answer)?;
    let ids = text.lines().filter(|line| line.starts_with("id: ")).count();
    must(ids + 2 == events, || {
        format!("{ids} of {events} events behind the second: {text}")
    })
}
