//! Words that must not stand in the repository: unfinished work, and places that exist on one
//! machine only. The words are put together here, so that this file does not hold them itself.

use crate::repo::{File, files, report};
use regex::Regex;

/// Unfinished work in code, and tests that are switched off.
const UNFINISHED: &[&str] = &[
    concat!(r"\bTO", r"DO\b"),
    concat!(r"\bFIX", r"ME\b"),
    concat!(r"\bto", r"do!\s*\("),
    concat!(r"\bunimple", r"mented!\s*\("),
    concat!(r"#\[ig", r"nore\b"),
];

/// Hosts of package registries, which differ between machines, and folders of one machine.
const PLACES: &[&str] = &[
    concat!(r"\bcrates", r"\.io\b"),
    concat!(r"\bpy", r"pi\.org\b"),
    concat!(r"\bpython", r"hosted\.org\b"),
    concat!(r"\bnpm", r"js\.(org|com)\b"),
    concat!(r"\bdeb", r"ian\.org\b"),
    concat!(r"(^|[^\w.~-])/wo", r"rk/"),
    concat!(r"(^|[^\w.~-])/ro", r"ot/"),
];

/// Cargo writes the name of its index into every entry of the lock file.
const PLACES_EXEMPT: &[&str] = &["Cargo.lock"];

const CODE: &[&str] = &[
    "rs", "toml", "yml", "yaml", "sh", "ts", "tsx", "js", "mjs", "css", "html",
];

fn is_code(file: &File) -> bool {
    let extension = file
        .path
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    CODE.contains(&extension) || file.path == ".ci/run"
}

fn complaints(file: &File, patterns: &[&str]) -> Vec<String> {
    let any = Regex::new(&patterns.join("|")).expect("the patterns are right");
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(at, line)| {
            let word = any.find(line)?.as_str().trim();
            Some(format!("{}:{}: `{word}`", file.path, at + 1))
        })
        .collect()
}

#[test]
fn no_code_is_unfinished() {
    let found: Vec<String> = files()
        .iter()
        .filter(|file| is_code(file))
        .flat_map(|file| complaints(file, UNFINISHED))
        .collect();
    report("unfinished work belongs into an issue:", &found);
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    let found: Vec<String> = files()
        .iter()
        .filter(|file| !PLACES_EXEMPT.contains(&file.path.as_str()))
        .flat_map(|file| complaints(file, PLACES))
        .collect();
    report("hosts of registries and folders of one machine:", &found);
}

#[test]
fn a_word_is_noticed_and_its_neighbours_are_not() {
    let count = |patterns, text: &str| {
        let (path, text) = ("x.rs".to_owned(), text.to_owned());
        complaints(&File { path, text }, patterns).len()
    };
    assert_eq!(
        count(
            UNFINISHED,
            concat!("// TO", "DO: x\nto", "do!()\n#[ig", "nore]")
        ),
        3
    );
    assert_eq!(count(UNFINISHED, "todos, METODO, todo = \"warn\""), 0);
    assert_eq!(
        count(
            PLACES,
            concat!("see https://static.crates", ".io/x\n`/wo", "rk/x`")
        ),
        2
    );
    assert_eq!(
        count(PLACES, "a/work/b ./root/x crates, ~/work/x network/"),
        0
    );
}
