//! Names in paths: of nobody, of somebody else, of no shape; and methods that a path does not take.

use crate::rows::ROWS;
use crate::support::hooks::{keyed, timed};
use crate::support::spec::{Operation, spec};
use crate::support::{Ask, THERE, World};
use crate::tally::Tally;
use serde_json::json;

const NO_METHOD: &str = "LAT-A021";

pub async fn check(world: &World, of: &Operation, ask: &Ask, tally: &mut Tally) {
    if ask.id.is_some() && !of.is_hook() {
        somebody_else(world, of, tally).await;
    }
    if of.has_id() {
        malformed(world, of, ask, tally).await;
    }
    if of.path.ends_with("/{target}") {
        for word in ["claude", "CODEX", "%00", "codex%2F"] {
            let mut ask = ask.clone();
            ask.path = ask.path.replace("/codex", &format!("/{word}"));
            let check = format!("the target `{word}`");
            let code = "LAT-A025";
            tally.refused(world, &of.id, &check, &ask, 404, code).await;
        }
    }
}

/// A thing of another tenant is as good as none: nothing in the answers tells one from the other.
async fn somebody_else(world: &World, of: &Operation, tally: &mut Tally) {
    for row in ROWS.iter().filter(|row| row.id == of.id) {
        let theirs = (row.make)(world).await.of(THERE);
        let id = theirs.id.clone().unwrap();
        let nobodys = unknown(&id);
        let unknown = theirs.clone().naming(&nobodys);
        // Whoever replaces what is not there is told so by the precondition; whoever makes it does.
        let (status, code) = match (row.id, row.status) {
            ("putWorkflow", 201) => continue,
            ("putWorkflow", _) => (412, "LAT-A032"),
            _ if id.starts_with("run_") => (404, "LAT-A022"),
            _ if id.starts_with("tr_") => (404, "LAT-A024"),
            _ => (404, "LAT-A023"),
        };
        let asked = tally
            .refused(world, row.id, "of another tenant", &theirs, status, code)
            .await;
        let other = tally
            .refused(world, row.id, "of nobody", &unknown, status, code)
            .await;
        let same = asked.without(&id) == other.without(&nobodys);
        tally.cell(row.id, "another tenant's looks like nobody's", same, &asked);
    }
}

/// A well-formed name like this one that nothing has.
fn unknown(id: &str) -> String {
    match id.strip_prefix("run_") {
        Some(_) => format!("run_0{}", "7".repeat(25)),
        None if id.starts_with("tr_") => format!("tr_{}", "7".repeat(26)),
        None => "nothing-here".to_owned(),
    }
}

async fn malformed(world: &World, of: &Operation, ask: &Ask, tally: &mut Tally) {
    let param = of.params.iter().find(|param| param.at == "path").unwrap();
    let long = "x".repeat(129);
    let upper = ask.id.as_deref().unwrap().to_ascii_uppercase();
    let names = [
        "x",
        "a%20b",
        "%00",
        "..%2F..%2Fx",
        "%C3%A4",
        "a:b",
        "*",
        "run_",
        "%",
        long.as_str(),
        upper.as_str(),
    ];
    let wrong = names
        .into_iter()
        .filter(|name| !spec().fits(&param.schema, &json!(name)));
    for name in wrong {
        let mut ask = ask.clone();
        ask.path = ask.path.replace(ask.id.as_deref().unwrap(), name);
        let check = format!("the name `{name:.20}`");
        // What is stored under a name has to have it, and no document has such a one.
        let (status, code) = match (of.id.as_str(), of.path.starts_with("/v1/runs")) {
            _ if of.is_hook() => (404, "LAT-A024"),
            ("putWorkflow", _) => (422, "LAT-A033"),
            ("pauseSchedule" | "resumeSchedule", _) => (404, "LAT-A024"),
            (_, true) => (404, "LAT-A022"),
            (_, false) => (404, "LAT-A023"),
        };
        tally
            .refused(world, &of.id, &check, &ask, status, code)
            .await;
    }
}

/// What one tenant has, another one's lists do not show.
pub async fn check_strangers(world: &World, tally: &mut Tally) {
    world.asking().await;
    world.completed().await;
    for document in [keyed("hooked"), timed("timed", "rate(1 day)")] {
        world.store(&document).await;
    }
    for (id, path, rows, here) in [
        ("listWorkflows", "/v1/workflows", "workflows", 4),
        ("listRuns", "/v1/runs", "runs", 2),
        ("listWaits", "/v1/waits", "waits", 1),
        ("listHooks", "/v1/hooks", "hooks", 1),
        ("listSchedules", "/v1/schedules", "schedules", 1),
    ] {
        for (tenant, count) in [(crate::support::HERE, here), (THERE, 0)] {
            let listed = tally
                .good(world, id, tenant, &Ask::get(path).of(tenant), 200)
                .await;
            let found = listed.json()[rows].as_array().map_or(9, Vec::len);
            tally.cell(
                id,
                &format!("{tenant} sees {count}"),
                found == count,
                &listed,
            );
        }
    }
}

pub async fn check_methods(world: &World, tally: &mut Tally) {
    for (path, mut taken) in spec().paths() {
        let asked = path.replace("{id}", "run_00000000000000000000000000");
        let asked = asked.replace("{hookId}", "tr_00000000000000000000000000");
        if taken.contains(&"GET") && path != "/v1/hooks/{hookId}" {
            taken.push("HEAD");
        }
        taken.sort_unstable();
        for method in [
            "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW",
        ] {
            if taken.contains(&method) {
                continue;
            }
            let ask = Ask::new(method, &asked);
            let code = if method == "HEAD" { "" } else { NO_METHOD };
            let refused = tally.refused(world, path, method, &ask, 405, code).await;
            let mut allowed: Vec<&str> = refused.header("allow").split(", ").collect();
            allowed.sort_unstable();
            let check = format!("{method}: the methods it takes");
            tally.cell(path, &check, allowed == taken, &refused);
        }
    }
}
