//! No right gets wider on its way to a client, and what is lost is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

mod support;

use lattice_export::{Export, Target, export};
use serde_json::{Value, json};
use support::{chain, document};

fn made(target: Target, nodes: &[Value]) -> Export {
    export(&document(&chain(nodes)), target).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn text(export: &Export, path: &str) -> String {
    let bytes = export.files.get(path);
    let bytes = bytes.unwrap_or_else(|| panic!("{path}: {:?}", export.files.keys()));
    String::from_utf8(bytes.clone()).unwrap()
}

fn warned(export: &Export, words: &[&str]) -> bool {
    let mut warnings = export.warnings.iter().map(ToString::to_string);
    warnings.any(|warning| words.iter().all(|word| warning.contains(word)))
}

fn agent(settings: &Value) -> Value {
    let mut whole = json!({"name": "looker", "prompt": "Look."});
    for (key, value) in settings.as_object().unwrap() {
        whole[key] = value.clone();
    }
    json!({"id": "look", "type": "subAgent", "settings": whole})
}

fn tool(id: &str, name: &str, permission: &str) -> Value {
    json!({"id": id, "type": "mcp", "settings": {"serverId": "docs", "server": {"command": ["docs"]},
        "toolName": name, "permission": permission}})
}

#[test]
fn a_part_of_a_tool_is_never_the_whole_tool() {
    let node = agent(
        &json!({"tools": ["Read", "Bash(git log:*)", "Edit(docs/**)", "WebFetch(domain:example.com)"],
        "disallowedTools": ["Bash(git push:*)"]}),
    );
    let claude = text(
        &made(Target::ClaudeCode, std::slice::from_ref(&node)),
        ".claude/agents/looker.md",
    );
    assert!(
        claude.contains("Bash(git log:*)")
            && claude.contains("disallowedTools: \"Bash(git push:*)\""),
        "{claude}"
    );
    let opencode = made(Target::OpenCode, std::slice::from_ref(&node));
    let page = text(&opencode, ".opencode/agents/looker.md");
    let rules = page
        .split("permission:\n")
        .nth(1)
        .unwrap()
        .split("---")
        .next()
        .unwrap();
    let wanted = "  \"*\": \"deny\"\n  \"read\": \"allow\"\n  \"edit\":\n    \"*\": \"deny\"\n    \"docs/**\": \"allow\"\n  \"bash\":\n    \"*\": \"deny\"\n    \"git log *\": \"allow\"\n    \"git push *\": \"deny\"\n";
    assert_eq!(rules, wanted);
    assert!(warned(
        &opencode,
        &["WebFetch(domain:example.com)", "left out", "look"]
    ));
    let copilot = made(Target::Copilot, &[node]);
    let page = text(&copilot, ".github/agents/looker.agent.md");
    assert!(page.contains("tools:\n  - \"read\"\n"), "{page}");
    assert!(
        !page.contains("execute") && !page.contains("\"edit\""),
        "{page}"
    );
    assert!(warned(&copilot, &["Bash(git log:*)", "left out"]));
    assert!(warned(&copilot, &["disallowedTools"]));
}

#[test]
fn what_is_denied_stays_denied() {
    let node = agent(
        &json!({"tools": ["Edit", "mcp__docs__open", "mcp__docs"], "disallowedTools": ["Write", "mcp__docs__open"]}),
    );
    let node = {
        let mut node = node;
        node["settings"]["tools"] = json!(["Edit", "mcp__docs__find", "mcp__docs"]);
        node
    };
    let made = made(Target::OpenCode, &[node, tool("find", "find", "allow")]);
    let page = text(&made, ".opencode/agents/looker.md");
    let rules = page
        .split("permission:\n")
        .nth(1)
        .unwrap()
        .split("---")
        .next()
        .unwrap();
    // The last rule that matches counts.
    let place = |rule: &str| {
        rules
            .find(rule)
            .unwrap_or_else(|| panic!("{rule}: {rules}"))
    };
    assert!(
        place("\"docs_open\": \"deny\"") > place("\"docs_*\": \"allow\""),
        "{rules}"
    );
    assert!(rules.contains("\"edit\": \"deny\""), "{rules}");
    assert!(warned(&made, &["`edit` is one tool there", "denied"]));
}

#[test]
fn permissions_name_tools_as_each_client_does() {
    let nodes = [tool("a", "find.it's", "deny"), tool("b", "open", "allow")];
    let codex = text(&made(Target::Codex, &nodes), ".codex/config.toml");
    let codex: toml::Table = codex.parse().unwrap();
    assert_eq!(
        codex["mcp_servers"]["docs"]["disabled_tools"][0].as_str(),
        Some("find.it's")
    );
    let copilot = made(Target::Copilot, &nodes);
    assert!(
        copilot
            .launch
            .contains("--deny-tool 'docs(find.it'\\''s)' --allow-tool 'docs(open)'"),
        "{}",
        copilot.launch
    );
    let claude = text(&made(Target::ClaudeCode, &nodes), ".claude/settings.json");
    let claude: Value = serde_json::from_str(&claude).unwrap();
    assert_eq!(
        claude["permissions"]["deny"],
        json!(["mcp__docs__find_it_s"])
    );
    let opencode = text(&made(Target::OpenCode, &nodes), "opencode.json");
    let opencode: Value = serde_json::from_str(&opencode).unwrap();
    assert_eq!(opencode["permission"]["docs_find_it_s"], "deny");
}

#[test]
fn of_two_tools_with_one_name_the_stricter_word_counts() {
    let nodes = [tool("a", "find.it", "allow"), tool("b", "find_it", "deny")];
    let made = made(Target::ClaudeCode, &nodes);
    let settings: Value = serde_json::from_str(&text(&made, ".claude/settings.json")).unwrap();
    assert_eq!(
        settings["permissions"],
        json!({"deny": ["mcp__docs__find_it"]})
    );
    assert!(warned(&made, &["find.it", "find_it", "one name"]));
}

#[test]
fn every_setting_of_an_agent_or_a_skill_is_written_or_missed() {
    let skill = |settings: Value| {
        let mut whole = json!({"name": "log", "instructions": "Write it down."});
        for (key, value) in settings.as_object().unwrap() {
            whole[key] = value.clone();
        }
        json!({"id": "look", "type": "skill", "settings": whole})
    };
    let agents = [
        json!({"description": "Other"}),
        json!({"model": "large"}),
        json!({"tools": ["Bash"]}),
        json!({"disallowedTools": ["Bash"]}),
        json!({"memory": "user"}),
        json!({"maxTurns": 3}),
        json!({"outputSchema": {"type": "object"}}),
        json!({"temperature": 0.5}),
        json!({"color": "red"}),
        json!({"prompt": "Look again."}),
        json!({"name": "other"}),
    ];
    let skills = [
        json!({"description": "Other"}),
        json!({"scope": "user"}),
        json!({"instructions": "Other."}),
        json!({"executionMode": "load"}),
        json!({"executionPrompt": "All of it."}),
        json!({"allowedTools": "Read"}),
        json!({"model": "large"}),
        json!({"name": "other"}),
    ];
    for target in Target::ALL {
        let plain = [
            made(*target, &[agent(&json!({}))]),
            made(*target, &[skill(json!({}))]),
        ];
        for settings in &agents {
            let changed = made(*target, &[agent(settings)]);
            assert_ne!(
                changed, plain[0],
                "{target}: {settings} is lost and nothing is said"
            );
        }
        for settings in &skills {
            let changed = made(*target, &[skill(settings.clone())]);
            assert_ne!(
                changed, plain[1],
                "{target}: {settings} is lost and nothing is said"
            );
        }
    }
}

#[test]
fn nothing_of_a_run_stands_in_the_settings_of_a_server() {
    for server in [
        json!({"command": ["docs", "{{in.x}}"]}),
        json!({"command": ["docs", "{{secret.KEY}}"]}),
        json!({"command": ["docs"], "env": {"A": "{{in.x}}"}}),
        json!({"url": "https://{{in.host}}/mcp"}),
        json!({"url": "https://example.com", "headers": {"A": "x {{nodes.a.output}}"}}),
    ] {
        let node = json!({"id": "find", "type": "mcp", "settings": {"serverId": "docs", "server": server, "toolName": "find"}});
        for target in Target::ALL {
            let problems =
                export(&document(&chain(std::slice::from_ref(&node))), *target).unwrap_err();
            let is_it = |problem: &lattice_document::Problem| {
                problem.code.id() == "LAT-E006" || problem.code.id().starts_with("LAT-C")
            };
            assert!(problems.iter().any(is_it), "{server}: {problems:?}");
        }
    }
}

#[test]
fn commands_in_the_text_of_a_skill_are_told() {
    let node = json!({"id": "s", "type": "skill", "settings": {"name": "log", "instructions": "Now: !`date` of $1"}});
    let claude = made(Target::ClaudeCode, &[node]);
    assert!(
        warned(&claude, &["runs each command", "(node `s`)"]) && warned(&claude, &["$ARGUMENTS"])
    );
}

#[test]
fn three_dashes_in_a_description_end_no_front_matter() {
    let node = agent(&json!({"description": "One --- two ---- three", "tools": ["Read"]}));
    for target in [Target::ClaudeCode, Target::OpenCode, Target::Copilot] {
        let made = made(target, std::slice::from_ref(&node));
        for (path, bytes) in made
            .files
            .iter()
            .filter(|(path, _)| path.contains("agents/"))
        {
            let page = String::from_utf8(bytes.clone()).unwrap();
            assert_eq!(page.matches("---").count(), 2, "{path}: {page}");
            let front = page.split("---").nth(1).unwrap();
            let front: serde_yaml_ng::Value = serde_yaml_ng::from_str(front).unwrap();
            assert_eq!(front["description"], "One --- two ---- three");
        }
    }
}
