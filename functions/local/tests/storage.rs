//! A full disk, a directory that cannot be written, data of another version: said clearly, and what
//! was stored stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, tenacious};
use serde_json::json;

#[test]
fn a_full_disk_stops_the_process_and_loses_nothing() {
    let mut place = Place::new();
    place.write(
        "w.json",
        line(&[
            ("small", "prompt", tenacious("Hi.")),
            ("large", "prompt", tenacious("Go.")),
        ])
        .to_string(),
    );
    place.write("first.json", line(&[]).to_string());
    place
        .lattice(&["run", "first.json"])
        .says(0, &["completed"]);
    let large = json!({"stages": {"large": [{"text": "x".repeat(600_000)}]}});
    place.write("s.json", large.to_string());
    let used = std::fs::metadata(place.path(".lattice/lattice.db"))
        .unwrap()
        .len();
    place.set("LATTICE_DATA_BYTES_MAX", &(used + 200_000).to_string());
    let done = place.lattice(&["run", "w.json", "--script", "s.json"]);
    done.says(1, &["✓ small"]);
    done.fails(
        1,
        &[
            "error: the local store is full",
            "help: free some space and run `lattice resume`",
        ],
    );

    place.set("LATTICE_DATA_BYTES_MAX", "");
    place
        .lattice(&["resume", "--script", "s.json"])
        .says(0, &["✓ large", "completed in"]);
    assert_eq!(
        place
            .lattice(&["runs", "--json", "--status", "completed"])
            .records()
            .len(),
        2
    );
}

#[test]
fn a_directory_that_cannot_be_used_is_named_with_a_remedy() {
    let place = Place::new();
    place.write("w.json", line(&[]).to_string());
    for dir in ["/sys/lattice-data", "w.json", "w.json/data"] {
        let done = place.lattice(&["run", "w.json", "--data", dir]);
        done.fails(1, &[&format!("`{dir}`"), "help: check "]);
    }
}

#[test]
fn data_of_a_newer_build_is_left_alone() {
    let place = Place::new();
    place.write("w.json", line(&[]).to_string());
    place.lattice(&["run", "w.json"]).says(0, &["completed"]);
    let database = rusqlite::Connection::open(place.path(".lattice/lattice.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    for words in [vec!["run", "w.json"], vec!["runs"], vec!["resume"]] {
        place
            .lattice(&words)
            .fails(1, &["version 99", "install a newer `lattice`"]);
    }
    place
        .lattice(&["doctor"])
        .says(1, &["broken", "version 99"]);
}

#[test]
fn a_changed_event_is_found_and_other_runs_are_not_touched() {
    let place = Place::new();
    place.write("w.json", line(&[]).to_string());
    let run = |place: &Place| {
        place.lattice(&["run", "w.json", "--json"]).result()["runId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (broken, sound) = (run(&place), run(&place));
    let database = rusqlite::Connection::open(place.path(".lattice/lattice.db")).unwrap();
    // One letter of the first event, in a place where it stays JSON.
    let changed = database
        .execute(
            "UPDATE commits SET body = CAST(replace(CAST(body AS TEXT), '\"name\":\"W\"', '\"name\":\"V\"') AS BLOB)
             WHERE run = (SELECT min(run) FROM commits) AND first = 1",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    drop(database);
    place
        .lattice(&["events", &broken])
        .fails(1, &["broken hash chain", &broken]);
    place
        .lattice(&["events", &sound])
        .says(0, &["run.completed"]);
}

#[test]
fn data_that_cannot_be_read_is_not_called_empty() {
    let place = Place::new();
    place.write("w.json", line(&[]).to_string());
    for words in [["runs", "--data", "w.json"], ["resume", "--data", "w.json"]] {
        place
            .lattice(&words)
            .fails(1, &["`w.json` cannot be read", "help: check its owner"]);
    }
}

#[test]
fn broken_pages_lead_to_the_doctor() {
    let place = Place::new();
    place.write("w.json", line(&[]).to_string());
    place.lattice(&["run", "w.json"]).says(0, &["completed"]);
    let run = place.newest_run("completed");
    let mut bytes = std::fs::read(place.path(".lattice/lattice.db")).unwrap();
    // The tables of runs and their logs; the schema, which has pages at the end too, stays whole.
    bytes[3 * 4096..16 * 4096].fill(0x5a);
    place.write(".lattice/lattice.db", bytes);
    place.lattice(&["show", &run]).fails(
        1,
        &[
            "broken: database disk image is malformed",
            "help: `lattice doctor` looks closer",
        ],
    );
    let doctor = place.lattice(&["doctor"]);
    doctor.says(1, &["broken  store: SQLite ", "restore a copy"]);
    for line in doctor.out.lines() {
        let words = ["ok ", "look ", "broken ", "     "];
        assert!(words.iter().any(|word| line.starts_with(word)), "{line}");
    }
}
