//! Secrets planted in the input, the prompt, a provider's error and a provider's answer: none of them
//! is found in the data, the output or the logs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Done, Place, line, prompt};
use lattice_model_server::{Behaviour, ModelServer, Options};
use serde_json::json;

/// The unmistakable middle of every planted secret.
fn mark(number: u32) -> String {
    format!("Q7xKp{number}WzR4")
}

/// A token of a shape that everybody knows. Put together here, so that the file holds none.
fn token(number: u32) -> String {
    ["gh", "p_", &mark(number), "a1B2c3D4e5F6g7H8i9J0k1L2m3"]
        .concat()
        .chars()
        .take(40)
        .collect()
}

fn assert_clean(place: &Place, said: &[&Done]) {
    let data = String::from_utf8_lossy(&place.data_bytes()).into_owned();
    assert!(data.contains("run.queued"), "the data is looked at");
    for number in 1..=6 {
        let mark = mark(number);
        assert!(!data.contains(&mark), "canary {number} is stored");
        for done in said {
            assert!(
                !done.out.contains(&mark),
                "canary {number} is in the output: {}",
                done.out
            );
            assert!(
                !done.err.contains(&mark),
                "canary {number} is in the log: {}",
                done.err
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_survives() {
    let server = ModelServer::start(Options::default()).await.unwrap();
    let error = json!({"error": {"message": format!("bad key {}", token(4)), "code": "x"}});
    server.script([
        Behaviour::Text(format!(
            "the token is {} and the shop is {}",
            token(3),
            mark(2)
        )),
        Behaviour::Text("fine".to_owned()),
        Behaviour::Status(400, vec![], error.to_string()),
    ]);
    let mut place = Place::with_server(&server.base_url());
    // A declared secret has no shape: it is known by its value alone.
    place.set("LATTICE_SECRET_SHOP", &mark(2));
    place.set("OPENAI_API_KEY", &format!("sk-{}", mark(5)));
    place.set("LATTICE_LOG", "trace");
    let workflow = line(&[
        (
            "draft",
            "prompt",
            prompt("Use {{secret.SHOP}} for {{in.text}}."),
        ),
        ("again", "prompt", prompt("{{nodes.draft.output}}")),
        ("fails", "prompt", prompt("Hi.")),
    ]);
    place.write("w.json", workflow.to_string());
    let input =
        json!({"text": format!("my token is {}", token(1)), "password": mark(6)}).to_string();
    let words = ["run", "w.json", "--input", &input];
    let run = tokio::task::block_in_place(|| place.lattice(&words));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("[redacted"), "{}", run.out);
    let asked = server.seen();
    assert!(
        asked[0].body.to_string().contains(&mark(2)),
        "the provider gets the secret itself"
    );

    tokio::task::block_in_place(|| {
        let id = place.newest_run("failed");
        let shown = place.lattice(&["show", &id, "--json"]);
        let events = place.lattice(&["events", &id, "--json"]);
        assert!(
            events.out.contains("{{secret.SHOP}}"),
            "references stay: {}",
            events.out
        );
        assert_clean(
            &place,
            &[&run, &shown, &events, &place.lattice(&["doctor"])],
        );
    });
}

#[test]
fn answers_and_mistakes_are_redacted_too() {
    let place = Place::new();
    let free = json!({"questionText": "Why?", "freeText": true});
    place.write(
        "w.json",
        line(&[("why", "askUserQuestion", free)]).to_string(),
    );
    let mistake = place.lattice(&["run", "w.json", "--answer", &format!("{}=x", token(1))]);
    assert_eq!(mistake.code, Some(1));
    let ended = place.lattice(&["run", "w.json"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let run = place.newest_run("waiting");
    let signal = place.lattice(&["signal", &run, "why", &format!("because {}", token(2))]);
    assert_eq!(signal.code, Some(0), "{signal:?}");
    let resumed = place.lattice(&["resume"]);
    resumed.says(0, &["[redacted"]);
    assert_clean(&place, &[&mistake, &ended, &signal, &resumed]);
}
