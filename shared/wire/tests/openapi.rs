//! `docs/openapi.json` is the generated file, and what it says of events is true of every sample.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use lattice_wire::{ROUTES, openapi};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_file_in_docs_is_the_generated_one() {
    let path = root().join("docs/openapi.json");
    let generated = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        generated,
        kept,
        "{}: run with UPDATE_EXPECT=1",
        path.display()
    );
}

#[test]
fn the_file_has_every_route_and_every_reference_leads_somewhere() {
    let file = openapi();
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        assert_eq!(file["paths"][route.path][method]["operationId"], route.id);
    }
    let text = file.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(file.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn every_sample_of_an_event_fits_the_schema() {
    let mut schema = json!({ "$ref": "#/components/schemas/Event" });
    schema["components"] = openapi()["components"].take();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("events/v1")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let sample: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&sample)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} samples were read");
    let stranger = json!({"eventVersion": 1, "runId": "run_x", "seq": 0, "timestamp": "", "type": "x", "payload": {}});
    assert!(!validator.is_valid(&stranger));
}
