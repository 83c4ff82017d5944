//! Bodies: their size, their type, their shape.

use crate::rows::Row;
use crate::support::ask::Sent;
use crate::support::spec::{BodyOf, Operation, spec};
use crate::support::{Ask, World};
use crate::tally::Tally;
use serde_json::{Value, json};

const NOT_JSON: &str = "LAT-A001";
const SHAPE: &str = "LAT-A002";
const TOO_LARGE: &str = "LAT-A003";
const CONTENT_TYPE: &str = "LAT-A004";
const HOOK_TYPE: &str = "LAT-A063";
const HOOK_BODY: &str = "LAT-A064";

pub async fn check(world: &World, of: &Operation, ask: &Ask, tally: &mut Tally) {
    let Some(body) = &of.body else {
        return;
    };
    too_large(world, of, body, ask, tally).await;
    types(world, of, ask, tally).await;
    texts(world, of, body, ask, tally).await;
    if of.is_hook() {
        for (name, value) in scalars() {
            let ask = ask.clone().json(&value);
            let check = format!("the body is {name}");
            tally.good(world, &of.id, &check, &ask, 202).await;
        }
        return;
    }
    for (name, value) in scalars() {
        let ask = ask.clone().json(&value);
        tally
            .refused(
                world,
                &of.id,
                &format!("the body is {name}"),
                &ask,
                400,
                SHAPE,
            )
            .await;
    }
    if of.is_closed() {
        let listed: Vec<Value> = ask.value().as_object().unwrap().values().cloned().collect();
        let listed = ask.clone().json(&json!(listed));
        tally
            .refused(world, &of.id, "its fields in a list", &listed, 400, SHAPE)
            .await;
        fields(world, of, body, ask, tally).await;
    } else {
        assert!(
            ask.value()["nodes"].is_array(),
            "`{}` takes a document",
            of.id
        );
    }
}

fn scalars() -> [(&'static str, Value); 5] {
    [
        ("a list", json!([])),
        ("a text", json!("{}")),
        ("a number", json!(1)),
        ("true", json!(true)),
        ("null", json!(null)),
    ]
}

async fn too_large(world: &World, of: &Operation, body: &BodyOf, ask: &Ask, tally: &mut Tally) {
    let long = ask.clone().padded(body.bytes_max + 1);
    let said = ask
        .clone()
        .header("content-length", &(body.bytes_max + 1).to_string());
    let mut only_said = said;
    only_said.body = Sent::Nothing;
    let untyped = long.clone().without("content-type");
    for (name, ask) in [
        ("one byte too long", &long),
        ("one byte too long, in pieces", &long.clone().chunked()),
        ("said to be too long", &only_said),
        ("too long and of no type", &untyped),
    ] {
        tally
            .refused(world, &of.id, name, ask, 413, TOO_LARGE)
            .await;
    }
}

/// Bodies as long as they may be, each on a request of its own because they are served.
pub async fn check_sizes(world: &World, of: &Operation, row: &Row, tally: &mut Tally) {
    let Some(body) = &of.body else {
        return;
    };
    let ask = (row.make)(world).await.padded(body.bytes_max);
    tally
        .good(world, &of.id, "as long as it may be", &ask, row.status)
        .await;
    let ask = (row.make)(world).await.padded(body.bytes_max).chunked();
    tally
        .good(
            world,
            &of.id,
            "as long as it may be, in pieces",
            &ask,
            row.status,
        )
        .await;
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;",
    ] {
        let ask = (row.make)(world).await.without("content-type");
        let ask = ask.header("content-type", kind);
        tally.good(world, &of.id, kind, &ask, row.status).await;
    }
}

async fn types(world: &World, of: &Operation, ask: &Ask, tally: &mut Tally) {
    let bare = ask.clone().without("content-type");
    let code = if of.is_hook() {
        HOOK_TYPE
    } else {
        CONTENT_TYPE
    };
    tally
        .refused(world, &of.id, "no content type", &bare, 415, code)
        .await;
    let wrong = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/problem+json",
        "application/json; charset=latin1",
        "json",
        "",
    ];
    // A trigger takes whatever JSON calls itself.
    let is_wrong = |kind: &&str| !of.is_hook() || !kind.ends_with("+json");
    for kind in wrong.into_iter().filter(is_wrong) {
        let ask = bare.clone().header("content-type", kind);
        let check = format!("the type `{kind}`");
        tally.refused(world, &of.id, &check, &ask, 415, code).await;
    }
    let twice = ask.clone().header("content-type", "application/json");
    tally
        .refused(world, &of.id, "two types", &twice, 415, code)
        .await;
}

/// Texts that are not JSON.
async fn texts(world: &World, of: &Operation, body: &BodyOf, ask: &Ask, tally: &mut Tally) {
    let whole = ask.text();
    let cut = |to: usize| whole[..to].to_vec();
    let with = |text: &[u8]| [whole.as_slice(), text].concat();
    let mut texts = vec![
        ("cut off at its last byte", cut(whole.len() - 1)),
        ("cut off in the middle", cut(whole.len() / 2)),
        ("cut off at once", cut(1)),
        ("with more behind it", with(b"{}")),
        (
            "with a mark of its byte order",
            [b"\xef\xbb\xbf", whole.as_slice()].concat(),
        ),
        (
            "in another encoding",
            [b"{\"a\":\"", b"\xe4".as_slice(), b"\"}"].concat(),
        ),
        ("no number", b"NaN".to_vec()),
        ("blank", b" ".to_vec()),
    ];
    if body.required {
        texts.push(("empty", Vec::new()));
    }
    let (broken, deep) = match of.is_hook() {
        true => (HOOK_BODY, HOOK_BODY),
        false => (NOT_JSON, SHAPE),
    };
    for (name, text) in texts {
        let ask = ask.clone().bytes(text);
        tally.refused(world, &of.id, name, &ask, 400, broken).await;
    }
    let ask = ask.clone().bytes(b"[".repeat(100_000));
    tally
        .refused(world, &of.id, "nested without end", &ask, 400, deep)
        .await;
}

/// Fields that are unknown, missing, or of no shape, as the schema has it.
async fn fields(world: &World, of: &Operation, body: &BodyOf, ask: &Ask, tally: &mut Tally) {
    let schema = spec().resolve(&body.schema);
    let good = ask.value();
    assert!(spec().fits(&body.schema, &good), "the row of `{}`", of.id);
    let mut wrong = vec![(
        "an unknown field".to_owned(),
        set(&good, "surprise", json!(1)),
    )];
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        let mut value = good.clone();
        value.as_object_mut().unwrap().remove(name);
        wrong.push((format!("without `{name}`"), value));
    }
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(""),
        json!(" x"),
        json!("ä"),
        json!([]),
        json!({}),
        json!("k".repeat(257)),
        json!("x".repeat(3_000)),
    ];
    for name in schema["properties"].as_object().unwrap().keys() {
        for value in &values {
            let body = set(&good, name, value.clone());
            let mut shown = value.to_string();
            shown.truncate(shown.floor_char_boundary(10));
            wrong.push((format!("`{name}` = {shown}"), body));
        }
    }
    for (name, value) in wrong {
        if !spec().fits(&body.schema, &value) {
            let ask = ask.clone().json(&value);
            tally.refused(world, &of.id, &name, &ask, 400, SHAPE).await;
        }
    }
}

fn set(of: &Value, name: &str, value: Value) -> Value {
    let mut of = of.clone();
    of[name] = value;
    of
}
