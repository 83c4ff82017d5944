//! Query parameters and headers: unknown, doubled, and of no shape.

use crate::support::spec::{Operation, Param, spec};
use crate::support::{Ask, World};
use crate::tally::Tally;
use serde_json::{Value, json};

const QUERY: &str = "LAT-A006";
const HEADER: &str = "LAT-A007";

/// Values among which there is something wrong for every kind of parameter.
const VALUES: [&str; 16] = [
    "",
    " ",
    "x",
    "-1",
    "+1",
    "0",
    "1.5",
    "1e3",
    "501",
    "1001",
    "\u{0}",
    "a b",
    "ä",
    "yesterday",
    "99999999999999999999",
    "2026-02-30",
];

pub async fn check(world: &World, of: &Operation, ask: &Ask, tally: &mut Tally) {
    if of.is_hook() {
        // They are the sender's, whatever they are.
        for (name, value) in [("surprise", "1"), ("", ""), ("limit", "x"), ("limit", "ä")] {
            let ask = ask.clone().query(name, value).query(name, value);
            let check = format!("the parameter `{name}` twice");
            tally.good(world, &of.id, &check, &ask, 202).await;
        }
        return;
    }
    for name in ["surprise", "", "LIMIT", "lastseq", "access_token"] {
        let ask = ask.clone().query(name, "1");
        let check = format!("the parameter `{name}`");
        tally.refused(world, &of.id, &check, &ask, 400, QUERY).await;
    }
    for param in &of.params {
        match param.at.as_str() {
            "query" => query(world, of, param, ask, tally).await,
            "header" => header(world, of, param, ask, tally).await,
            _ => {}
        }
    }
}

async fn query(world: &World, of: &Operation, param: &Param, ask: &Ask, tally: &mut Tally) {
    let name = &param.name;
    let mut bare = ask.clone();
    bare.query.retain(|(found, _)| found != name);
    let doubled = bare.clone().query(name, "1").query(name, "1");
    let check = format!("`{name}` twice");
    tally
        .refused(world, &of.id, &check, &doubled, 400, QUERY)
        .await;
    let mut tried = 0;
    for value in VALUES.into_iter().filter(|value| is_wrong(param, value)) {
        let check = format!("`{name}` = `{value}`");
        let ask = bare.clone().query(name, value);
        tally.refused(world, &of.id, &check, &ask, 400, QUERY).await;
        tried += 1;
    }
    assert!(tried >= 3, "too little is tried of `{name}`");
}

async fn header(world: &World, of: &Operation, param: &Param, ask: &Ask, tally: &mut Tally) {
    let name = &param.name;
    let bare = ask.clone().without(name);
    let doubled = bare.clone().header(name, "1").header(name, "1");
    let check = format!("`{name}` twice");
    tally
        .refused(world, &of.id, &check, &doubled, 400, HEADER)
        .await;
    // A header without a value is as good as none for what comes from browsers.
    let values = VALUES.into_iter().chain(["\"x\"", "**", "\""]);
    let values = values.filter(|value| !value.trim().is_empty() && *value != "\u{0}");
    for value in values.filter(|value| is_wrong(param, value)) {
        let check = format!("`{name}` = `{value}`");
        let ask = bare.clone().header(name, value);
        tally
            .refused(world, &of.id, &check, &ask, 400, HEADER)
            .await;
    }
}

/// Whether the file calls the value wrong, read as what the parameter is. How long a log may be is
/// said there too, but what is behind the end of one is told as such.
fn is_wrong(param: &Param, value: &str) -> bool {
    let schema = spec().resolve(&param.schema);
    if schema["type"] != "integer" {
        return !spec().fits(&param.schema, &json!(value));
    }
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = value.parse().ok().filter(|_| digits);
    let is_seq = param.name != "limit";
    number.is_none_or(|number| !is_seq && !spec().fits(&param.schema, &Value::from(number)))
}
