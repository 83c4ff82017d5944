//! What only reads: `compile`, `events`, `runs`, `show`, `workflows`, `nodes`, `doctor`; and the
//! manual page of the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use lattice_model_server::{Behaviour, ModelServer, Options};
use serde_json::{Value, json};

fn place_with_a_run() -> (Place, String) {
    let place = Place::new();
    let mut workflow = line(&[
        ("draft", "prompt", prompt("About {{in.topic}}.")),
        (
            "keep",
            "variableStore",
            json!({"operation": "set", "scope": "workflow", "variableName": "note", "value": "{{nodes.draft.output}}"}),
        ),
    ]);
    workflow["settings"] = json!({"variables": {"note": "none"}});
    place.write("w.json", workflow.to_string());
    let done = place.lattice(&["run", "w.json", "--input", r#"{"topic": "rain"}"#, "--json"]);
    let run = done.result()["runId"].as_str().unwrap().to_owned();
    (place, run)
}

#[test]
fn compile_says_that_a_workflow_is_ready_and_shows_its_program() {
    let (place, _) = place_with_a_run();
    place
        .lattice(&["compile", "w.json"])
        .says(0, &["`w.json` is ready to run: 3 ops"]);
    place
        .lattice(&["compile", "w.json", "--emit", "ir"])
        .says(0, &["program w entry %0", "%0 draft = call"]);
    let object = place
        .lattice(&["compile", "w.json", "--emit", "ir", "--json"])
        .result();
    assert_eq!(
        (&object["ok"], &object["workflow"]),
        (&json!(true), &json!("w"))
    );
    assert_eq!(object["ir"]["ops"].as_array().unwrap().len(), 3);
    assert_eq!(object["program"].as_str().unwrap().len(), 64);
}

#[test]
fn events_begin_where_they_are_asked_to() {
    let (place, run) = place_with_a_run();
    let all = place.lattice(&["events", &run, "--json"]).records();
    let part = place
        .lattice(&["events", &run, "--from", "4", "--json", "--follow"])
        .records();
    assert_eq!(part, all[3..]);
    place
        .lattice(&["events", &run])
        .says(0, &["    1  20", "run.queued", "run.completed"]);
}

#[test]
fn runs_are_listed_newest_first_and_by_status() {
    let (place, first) = place_with_a_run();
    let again = place.lattice(&["run", "w.json", "--input", r#"{"topic": "sun"}"#, "--json"]);
    let second = again.result()["runId"].as_str().unwrap().to_owned();
    let listed = place.lattice(&["runs", "--json"]).records();
    let ids: Vec<&Value> = listed.iter().map(|row| &row["runId"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)]);
    assert_eq!(
        (&listed[0]["status"], &listed[0]["workflow"]),
        (&json!("completed"), &json!("w"))
    );
    place
        .lattice(&["runs"])
        .says(0, &[&first, &second, "completed"]);
    place
        .lattice(&["runs", "--status", "failed"])
        .says(0, &["no run is failed"]);
    let stored = place.lattice(&["workflows", "--json"]).records();
    assert_eq!((stored.len(), &stored[0]["workflow"]), (1, &json!("w")));
    place.lattice(&["workflows"]).says(0, &["w  ", "W"]);
}

#[test]
fn show_tells_how_a_run_stands_and_stood() {
    let (place, run) = place_with_a_run();
    place.lattice(&["show", &run]).says(
        0,
        &["completed at event", "vars.note", "nodes.draft", "output"],
    );
    let now = place.lattice(&["show", &run, "--json"]).result();
    assert_eq!(now["variables"]["note"], now["outputs"]["draft"]);
    assert_eq!(now["input"], json!({"topic": "rain"}));
    let before = place
        .lattice(&["show", &run, "--at", "1", "--json"])
        .result();
    assert_eq!(
        (&before["status"], &before["variables"]["note"]),
        (&json!("queued"), &json!("none"))
    );
    assert_eq!(before["output"], Value::Null);
    let last = now["seq"].as_u64().unwrap();
    let beyond = (last + 1).to_string();
    place
        .lattice(&["show", &run, "--at", &beyond])
        .fails(1, &[&format!("the last one is {last}")]);
}

#[test]
fn nodes_says_what_works_and_what_is_to_come() {
    let place = Place::new();
    let records = place.lattice(&["nodes", "--json"]).records();
    let status =
        |name: &str| records.iter().find(|row| row["type"] == name).unwrap()["status"].clone();
    assert_eq!(
        (status("prompt"), status("subAgent")),
        (json!("works"), json!("notYet"))
    );
    place
        .lattice(&["nodes"])
        .says(0, &["prompt", "works", "not yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_the_provider() {
    let server = ModelServer::start(Options::default()).await.unwrap();
    let mut place = Place::with_server(&server.base_url());
    let up = tokio::task::block_in_place(|| place.lattice(&["doctor", "--json"]));
    let provider: Vec<Value> = up
        .records()
        .into_iter()
        .filter(|row| row["check"] == "provider")
        .collect();
    assert!(
        provider.iter().all(|row| row["status"] != "broken"),
        "{provider:?}"
    );
    assert!(
        provider
            .iter()
            .any(|row| row["text"].as_str().unwrap().contains("/models")),
        "{provider:?}"
    );
    // The test server is asked for the class that is set; the other two are said to be missing.
    assert!(up.out.contains("LATTICE_MODEL_SMALL"), "{}", up.out);
    server.script([Behaviour::Made]);

    place.set("LATTICE_BASE_URL", "http://127.0.0.1:9/v1");
    let down = tokio::task::block_in_place(|| place.lattice(&["doctor"]));
    down.says(
        1,
        &[
            "broken",
            "`http://127.0.0.1:9/v1/models` cannot be reached",
            "`LATTICE_BASE_URL`",
        ],
    );
}

#[test]
fn doctor_finds_a_secret_that_is_not_set() {
    let mut place = Place::new();
    place
        .lattice(&["doctor"])
        .says(0, &["`.lattice` will be made by the first run"]);
    place.write(
        "w.json",
        line(&[("draft", "prompt", prompt("Use {{secret.SHOP}}."))]).to_string(),
    );
    place.lattice(&["run", "w.json"]).says(0, &["completed"]);
    place
        .lattice(&["doctor"])
        .says(1, &["`w` needs the secret `SHOP`", "`LATTICE_SECRET_SHOP`"]);
    place.set("LATTICE_SECRET_SHOP", "something-else");
    place
        .lattice(&["doctor"])
        .says(0, &["ok", "SQLite finds nothing wrong", "is free"]);
    std::fs::write(
        place.path(".lattice/lattice.db"),
        "not a database at all, but long enough",
    )
    .unwrap();
    place.lattice(&["doctor"]).says(1, &["broken", "SQLite"]);
}

#[cfg(not(feature = "aws"))]
#[test]
fn doctor_says_which_build_looks_at_a_stack() {
    let texts = [
        "cannot look at the stack `agent-lattice-dev`",
        "help: build one that can: `cargo build --release --features aws`",
    ];
    Place::new()
        .lattice(&["doctor", "--stack", "agent-lattice-dev"])
        .fails(1, &texts);
}

#[test]
fn the_manual_names_every_command_and_every_exit_code() {
    let place = Place::new();
    let manual =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap();
    let help = place.lattice(&["--help"]).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let words: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert!(words.len() >= 11, "{words:?}");
    for word in &words {
        assert!(
            manual.contains(&format!("\n## `lattice {word}`\n")),
            "`{word}` is not in docs/cli.md"
        );
        let own = place.lattice(&[word, "--help"]).out;
        assert!(
            own.contains("Example:\n  lattice "),
            "`{word} --help` has no example"
        );
        for flag in own.split_whitespace().filter(|text| text.starts_with("--")) {
            let flag =
                flag.trim_matches(|letter: char| !letter.is_ascii_alphabetic() && letter != '-');
            assert!(
                manual.contains(flag) || flag == "--help",
                "`{word} {flag}` is not in docs/cli.md"
            );
        }
    }
    let run = place.lattice(&["run", "--help"]).out;
    for code in ["0", "1", "2", "3", "130", "143"] {
        assert!(
            run.lines()
                .any(|line| line.trim_start().starts_with(&format!("{code} "))),
            "{code}: {run}"
        );
        assert!(
            manual.contains(&format!("| {code} |")),
            "{code} is not in docs/cli.md"
        );
    }
}

#[test]
fn places_outside_of_the_log_are_named() {
    let (place, run) = place_with_a_run();
    place
        .lattice(&["show", &run, "--at", "0"])
        .fails(1, &["there is no event 0", "help: name a later event"]);
    let done = place.lattice(&["events", &run, "--from", "99"]);
    done.fails(0, &[&format!("the log of `{run}` ends at event ")]);
    assert_eq!(done.out, "");
    place.lattice(&["show", "run_1"]).fails(
        1,
        &["`run_1` is not a run id", "help: `lattice runs` lists"],
    );
}
