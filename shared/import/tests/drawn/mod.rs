//! Random workflows with sub-agents, skills, servers and permissions.

use lattice_document::{Document, read};
use lattice_export::slug;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TOOLS: &[&str] = &[
    "Agent",
    "AskUserQuestion",
    "Bash",
    "Bash(git log:*)",
    "Bash(npm test)",
    "Edit",
    "Edit(src/**)",
    "Glob",
    "Grep",
    "LSP",
    "MultiEdit",
    "NotebookEdit",
    "Read",
    "Read(docs/**)",
    "Skill",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
    "Write",
    "mcp__srv-a",
    "mcp__srv-a__find",
    "mcp__srv-b__go",
];

/// Texts that files of YAML, TOML, JSON and Markdown take for something else if they are not careful.
fn text() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "plain words",
        "key: value",
        "# heading",
        "---",
        "\"quoted\"",
        "it's",
        "[a, b]",
        "{a: b}",
        "*star",
        "&anchor",
        "!tag",
        "%",
        "@at",
        "`code`",
        "|",
        "> quote",
        "- item",
        "'''",
        "\"\"\"",
        "\\n",
        "\\",
        "\u{1f680}",
        "\u{5e9}\u{5dc}",
        "e\u{301}",
        "yes",
        "null",
        "0x1F",
        "1e3",
        "2026-11-23",
        "${HOME}",
        "$1",
        "{env:X}",
        "C:\\dir",
        "\t",
        "\n",
        "\n\n",
        "\u{a0}",
        "\u{2028}",
    ]);
    let words = vec(
        prop_oneof![piece.prop_map(str::to_owned), "[ -z|~]{1,12}"],
        1..6,
    );
    let text = words.prop_map(|words| words.join(" "));
    text.prop_filter("it is not blank", |text| {
        !text.trim().is_empty() && slug(text).len() > 1
    })
}

/// Prompts: texts with braces that are text, and some that take values of the run.
fn prompt() -> impl Strategy<Value = String> {
    let end = select(vec![
        "",
        " {{in.change}}",
        " {{ in.a.b }} and \\{{in.a}}",
        " \\{{x}}",
        " \\\\\\{{y}}",
    ]);
    (text(), end).prop_map(|(text, end)| format!("{}{end}", text.replace("{{", "{ {")))
}

fn model() -> impl Strategy<Value = &'static str> {
    select(vec![
        "small",
        "medium",
        "large",
        "gpt-5.2",
        "anthropic/some-model",
        "claude-x",
    ])
}

prop_compose! {
    fn agent(number: usize)(
        name in "[a-z]{1,8}",
        description in option::of(text()),
        prompt in prompt(),
        model in option::of(model()),
        tools in option::of(subsequence(TOOLS, 0..6)),
        refused in subsequence(TOOLS, 0..4),
        turns in option::of(1..50_u64),
        memory in option::of(select(vec!["user", "project", "local"])),
        color in option::of(select(vec!["red", "blue"])),
        temperature in option::of(select(vec![0.0, 0.5, 1.0])),
        is_refusing in any::<bool>(),
    ) -> Value {
        let mut settings = json!({"name": format!("{name}-{number}"), "prompt": prompt});
        let mut refused: Vec<_> = refused;
        let listed = tools.clone().unwrap_or_default();
        refused.retain(|tool| is_refusing && !listed.contains(tool));
        for (key, value) in [
            ("description", description.map(Value::from)),
            ("model", model.map(Value::from)),
            ("tools", tools.map(Value::from)),
            ("disallowedTools", (!refused.is_empty()).then(|| refused.into())),
            ("maxTurns", turns.map(Value::from)),
            ("memory", memory.map(Value::from)),
            ("color", color.map(Value::from)),
            ("temperature", temperature.map(Value::from)),
        ] {
            if let Some(value) = value {
                settings[key] = value;
            }
        }
        json!({"id": format!("agent{number}"), "type": "subAgent", "settings": settings})
    }
}

prop_compose! {
    fn skill(number: usize)(
        name in "[a-z]{1,8}",
        description in option::of(text()),
        instructions in text(),
        tools in option::of(subsequence(TOOLS, 1..4)),
        model in option::of(model()),
    ) -> Value {
        let mut settings = json!({"name": format!("{name}-s{number}"), "instructions": instructions});
        for (key, value) in [
            ("description", description.map(Value::from)),
            ("allowedTools", tools.map(Value::from)),
            ("model", model.map(Value::from)),
        ] {
            if let Some(value) = value {
                settings[key] = value;
            }
        }
        json!({"id": format!("skill{number}"), "type": "skill", "settings": settings})
    }
}

/// The entries of an environment or of headers.
fn values() -> impl Strategy<Value = BTreeMap<String, String>> {
    let value = prop_oneof![
        "[a-z0-9 .:/-]{1,12}",
        Just("{{secret.LEVEL}}".to_owned()),
        Just("{{secret.OTHER}}".to_owned()),
        Just("v {{secret.LEVEL}}".to_owned()),
    ];
    btree_map(
        select(vec!["LEVEL", "MODE", "X_Y"]).prop_map(str::to_owned),
        value,
        0..3,
    )
}

prop_compose! {
    fn server(name: &'static str)(
        is_local in any::<bool>(),
        arguments in vec("[a-zA-Z0-9 ./@=-]{1,12}", 0..3),
        values in values(),
        has_setup in any::<bool>(),
        tools in btree_set(select(vec!["find", "go", "drop.it", "drop it"]), 1..3),
        words in vec(option::of(select(vec!["allow", "ask", "deny"])), 4),
        whole in option::of(select(vec!["allow", "ask", "deny"])),
    ) -> Vec<Value> {
        let command = [vec!["run".to_owned()], arguments].concat();
        let setup = match is_local {
            true => json!({"command": command, "env": values}),
            false => json!({"url": "https://example.com/mcp", "headers": values}),
        };
        let mut nodes = Vec::new();
        let mut first = json!({"serverId": name, "mode": "aiToolSelection"});
        if has_setup {
            first["server"] = setup;
        }
        if let Some(word) = whole {
            first["permission"] = word.into();
        }
        nodes.push(json!({"id": name, "type": "mcp", "settings": first}));
        for (number, (tool, word)) in tools.into_iter().zip(words).enumerate() {
            let mut settings = json!({"serverId": name, "toolName": tool});
            if let Some(word) = word {
                settings["permission"] = word.into();
            }
            nodes.push(json!({"id": format!("{name}-{number}"), "type": "mcp", "settings": settings}));
        }
        nodes
    }
}

/// A workflow in which all of them follow each other.
pub fn document() -> impl Strategy<Value = Document> {
    let agents = (
        option::of(agent(0)),
        option::of(agent(1)),
        option::of(agent(2)),
    );
    let skills = (option::of(skill(0)), option::of(skill(1)));
    let servers = (option::of(server("srv-a")), option::of(server("srv-b")));
    (agents, skills, servers).prop_map(|(agents, skills, servers)| {
        let mut nodes = vec![json!({"id": "start", "type": "start"})];
        nodes.extend([agents.0, agents.1, agents.2, skills.0, skills.1].into_iter().flatten());
        nodes.extend([servers.0, servers.1].into_iter().flatten().flatten());
        nodes.push(json!({"id": "end", "type": "end"}));
        let edges: Vec<_> = nodes
            .windows(2)
            .enumerate()
            .map(|(place, pair)| json!({"id": format!("e{place}"), "from": pair[0]["id"], "to": pair[1]["id"]}))
            .collect();
        let value = json!({"format": "agent-lattice/workflow", "formatVersion": 1, "id": "the-workflow",
            "name": "W", "nodes": nodes, "edges": edges});
        let reading = read(value.to_string().as_bytes());
        assert!(reading.problems.is_empty(), "{:?}", reading.problems);
        reading.document.unwrap()
    })
}
