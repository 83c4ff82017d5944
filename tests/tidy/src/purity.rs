//! No runtime, network, database or source of randomness is in the tree of a pure crate.

use crate::repo::{cargo, report};

/// The crates that decide and never perform.
pub const PURE: &[&str] = &[
    "model", "document", "expr", "journal", "policy", "schedule", "ir", "wire", "engine", "nodes",
    "webhook", "compiler", "export", "import",
];

/// Not pure, but run under the simulator, which schedules them itself.
const SCHEDULED: &[&str] = &["ports", "driver"];

/// What none of them may bring in.
const REFUSED: &[&str] = &[
    // runtimes and threads
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-std",
    "crossbeam-channel",
    "mio",
    "polling",
    "rayon",
    "smol",
    "threadpool",
    "tokio",
    // network
    "aws-config",
    "aws-smithy-runtime",
    "axum",
    "curl",
    "h2",
    "hyper",
    "hyper-util",
    "isahc",
    "native-tls",
    "openssl",
    "quinn",
    "reqwest",
    "rustls",
    "socket2",
    "ureq",
    // databases and files
    "diesel",
    "libsqlite3-sys",
    "redb",
    "rocksdb",
    "rusqlite",
    "sled",
    "sqlx",
    "tempfile",
    // randomness
    "fastrand",
    "getrandom",
    "oorandom",
    "rand",
    "rand_core",
];

/// A refused crate, the crate that may bring it in all the same, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "getrandom",
    "ahash",
    "seeds the hash tables that jsonschema keeps for itself; no result depends on their order",
)];

/// `(user, used)` for every edge of the normal dependency tree of `lattice-{name}`.
fn edges(name: &str) -> Vec<(String, String)> {
    let package = format!("lattice-{name}");
    parse_tree(&cargo(&[
        "tree",
        "--locked",
        "--quiet",
        "--package",
        &package,
        "--edges",
        "normal",
        "--prefix",
        "depth",
    ]))
}

/// Reads lines like `2ahash v0.8.12`: the depth, then the crate.
fn parse_tree(tree: &str) -> Vec<(String, String)> {
    let mut path: Vec<&str> = Vec::new();
    let mut edges = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let depth: usize = line[..line.len() - rest.len()].parse().expect("a depth");
        let name = rest.split(' ').next().expect("a name");
        path.truncate(depth);
        if let Some(user) = path.last() {
            edges.push(((*user).to_owned(), name.to_owned()));
        }
        path.push(name);
    }
    edges
}

fn complaints(root: &str, edges: &[(String, String)]) -> Vec<String> {
    let excepted = |user: &str, used: &str| {
        EXCEPTIONS
            .iter()
            .any(|(refused, by, _)| *refused == used && *by == user)
    };
    edges
        .iter()
        .filter(|(_, used)| REFUSED.contains(&used.as_str()))
        .filter(|(user, used)| !excepted(user, used))
        .map(|(user, used)| format!("`lattice-{root}` gets `{used}` through `{user}`"))
        .collect()
}

#[test]
fn pure_crates_bring_no_io_and_no_randomness() {
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for name in PURE.iter().chain(SCHEDULED) {
        let edges = edges(name);
        assert!(
            !edges.is_empty(),
            "`lattice-{name}` has no dependencies: is the tree read?"
        );
        found.extend(complaints(name, &edges));
        seen.extend(edges);
    }
    for (refused, by, _) in EXCEPTIONS {
        if !seen
            .iter()
            .any(|(user, used)| user == by && used == refused)
        {
            found.push(format!(
                "the exception for `{refused}` through `{by}` is not needed"
            ));
        }
    }
    report(
        "the tree of a pure crate (tests/tidy/src/purity.rs):",
        &found,
    );
}

#[test]
fn a_refused_crate_is_noticed_at_any_depth() {
    let tree = "0lattice-x v0.1.0 (/x)\n1ahash v0.8.0\n2getrandom v0.3.0\n1serde v1.0.0\n2tokio v1.0.0 (*)\n1getrandom v0.3.0\n";
    let found = complaints("x", &parse_tree(tree));
    let expected = [
        "`lattice-x` gets `tokio` through `serde`",
        "`lattice-x` gets `getrandom` through `lattice-x`",
    ];
    assert_eq!(found, expected);
}
