//! Everything that a person can get wrong is answered with what is wrong, where, and what to do; and
//! nothing is written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use lattice_model::limits::INPUT_BYTES_MAX;
use serde_json::{Value, json};

fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut workflow = line(&[("draft", "prompt", prompt("Hi."))]);
    change(&mut workflow);
    workflow.to_string()
}

fn push(workflow: &mut Value, list: &str, item: Value) {
    workflow[list].as_array_mut().unwrap().push(item);
}

fn looped() -> String {
    with(|workflow| {
        push(
            workflow,
            "nodes",
            json!({"id": "again", "type": "ifElse", "settings": {"condition": "in.x == 1"}}),
        );
        workflow["edges"][1]["to"] = json!("again");
        push(
            workflow,
            "edges",
            json!({"id": "t", "from": "again", "fromPort": "true", "to": "draft"}),
        );
        push(
            workflow,
            "edges",
            json!({"id": "f", "from": "again", "fromPort": "false", "to": "end"}),
        );
    })
}

fn conditional(condition: &str) -> String {
    with(|workflow| {
        push(
            workflow,
            "nodes",
            json!({"id": "if", "type": "ifElse", "settings": {"condition": condition}}),
        );
        workflow["edges"][1]["to"] = json!("if");
        push(
            workflow,
            "edges",
            json!({"id": "t", "from": "if", "fromPort": "true", "to": "end"}),
        );
        push(
            workflow,
            "edges",
            json!({"id": "f", "from": "if", "fromPort": "false", "to": "end"}),
        );
    })
}

/// What is wrong, the document, and what must be said about it.
fn documents() -> Vec<(&'static str, String, Vec<&'static str>)> {
    let key = ["gh", "p_", &"aB3dE6".repeat(6)].concat();
    vec![
        (
            "not JSON",
            "{nonsense".to_owned(),
            vec!["LAT-D", "the document", "line 1"],
        ),
        (
            "wrong version",
            with(|w| w["formatVersion"] = json!(99)),
            vec!["/formatVersion", "99", "newer"],
        ),
        (
            "too large",
            " ".repeat(4 * 1024 * 1024 + 1),
            vec!["4194304"],
        ),
        (
            "two starts",
            with(|w| push(w, "nodes", json!({"id": "s2", "type": "start"}))),
            vec!["node `s2`", "/nodes/3", "start"],
        ),
        (
            "unknown type",
            with(|w| w["nodes"][1]["type"] = json!("promt")),
            vec!["node `draft`", "`promt`", "`prompt`"],
        ),
        (
            "a type to come",
            with(|w| w["nodes"][1]["type"] = json!("subAgent")),
            vec!["node `draft`", "not supported yet"],
        ),
        (
            "a loop",
            looped(),
            vec!["`draft`", "`again`", "`maxVisits`"],
        ),
        (
            "a condition",
            conditional("in.x =="),
            vec!["node `if`", "/settings/condition"],
        ),
        (
            "a missing variable",
            with(|w| w["nodes"][1]["settings"]["prompt"] = json!("{{vars.topc}}")),
            vec!["node `draft`", "/nodes/1/settings/prompt", "topc"],
        ),
        (
            "a literal key",
            with(|w| w["nodes"][1]["settings"]["prompt"] = json!(format!("use {key}"))),
            vec!["node `draft`", "{{secret."],
        ),
    ]
}

#[test]
fn a_document_that_cannot_run_is_refused_with_place_and_remedy() {
    for (what, document, said) in documents() {
        let place = Place::new();
        place.write("w.json", &document);
        let done = place.lattice(&["run", "w.json"]);
        done.fails(
            1,
            &[
                "error LAT-",
                "page: docs/problems/LAT-",
                "error: `w.json` cannot be run",
                "help: ",
            ],
        );
        done.fails(1, &said);
        assert!(!place.path(".lattice").exists(), "{what} wrote data");
        assert!(!done.err.contains("aB3dE6"), "{what} is repeated");

        let done = place.lattice(&["compile", "w.json"]);
        done.says(1, &["error LAT-", "page: docs/problems/LAT-"]);
        done.says(1, &said);
        let done = place.lattice(&["compile", "w.json", "--json"]);
        let object = &done.records()[0];
        assert_eq!(
            (done.code, &object["ok"]),
            (Some(1), &json!(false)),
            "{what}"
        );
        let problem = &object["problems"][0];
        assert!(
            problem["code"].is_string() && problem["pointer"].is_string(),
            "{what}: {object}"
        );
    }
}

#[test]
fn problems_are_json_where_json_is_asked_for() {
    let place = Place::new();
    place.write("w.json", with(|w| w["nodes"][1]["type"] = json!("promt")));
    let done = place.lattice(&["run", "w.json", "--json"]);
    assert_eq!((done.code, done.out.as_str()), (Some(1), ""));
    let error: Value = serde_json::from_str(&done.err).unwrap();
    assert!(error["error"].as_str().unwrap().contains("`w.json`"));
    assert!(error["help"].is_string());
    assert_eq!(error["problems"][0]["node"], "draft");
}

#[test]
fn a_file_that_is_none_is_named() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    place.write("latin.json", b"{\"name\": \"caf\xe9\"}");
    place
        .lattice(&["run", "gone.json"])
        .fails(1, &["there is no file `gone.json`", "help: "]);
    place
        .lattice(&["run", "folder"])
        .fails(1, &["`folder` is a directory", "help: "]);
    place.lattice(&["run", "latin.json"]).fails(1, &["UTF-8"]);
}

#[test]
fn four_megabytes_are_not_too_many() {
    let place = Place::new();
    let text = with(|_| {});
    place.write(
        "w.json",
        format!("{text}{}", " ".repeat(4 * 1024 * 1024 - text.len())),
    );
    place
        .lattice(&["compile", "w.json"])
        .says(0, &["is ready to run"]);
}

#[test]
fn a_wrong_input_says_where_and_starts_nothing() {
    let place = Place::new();
    let schema = json!({"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]});
    place.write("w.json", with(|workflow| workflow["input"] = schema));
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let large = format!("\"{}\"", "x".repeat(1024 * 1024 - 1));
    place.write("deep.json", deep);
    place.write("large.json", large);
    for (input, said) in [
        ("{nonsense", "the input is not JSON"),
        (r#"{"count": "many"}"#, "at `/count`"),
        ("[]", "does not fit the workflow"),
        ("@gone.json", "cannot read the input `gone.json`"),
        ("@deep.json", "deeper than 64 levels"),
        ("@large.json", "the limit is 1048576"),
    ] {
        place
            .lattice(&["run", "w.json", "--input", input])
            .fails(1, &[said, "help: "]);
    }
    place
        .lattice(&["run", "w.json"])
        .fails(1, &["needs input: `count`", r#"{"count":1}"#]);
    assert!(!place.path(".lattice").exists());
}

#[test]
fn words_that_nobody_understands_end_with_2() {
    let place = Place::new();
    for words in [
        vec!["dance"],
        vec!["run"],
        vec!["run", "w.json", "--loud"],
        vec!["events", "run_x", "--from", "first"],
        vec!["runs", "--status", "dancing"],
        vec![],
    ] {
        assert_eq!(place.lattice(&words).code, Some(2), "{words:?}");
    }
}

#[test]
fn a_command_that_is_to_come_is_not_there() {
    let place = Place::new();
    let help = place.lattice(&["--help"]).out;
    assert_eq!(place.lattice(&["deploy"]).code, Some(2));
    let is_it = |line: &str| line.trim_start().starts_with("deploy ");
    assert!(!help.lines().any(is_it), "{help}");
}

#[test]
fn settings_that_are_wrong_are_named() {
    let run = |set: &[(&str, &str)], toml: Option<&str>| {
        let mut place = Place::new();
        set.iter().for_each(|(name, value)| place.set(name, value));
        toml.iter()
            .for_each(|text| place.write("lattice.toml", text));
        place.write("w.json", with(|_| {}));
        place.lattice(&["run", "w.json"])
    };
    run(&[("LATTICE_PROVIDER", "gpt")], None).fails(1, &["`gpt`", "help: set `LATTICE_PROVIDER`"]);
    run(&[("LATTICE_PROVIDER", "openai")], None).fails(1, &["`OPENAI_API_KEY`"]);
    run(&[], Some("[provider\n")).fails(1, &["`lattice.toml`"]);
    run(&[("LATTICE_DATA_BYTES_MAX", "lots")], None)
        .fails(1, &["`lots`", "`LATTICE_DATA_BYTES_MAX`"]);
    let toml = "[provider]\nkind = \"mock\"\n";
    run(&[], Some(toml)).fails(0, &["mock"]);
}

#[test]
fn a_run_that_is_not_there_is_named() {
    let place = Place::new();
    place.lattice(&["runs"]).fails(
        1,
        &["`.lattice` holds no data", "help: start a run there first"],
    );
    place
        .lattice(&["resume"])
        .fails(1, &["`.lattice` holds no data"]);
    assert!(!place.path(".lattice").exists(), "looking makes nothing");
    place.write("w.json", with(|_| {}));
    place.lattice(&["run", "w.json"]).says(0, &[]);
    let unknown = "run_00000000000000000000000000";
    for words in [
        vec!["show", unknown],
        vec!["events", unknown],
        vec!["resume", unknown],
        vec!["cancel", unknown],
        vec!["signal", unknown, "ask", "Send"],
    ] {
        place.lattice(&words).fails(
            1,
            &[&format!("there is no run `{unknown}`"), "lattice runs"],
        );
    }
    place
        .lattice(&["show", "run_x"])
        .fails(1, &["`run_x` is not a run id", "lattice runs"]);
}

#[test]
fn an_input_file_may_begin_with_a_mark_and_must_be_text() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", prompt("About {{in.topic}}."))]).to_string(),
    );
    place.write("marked.json", "\u{feff}{\"topic\": \"rain\"}");
    place
        .lattice(&["run", "w.json", "--input", "@marked.json"])
        .says(0, &["completed in"]);
    place.write("wide.json", b"{\"\xff\xfe\": 1}");
    place.write("large.json", vec![b' '; INPUT_BYTES_MAX + 1]);
    for (file, said) in [
        (
            "@wide.json",
            ["is not UTF-8 text at byte 2", "save the file as UTF-8"],
        ),
        (
            "@large.json",
            [
                "is too large, the limit is ",
                "pass a reference to the data",
            ],
        ),
        (
            "@none.json",
            ["cannot read the input `none.json`", "behind the `@`"],
        ),
    ] {
        place
            .lattice(&["run", "w.json", "--input", file])
            .fails(1, &said);
    }
}
