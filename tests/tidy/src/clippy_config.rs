//! Pure crates share one clippy.toml, obey the workspace's lints and switch no wall off unexplained.

use crate::purity::PURE;
use crate::repo::{File, files_ending, report, text};

const MODEL: &str = "shared/model/clippy.toml";

#[test]
fn pure_crates_have_one_clippy_file() {
    let shared = text("clippy.toml");
    let model = text(MODEL);
    let mut found = Vec::new();
    if !model.starts_with(&shared) {
        found.push(format!(
            "`{MODEL}` does not begin with the lines of `clippy.toml`"
        ));
    }
    for name in PURE {
        let path = format!("shared/{name}/clippy.toml");
        if text(&path) != model {
            found.push(format!("`{path}` is not equal to `{MODEL}`"));
        }
    }
    report("clippy.toml of the pure crates:", &found);
}

#[test]
fn the_clippy_file_refuses_clock_environment_threads_and_files() {
    let model = text(MODEL);
    let wanted = [
        "std::time::SystemTime::now",
        "std::time::Instant::now",
        "std::env::var",
        "std::env::vars",
        "std::env::args",
        "std::thread::spawn",
        "std::thread::sleep",
        "std::fs::read",
        "std::fs::write",
        "std::collections::HashMap",
        "std::collections::HashSet",
    ];
    let missing: Vec<String> = wanted
        .iter()
        .filter(|path| !model.contains(&format!("path = \"{path}\"")))
        .map(|path| format!("`{path}` is not refused"))
        .collect();
    report(MODEL, &missing);
}

/// The refusing lints are on by default in clippy's `style`, which `all` sets to warn.
#[test]
fn the_lints_are_on_in_every_crate() {
    let mut found = Vec::new();
    if !text("Cargo.toml").contains("\nall = { level = \"warn\", priority = -1 }\n") {
        found.push("`Cargo.toml` does not set clippy's `all` to warn".to_owned());
    }
    for manifest in files_ending("toml") {
        let is_member = manifest.path.ends_with("/Cargo.toml");
        if is_member && !manifest.text.contains("[lints]\nworkspace = true\n") {
            found.push(format!(
                "`{}` does not take the workspace's lints",
                manifest.path
            ));
        }
    }
    report("lints:", &found);
}

/// `#[allow(clippy::disallowed_types, reason = "...")]` on one item is fine; without a reason, or
/// for a whole file outside tests, it is a hole in the wall.
fn holes(file: &File) -> Vec<String> {
    let is_test_file = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    let code = match file.text.find("#[cfg(test)]") {
        Some(at) => &file.text[..at],
        None if is_test_file => "",
        None => &file.text,
    };
    code.match_indices("clippy::disallowed_")
        .filter(|(at, _)| {
            let attribute = code[..*at].rfind("#").map_or("", |start| &code[start..]);
            let attribute = attribute.split(']').next().unwrap_or_default();
            attribute.starts_with("#!") || !attribute.contains("reason = \"")
        })
        .map(|(at, _)| {
            let line = code[..at].lines().count();
            format!("{}:{line}: give one item and a `reason`", file.path)
        })
        .collect()
}

#[test]
fn no_wall_is_switched_off_unexplained() {
    let is_pure = |file: &File| {
        PURE.iter()
            .any(|name| file.path.starts_with(&format!("shared/{name}/")))
    };
    let files = files_ending("rs");
    let found: Vec<String> = files
        .iter()
        .filter(|f| is_pure(f))
        .flat_map(holes)
        .collect();
    report("a pure crate allows what its clippy.toml refuses:", &found);
}

#[test]
fn a_hole_is_noticed() {
    let found = |text: &str| {
        let (path, text) = ("shared/x/src/lib.rs".to_owned(), text.to_owned());
        holes(&File { path, text }).len()
    };
    assert_eq!(
        found("//! x\n#![allow(clippy::disallowed_types, reason = \"x\")]\n"),
        1
    );
    assert_eq!(
        found("#[allow(clippy::disallowed_methods)]\nfn f() {}\n"),
        1
    );
    assert_eq!(
        found("#[allow(clippy::disallowed_types, reason = \"cel wants it\")]\n"),
        0
    );
    assert_eq!(
        found("#[cfg(test)]\nmod tests {\n#![allow(clippy::disallowed_types)]\n}\n"),
        0
    );
}
