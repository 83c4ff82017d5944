//! A start key stands for one run, whoever starts it again and with what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt, question};
use serde_json::json;

#[test]
fn the_same_key_gives_the_same_run() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", prompt("Hi."))]).to_string(),
    );
    let run = || {
        let done = place.lattice(&["run", "w.json", "--key", "once", "--json"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        done.result()
    };
    let (first, second) = (run(), run());
    assert_eq!(
        (&first["runId"], &first["output"]),
        (&second["runId"], &second["output"])
    );
    assert_eq!(place.lattice(&["runs", "--json"]).records().len(), 1);
}

#[test]
fn a_key_stands_for_one_workflow_and_takes_answers_later() {
    let place = Place::new();
    let workflow = line(&[("ask", "askUserQuestion", question())]);
    place.write("w.json", workflow.to_string());
    let keyed = ["run", "w.json", "--key", "k"];
    assert_eq!(place.lattice(&keyed).code, Some(3));
    let run = place.newest_run("waiting");

    let mut other = workflow.clone();
    other["id"] = json!("other");
    place.write("other.json", other.to_string());
    place.lattice(&["run", "other.json", "--key", "k"]).fails(
        1,
        &[
            &format!(
                "the key belongs to run `{run}`, which was started with another workflow or input"
            ),
            "choose a fresh key",
        ],
    );

    let other = ["run", "w.json", "--key", "k", "--input", r#"{"other": 1}"#];
    place
        .lattice(&other)
        .fails(1, &["another workflow or input", "choose a fresh key"]);

    let mut newer = workflow;
    newer["nodes"][1]["settings"]["questionText"] = json!("Now?");
    place.write("w.json", newer.to_string());
    let words = ["run", "w.json", "--key", "k", "--answer", "ask=Send"];
    let done = place.lattice(&words);
    done.says(
        0,
        &[
            "started under this key before",
            "answered by --answer: Send",
        ],
    );
    done.fails(0, &["a run of another version of `w`"]);
}
