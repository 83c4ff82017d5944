//! What a sub-agent may do after an import it might have done before: the rules of OpenCode, in which the
//! last one that matches counts, against the lists of a document, in which what is denied counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_export::Target;
use lattice_import::import;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is asked for: a tool and what it is used on.
const PROBES: &[(&str, &str)] = &[
    ("bash", "git log x"),
    ("bash", "git push x"),
    ("bash", "rm x"),
    ("edit", "src/a"),
    ("edit", "docs/b"),
    ("read", "src/a"),
    ("read", "docs/b"),
    ("glob", "x"),
    ("grep", "x"),
    ("webfetch", "x"),
    ("websearch", "x"),
    ("task", "x"),
    ("list", "x"),
    ("mystery", "x"),
    ("srv_find", "x"),
    ("srv_go", "x"),
    ("other_x", "x"),
];

/// The tools of documents by the words of OpenCode, written out here once more.
fn word(tool: &str) -> String {
    match tool {
        "Agent" => "task".to_owned(),
        "Edit" | "MultiEdit" | "NotebookEdit" | "Write" => "edit".to_owned(),
        tool => match tool.strip_prefix("mcp__") {
            Some(rest) if rest.contains("__") => rest.replacen("__", "_", 1),
            Some(server) => format!("{server}_*"),
            None => tool.to_ascii_lowercase(),
        },
    }
}

/// Whether a pattern is that of the whole text: `*` stands for any letters, `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let rest = |text: &str| text.get(1..).unwrap_or_default().to_owned();
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), None) => matches(&rest(pattern), text),
        (Some('*'), Some(_)) => matches(&rest(pattern), text) || matches(pattern, &rest(text)),
        (Some('?'), Some(_)) => matches(&rest(pattern), &rest(text)),
        (Some(one), Some(other)) => one == other && matches(&rest(pattern), &rest(text)),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// As OpenCode reads its rules.
fn before(rules: &[(String, Value)], tool: &str, what: &str) -> bool {
    let mut word = "allow".to_owned();
    for (key, rule) in rules.iter().filter(|(key, _)| matches(key, tool)) {
        let _ = key;
        match rule {
            Value::String(said) => word.clone_from(said),
            Value::Array(parts) => {
                for part in parts {
                    if matches(part[0].as_str().unwrap(), what) {
                        word = part[1].as_str().unwrap().to_owned();
                    }
                }
            }
            other => panic!("{other}"),
        }
    }
    word == "allow"
}

/// As a document means its lists.
fn after(settings: &serde_json::Map<String, Value>, tool: &str, what: &str) -> bool {
    let is_hit = |entry: &Value| {
        let entry = entry.as_str().unwrap();
        let (base, part) = match entry.split_once('(') {
            Some((base, part)) => (base, Some(part.trim_end_matches(')').replace(":*", " *"))),
            None => (entry, None),
        };
        matches(&word(base), tool) && part.is_none_or(|part| matches(&part, what))
    };
    let hits = |name: &str| {
        settings
            .get(name)
            .map(|list| list.as_array().unwrap().iter().any(is_hit))
    };
    hits("disallowedTools") != Some(true) && hits("tools").unwrap_or(true)
}

fn said() -> impl Strategy<Value = String> {
    select(vec!["allow", "deny", "ask"]).prop_map(str::to_owned)
}

/// Rules in the order of the file; those for parts as a list of pairs.
fn rules() -> impl Strategy<Value = Vec<(String, Value)>> {
    let key = select(vec![
        "*",
        "bash",
        "edit",
        "read",
        "glob",
        "grep",
        "webfetch",
        "task",
        "srv_*",
        "srv_find",
        "srv_go",
        "web*",
        "list",
        "mystery",
        "doom_loop",
        "*sh",
        "srv_f*",
        "s?v_go",
        "*_go",
        "o*",
    ]);
    let part = select(vec!["*", "git *", "git log *", "rm *", "src/**", "docs/**"]);
    let parts = vec((part, said()), 0..4).prop_map(|parts| {
        let mut seen = BTreeMap::new();
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(part, _)| seen.insert(*part, ()).is_none())
            .collect();
        json!(parts)
    });
    let rule = prop_oneof![3 => said().prop_map(Value::from), 1 => parts];
    // Rules that allow count for little unless the rest is denied.
    let first = select(vec![vec![], vec![("*", json!("deny"))]]);
    (first, vec((key, rule), 0..7)).prop_map(|(first, rules)| {
        let rules = first.into_iter().chain(rules);
        let mut seen = BTreeMap::new();
        let rules = rules.filter(|(key, rule)| {
            seen.insert(*key, ()).is_none() && !(*key == "*" && rule.is_array())
        });
        rules.map(|(key, rule)| (key.to_owned(), rule)).collect()
    })
}

fn file(rules: &[(String, Value)]) -> String {
    let entry = |(key, rule): &(String, Value)| match rule {
        Value::Array(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| format!("{}: {}", part[0], part[1]))
                .collect();
            format!("{}: {{{}}}", json!(key), parts.join(", "))
        }
        word => format!("{}: {word}", json!(key)),
    };
    let rules: Vec<_> = rules.iter().map(entry).collect();
    format!(
        "---\ndescription: d\nmode: subagent\npermission: {{{}}}\n---\nText.\n",
        rules.join(", ")
    )
}

fn settings(rules: &[(String, Value)]) -> Option<serde_json::Map<String, Value>> {
    let files = BTreeMap::from([(".opencode/agents/a.md".to_owned(), file(rules).into_bytes())]);
    match import(&files, Target::OpenCode, "w") {
        Ok(made) => {
            let node = made
                .document
                .nodes
                .into_iter()
                .find(|node| node.kind == "subAgent");
            Some(node.unwrap().settings)
        }
        Err(left) => {
            assert!(!left.is_empty(), "an agent is left out and nothing is said");
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rights_never_get_wider(rules in rules()) {
        let Some(settings) = settings(&rules) else {
            return Ok(());
        };
        for (tool, what) in PROBES {
            let (was, is) = (before(&rules, tool, what), after(&settings, tool, what));
            prop_assert!(was || !is, "{tool} {what}: {rules:?} became {settings:?}");
        }
    }
}

/// What can be said exactly is kept exactly, so that the test above is not met by taking all rights away.
#[test]
fn what_can_be_said_is_kept() {
    let rule = |key: &str, word: Value| (key.to_owned(), word);
    let cases = [
        vec![],
        vec![rule("edit", json!("deny")), rule("bash", json!("deny"))],
        vec![
            rule("*", json!("deny")),
            rule("read", json!("allow")),
            rule("srv_*", json!("allow")),
        ],
        vec![
            rule("*", json!("deny")),
            rule("bash", json!([["*", "deny"], ["git log *", "allow"]])),
        ],
        vec![rule("bash", json!([["*", "allow"], ["rm *", "deny"]]))],
        vec![
            rule("*", json!("deny")),
            rule("edit", json!([["*", "allow"], ["docs/**", "deny"]])),
        ],
        vec![rule("bash", json!("deny")), rule("*", json!("allow"))],
        vec![rule("srv_go", json!("deny"))],
    ];
    for rules in cases {
        let settings = settings(&rules).unwrap();
        for (tool, what) in PROBES {
            let (was, is) = (before(&rules, tool, what), after(&settings, tool, what));
            assert_eq!(was, is, "{tool} {what}: {rules:?} became {settings:?}");
        }
    }
}
