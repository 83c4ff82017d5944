//! Secrets, files that are broken, and files that were ours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_export::{Target, export};
use lattice_import::{Files, import};
use serde_json::json;
use support::{files, left, nodes, read, settings};

#[test]
fn secrets_never_stand_in_a_document_or_in_a_message() {
    let key = format!("gh{}_{}", "p", "aB3dE6gH9".repeat(4));
    let server = json!({"mcpServers": {
        "a": {"command": "a", "env": {"GITHUB_TOKEN": key, "API_PASSWORD": "hunter2hunter2"}},
        "b": {"type": "http", "url": "https://b.example.com", "headers": {"Authorization": format!("Bearer {key}")}},
        "c": {"command": "c", "args": ["--token", key]},
        "d": {"type": "http", "url": format!("https://d.example.com/?token={key}")},
    }});
    let agent = format!("---\nname: leaky\ndescription: d\n---\nUse {key} always.\n");
    let skill = format!("---\nname: s\nmetadata: {key}\n{key}: x\n---\nText.\n");
    let made = read(
        Target::ClaudeCode,
        &[
            (".mcp.json", &server.to_string()),
            (".claude/agents/leaky.md", &agent),
            (".claude/skills/s/SKILL.md", &skill),
        ],
    );
    let env = &settings(&made, "a")["server"]["env"];
    assert_eq!(
        *env,
        json!({"GITHUB_TOKEN": "{{secret.GITHUB_TOKEN}}", "API_PASSWORD": "{{secret.API_PASSWORD}}"})
    );
    assert_eq!(
        settings(&made, "b")["server"]["headers"],
        json!({"Authorization": "Bearer {{secret.AUTHORIZATION}}"})
    );
    assert_eq!(nodes(&made), ["start", "s", "a", "b", "end"]);
    let shown = format!(
        "{}{}",
        serde_json::to_string(&made.left).unwrap(),
        lattice_document::write(&made.document)
    );
    assert!(
        !shown.contains(&key) && !shown.contains("hunter2"),
        "{shown}"
    );
}

/// Nine lines of YAML that say a gigabyte.
fn bomb() -> String {
    let mut text = "---\nname: bomb\ndescription: &b [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 0..9 {
        let before = match level {
            0 => "*b".to_owned(),
            _ => format!("*b{}", level - 1),
        };
        let inside = vec![before; 9].join(", ");
        text.push_str(&format!("l{level}: &b{level} [{inside}]\n"));
    }
    text + "---\nText.\n"
}

/// Sub-agents that cannot be read: the file, its head, and where it is said.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "both",
        "name: both\ndescription: d\ntools: Read\ndisallowedTools: Read",
        "",
    ),
    ("list", "- a\n- b", ""),
    ("map", "name: {a: b}\ndescription: d", " name"),
    ("tabs", "name: tabs\ndescription: d\n\t- [", ""),
    ("turns", "name: turns\ndescription: d\nmaxTurns: 0", ""),
];

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let agent = |name: &str| format!(".claude/agents/{name}.md");
    let page = |head: &str| format!("---\n{head}\n---\nText.\n").into_bytes();
    let long = format!("name: {}\ndescription: d", "x".repeat(201));
    let deep = format!(
        "{{\"mcpServers\": {}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let mut given = Files::from([
        (agent("good"), page("name: good\ndescription: d")),
        (agent("good-too"), page("name: Good!\ndescription: d")),
        (agent("bomb"), bomb().into_bytes()),
        (agent("latin"), b"---\nname: caf\xe9\n---\n".to_vec()),
        (agent("long"), page(&long)),
        (agent("open"), b"---\nname: open\n".to_vec()),
        (".claude/skills/a/b/SKILL.md".to_owned(), page("name: b")),
        (".mcp.json".to_owned(), deep.into_bytes()),
        (
            ".claude/settings.json".to_owned(),
            b"{\"permissions\": {".to_vec(),
        ),
    ]);
    let mut wanted: Vec<_> = ["bomb", "latin", "long", "open"].map(agent).to_vec();
    for (name, head, place) in BROKEN {
        given.insert(agent(name), page(head));
        wanted.push(format!("{}{place}", agent(name)));
    }
    let others = [
        ".claude/agents/good.md name",
        ".claude/settings.json",
        ".claude/skills/a/b/SKILL.md",
        ".mcp.json",
    ];
    wanted.extend(others.map(str::to_owned));
    wanted.sort();
    let made = import(&given, Target::ClaudeCode, "\u{7}").unwrap();
    assert_eq!(nodes(&made), ["start", "good", "end"], "{:#?}", made.left);
    assert_eq!(made.document.id.as_str(), "imported");
    assert_eq!(left(&made.left), wanted);
    for one in &made.left {
        let is_whole = !one.why.is_empty() && !one.help.is_empty() && !one.why.ends_with('.');
        assert!(is_whole, "{one}");
    }
}

#[test]
fn what_says_what_may_be_done_and_cannot_be_read_keeps_it_out() {
    let agent =
        |head: &str| format!("---\nname: a\ndescription: d\nmode: subagent\n{head}\n---\nText.\n");
    let server = |field: &str| format!("[mcp_servers.a]\ncommand = \"a\"\n{field}\n");
    let cases = [
        (
            Target::ClaudeCode,
            ".claude/agents/a.md",
            agent("tools: {Read: true}"),
        ),
        (
            Target::ClaudeCode,
            ".claude/agents/a.md",
            agent("disallowedTools: [3]"),
        ),
        (
            Target::OpenCode,
            ".opencode/agents/a.md",
            agent("tools: [write]"),
        ),
        (
            Target::Copilot,
            ".github/agents/a.agent.md",
            agent("tools: 3"),
        ),
        (
            Target::Codex,
            ".codex/config.toml",
            server("enabled = \"no\""),
        ),
        (
            Target::Codex,
            ".codex/config.toml",
            server("disabled_tools = {a = 1}"),
        ),
        (
            Target::OpenCode,
            "opencode.json",
            json!({"mcp": {"a": {"type": "local", "command": ["a"], "enabled": "no"}}}).to_string(),
        ),
        (
            Target::Copilot,
            ".github/mcp.json",
            json!({"mcpServers": {"a": {"command": "a", "tools": 3}}}).to_string(),
        ),
    ];
    for (target, file, text) in cases {
        let left = import(&files(&[(file, &text)]), target, "x").unwrap_err();
        assert!(left.len() >= 2, "{file}: {text}: {left:#?}");
        assert!(
            left.iter().any(|one| one.why.contains("left out")),
            "{file}: {left:#?}"
        );
    }
}

#[test]
fn nothing_is_no_document() {
    assert_eq!(import(&Files::new(), Target::Codex, "x"), Err(vec![]));
    let given = files(&[("AGENTS.md", "Be kind.\n")]);
    assert_eq!(
        left(&import(&given, Target::Codex, "x").unwrap_err()),
        ["AGENTS.md"]
    );
}

#[test]
fn an_exported_workflow_is_known_again() {
    let first = read(
        Target::ClaudeCode,
        &[(
            ".claude/agents/a.md",
            "---\nname: a\ndescription: d\n---\nText.\n",
        )],
    );
    for target in Target::ALL {
        let files = export(&first.document, *target).unwrap().files;
        let again = import(&files, *target, "x").unwrap();
        let why = again
            .left
            .iter()
            .find(|one| one.file.ends_with("/my-project/SKILL.md"));
        assert!(why.unwrap().why.contains("workflow"), "{:#?}", again.left);
        assert!(
            !again
                .left
                .iter()
                .any(|one| one.file.ends_with("WORKFLOW.md"))
        );
        assert!(!again.document.nodes.iter().any(|one| one.kind == "skill"));
    }
}
