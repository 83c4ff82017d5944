//! `run` and `resume`: what they do, say and return.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt, question};
use serde_json::{Value, json};

#[test]
fn a_run_shows_its_stages_and_its_output_and_ends_with_one_line() {
    let place = Place::new();
    let mut workflow = line(&[
        ("draft", "prompt", prompt("Write about {{in.topic}}.")),
        (
            "rest",
            "delay",
            json!({"delayType": "duration", "duration": 20, "unit": "milliseconds"}),
        ),
    ]);
    workflow["nodes"][3]["settings"] = json!({"output": "{{nodes.draft.output}}"});
    place.write("w.json", workflow.to_string());
    let done = place.lattice(&["run", "w.json", "--input", r#"{"topic": "rain"}"#]);
    done.says(0, &["✓ draft", "prompt", "tokens", "waits 20 ms", "✓ end"]);
    let last = done.out.lines().last().unwrap();
    assert!(
        last.starts_with("run_") && last.contains(" completed in ") && last.ends_with(" tokens")
    );
    assert!(!done.out.contains('\u{1b}'), "no colours for a pipe");
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    assert!(
        done.err.contains("mock") && done.err.contains("`LATTICE_PROVIDER`"),
        "{}",
        done.err
    );
}

#[test]
fn json_gives_the_events_as_stored_and_the_result_last() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", prompt("Hi."))]).to_string(),
    );
    let done = place.lattice(&["run", "w.json", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let records = done.records();
    let (result, events) = records.split_last().unwrap();
    assert_eq!(result["status"], "completed");
    assert!(
        result["durationMs"].is_u64() && result["tokens"].as_u64() > Some(0),
        "{result}"
    );
    assert!(
        result["output"]
            .as_str()
            .is_some_and(|text| text.contains("Hi.")),
        "{result}"
    );
    let run = result["runId"].as_str().unwrap();
    let stored = place.lattice(&["events", run, "--json"]);
    let printed: Vec<&str> = done.out.lines().take(events.len()).collect();
    assert_eq!(printed, stored.out.lines().collect::<Vec<_>>());
    for (seq, event) in (1..).zip(events) {
        assert_eq!(event["seq"], seq);
    }
}

#[test]
fn a_question_ends_the_process_with_3_and_says_how_to_answer() {
    let place = Place::new();
    let workflow = line(&[
        ("ask", "askUserQuestion", question()),
        ("send", "prompt", prompt("Go.")),
    ]);
    place.write("w.json", workflow.to_string());
    let done = place.lattice(&["run", "w.json"]);
    done.says(
        3,
        &[
            "? ask",
            "Send it?",
            "1  Send",
            "2  Drop it",
            " waits for a person ",
        ],
    );
    let run = place.newest_run("waiting");
    done.says(
        3,
        &[
            &format!("lattice signal {run} ask Send"),
            &format!("lattice resume {run}"),
        ],
    );

    // Still nobody has answered.
    assert_eq!(place.lattice(&["resume"]).code, Some(3));
    let wrong = place.lattice(&["signal", &run, "ask", "Maybe"]);
    wrong.fails(1, &["`Maybe` is not an option", "`Send`, `Drop it`"]);
    place
        .lattice(&["signal", &run, "nobody", "Send"])
        .fails(1, &["`nobody`", "these nodes ask: `ask`"]);
    place
        .lattice(&["signal", &run, "ask", "Send"])
        .says(0, &["stored", &format!("lattice resume {run}")]);
    let done = place.lattice(&["resume", &run, "--json"]);
    assert_eq!(
        (done.code, &done.result()["status"]),
        (Some(0), &json!("completed")),
        "{done:?}"
    );

    // The run is over, and so is its question.
    place
        .lattice(&["signal", &run, "ask", "Send"])
        .fails(1, &["is over (completed)"]);
    place.lattice(&["resume", &run]).says(0, &["completed in"]);
    place
        .lattice(&["resume"])
        .says(0, &["no run is unfinished"]);
}

#[test]
fn an_answer_to_an_old_question_is_refused() {
    let place = Place::new();
    let asks = || ("askUserQuestion", question());
    let (first, second) = (asks(), asks());
    let nodes = [("first", first.0, first.1), ("second", second.0, second.1)];
    place.write("w.json", line(&nodes).to_string());
    assert_eq!(
        place
            .lattice(&["run", "w.json", "--answer", "first=Send"])
            .code,
        Some(3)
    );
    let run = place.newest_run("waiting");
    let late = place.lattice(&["signal", &run, "first", "Drop it"]);
    late.fails(1, &["the question of node `first` is over", "lattice show"]);
    // One that is not open yet is kept.
    assert_eq!(
        place.lattice(&["signal", &run, "second", "Send"]).code,
        Some(0)
    );
    place
        .lattice(&["resume"])
        .says(0, &["✓ second", "completed in"]);
}

#[test]
fn answers_can_be_given_beforehand() {
    let place = Place::new();
    let many = json!({"questionText": "Which?", "multiSelect": true, "options": [{"label": "A"}, {"label": "B"}]});
    let free = json!({"questionText": "Why?", "freeText": true});
    let workflow = line(&[
        ("ask", "askUserQuestion", question()),
        ("which", "askUserQuestion", many),
        ("why", "askUserQuestion", free),
    ]);
    place.write("w.json", workflow.to_string());
    let words = [
        "run",
        "w.json",
        "--json",
        "--answer",
        "ask=1",
        "--answer",
        r#"which=["B","A"]"#,
        "--answer",
        "why=7 = 7",
    ];
    let done = place.lattice(&words);
    assert_eq!(done.code, Some(0), "{done:?}");
    let run = done.result()["runId"].as_str().unwrap().to_owned();
    let shown: Value = serde_json::from_str(&place.lattice(&["show", &run, "--json"]).out).unwrap();
    assert_eq!(shown["outputs"]["ask"]["label"], "Send");
    assert_eq!(shown["outputs"]["which"]["labels"], json!(["A", "B"]));
    assert_eq!(shown["outputs"]["why"]["text"], "7 = 7");
}

#[test]
fn an_answer_that_cannot_be_taken_starts_nothing() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("ask", "askUserQuestion", question())]).to_string(),
    );
    for (answer, said) in [
        (
            "ask=Maybe",
            "`Maybe` is not an option; expected `Send`, `Drop it`",
        ),
        ("draft=Send", "node `draft` asks no question"),
        ("Send", "write `--answer NODE=OPTION`"),
    ] {
        place
            .lattice(&["run", "w.json", "--answer", answer])
            .fails(1, &[said]);
    }
    let twice = [
        "run",
        "w.json",
        "--answer",
        "ask=Send",
        "--answer",
        "ask=Drop it",
    ];
    place
        .lattice(&twice)
        .fails(1, &["two answers to node `ask`"]);
    assert!(!place.path(".lattice").exists());
}

#[test]
fn a_question_with_little_time_is_waited_for() {
    let place = Place::new();
    let mut asks = question();
    asks["timeoutMs"] = json!(50);
    place.write(
        "w.json",
        line(&[("ask", "askUserQuestion", asks)]).to_string(),
    );
    place
        .lattice(&["run", "w.json"])
        .says(0, &["    within ", " ms: lattice signal ", "-> timeout"]);
}

#[test]
fn files_beside_the_workflow_are_its_input_and_its_answers() {
    let place = Place::new();
    let mut workflow = line(&[("draft", "prompt", prompt("About {{in.topic}}."))]);
    workflow["input"] = json!({"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]});
    place.write("w.json", workflow.to_string());
    place
        .lattice(&["run", "w.json"])
        .fails(1, &["needs input: `topic`", "lattice run w.json --input"]);
    place.write("w.input.json", r#"{"topic": "rain"}"#);
    place.write(
        "w.mock.json",
        r#"{"stages": {"draft": [{"when": "rain", "text": "It rains."}]}}"#,
    );
    let done = place.lattice(&["run", "w.json"]);
    done.says(0, &["It rains."]);
    done.fails(
        0,
        &["input: `w.input.json`", "mock, answers from `w.mock.json`"],
    );
    // What is typed goes first.
    place.write("other.json", r#"{"stages": {"*": [{"text": "Dry."}]}}"#);
    let words = [
        "run",
        "w.json",
        "--input",
        r#"{"topic": "sun"}"#,
        "--script",
        "other.json",
    ];
    place.lattice(&words).says(0, &["Dry."]);
}

#[test]
fn a_failure_names_its_node_and_a_retry_is_shown() {
    let place = Place::new();
    let settings = json!({"prompt": "Hi.", "maxAttempts": 2});
    place.write("w.json", line(&[("draft", "prompt", settings)]).to_string());
    let script = r#"{"stages": {"draft": [{"fault": "rate_limit", "times": 1, "retryAfterMs": 10, "text": "at last"}]}}"#;
    place.write("s.json", script);
    place
        .lattice(&["run", "w.json", "--script", "s.json"])
        .says(0, &["↻ draft", "attempt 1 failed: rate_limit", "at last"]);
    place.write("s.json", r#"{"stages": {"draft": [{"fault": "auth"}]}}"#);
    let done = place.lattice(&["run", "w.json", "--script", "s.json"]);
    done.says(1, &["✗ draft", "auth: ", "at node `draft`", " failed in "]);
    let done = place.lattice(&["run", "w.json", "--script", "s.json", "--json"]);
    let result = done.result();
    assert_eq!(
        (done.code, &result["node"]),
        (Some(1), &json!("draft")),
        "{done:?}"
    );
    assert_eq!(
        (&result["status"], &result["failure"]["kind"]),
        (&json!("failed"), &json!("auth"))
    );
}

#[test]
fn a_large_value_comes_back_whole() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", prompt("Hi."))]).to_string(),
    );
    let text = "long ".repeat(10_000);
    place.write(
        "s.json",
        json!({"stages": {"draft": [{"text": text}]}}).to_string(),
    );
    let done = place.lattice(&["run", "w.json", "--script", "s.json", "--json"]);
    assert_eq!(done.result()["output"], json!(text));
}

#[test]
fn helper_stages_say_what_they_are_or_nothing() {
    let place = Place::new();
    let judge = json!({"evaluationTarget": "{{in.text}}", "branches": [
        {"label": "Good", "condition": "It is good."}, {"label": "Bad", "condition": "It is bad."},
    ]});
    let mut workflow = line(&[
        ("kind", "ifElse", judge),
        ("ask", "askUserQuestion", question()),
    ]);
    let edges = workflow["edges"].as_array_mut().unwrap();
    edges[1]["fromPort"] = json!("branch-0");
    edges.push(json!({"id": "no", "from": "kind", "fromPort": "branch-1", "to": "ask"}));
    place.write("w.json", workflow.to_string());
    let words = [
        "run",
        "w.json",
        "--input",
        r#"{"text": "x"}"#,
        "--answer",
        "ask=Send",
    ];
    let done = place.lattice(&words);
    done.says(0, &["✓ kind  ifElse (judge)", "✓ ask   askUserQuestion "]);
    assert!(!done.out.contains("(choice)"), "{}", done.out);
}
