//! What a project of Claude Code becomes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_export::Target;
use serde_json::json;
use support::{left, read, settings};

const PROJECT: &[(&str, &str)] = &[
    (
        ".claude/agents/team/reviewer.md",
        "---\nname: code-reviewer\ndescription: Use it when: a change is ready # soon\n\
                 tools: Read, Grep, Bash(git diff:*, git log:*), mcp__web__open\nmodel: sonnet\n\
                 maxTurns: 12\nmemory: project\ncolor: blue\npermissionMode: plan\nhooks:\n  Stop: []\n---\n\n\
                 Look at {{everything}}.\n",
    ),
    (
        ".claude/agents/free.md",
        "\u{feff}---\r\nname: free\r\ndescription: |\r\n  Two\r\n  lines\r\ntools:\r\nmodel: inherit\r\n---\r\nDo it.\r\n",
    ),
    (
        ".claude/agents/none.md",
        "---\nname: none-at-all\ndescription: d\ntools: none\n---\nThink.\n",
    ),
    (
        ".claude/agents/nameless.md",
        "---\ndescription: d\n---\nText.\n",
    ),
    (
        ".claude/agents/empty.md",
        "---\nname: empty\ndescription: d\n---\n",
    ),
    (
        ".claude/skills/style/SKILL.md",
        "---\nname: style\ndescription: How we write\nallowed-tools: Read Bash(npm test:*)\nmodel: haiku\nlicense: MIT\n---\nShort.\n",
    ),
    (".claude/skills/style/scripts/check.sh", "true\n"),
    (".claude/commands/ship.md", "Ship it.\n"),
    ("CLAUDE.md", "Be kind.\n"),
    (
        ".mcp.json",
        r#"{"mcpServers": {
                    "web": {"command": "npx", "args": ["-y", "web-server"], "env": {"TOKEN": "${WEB_TOKEN}", "LEVEL": 2, "HOME_DIR": "${DIR:-/tmp}"}},
                    "tracker": {"type": "http", "url": "https://tracker.example.com/mcp", "headers": {"Authorization": "Bearer ${TRACKER}"}, "timeout": 5},
                    "old": {"type": "sse", "url": "https://old.example.com"}}}"#,
    ),
    (
        ".claude/settings.json",
        r#"{"permissions": {"allow": ["mcp__web__open", "mcp__web__*", "Bash(ls)"], "deny": ["mcp__tracker__delete"], "ask": ["mcp__other"]}, "hooks": {}}"#,
    ),
];

#[test]
fn claude_code() {
    let made = read(Target::ClaudeCode, PROJECT);
    assert_eq!(
        settings(&made, "code-reviewer"),
        json!({
            "name": "code-reviewer", "description": "Use it when: a change is ready # soon",
            "tools": ["Read", "Grep", "Bash(git diff:*, git log:*)", "mcp__web__open"], "model": "medium",
            "maxTurns": 12, "memory": "project", "color": "blue", "prompt": "Look at \\{{everything}}.",
        })
    );
    assert_eq!(
        settings(&made, "free"),
        json!({"name": "free", "description": "Two\nlines\n", "prompt": "Do it."})
    );
    assert_eq!(settings(&made, "none-at-all")["tools"], json!([]));
    assert_eq!(
        settings(&made, "style"),
        json!({"name": "style", "description": "How we write", "instructions": "Short.",
            "allowedTools": ["Read", "Bash(npm test:*)"], "model": "small"})
    );
    assert_eq!(
        settings(&made, "web"),
        json!({"serverId": "web", "mode": "aiToolSelection", "permission": "allow", "server": {
            "command": ["npx", "-y", "web-server"], "env": {"TOKEN": "{{secret.WEB_TOKEN}}", "LEVEL": "2"}}})
    );
    assert_eq!(
        settings(&made, "tracker")["server"],
        json!({"url": "https://tracker.example.com/mcp",
            "headers": {"Authorization": "Bearer {{secret.TRACKER}}"}})
    );
    assert_eq!(settings(&made, "tracker-delete")["permission"], "deny");
    assert_eq!(settings(&made, "other")["permission"], "ask");
    assert_eq!(settings(&made, "web-open")["toolName"], "open");
}

#[test]
fn what_claude_code_has_and_a_document_has_not_is_said() {
    let made = read(Target::ClaudeCode, PROJECT);
    let wanted = [
        ".claude/agents/empty.md",
        ".claude/agents/nameless.md name",
        ".claude/agents/team/reviewer.md description",
        ".claude/agents/team/reviewer.md hooks",
        ".claude/agents/team/reviewer.md permissionMode",
        ".claude/commands/ship.md",
        ".claude/settings.json hooks",
        ".claude/settings.json permissions.allow",
        ".claude/skills/style/SKILL.md license",
        ".claude/skills/style/scripts/check.sh",
        ".mcp.json mcpServers.old.type",
        ".mcp.json mcpServers.tracker.timeout",
        ".mcp.json mcpServers.web.env.HOME_DIR",
        "CLAUDE.md",
    ];
    assert_eq!(left(&made.left), wanted);
    assert_eq!(made.document.id.as_str(), "my-project");
    assert_eq!(made.document.name, "My Project");
    assert_eq!(made.taken.len(), made.document.nodes.len() - 2);
    // What is denied stands beside the way.
    let is_led_to = |id: &str| {
        made.document
            .edges
            .iter()
            .any(|edge| edge.to.as_str() == id)
    };
    assert!(is_led_to("tracker") && !is_led_to("tracker-delete"));
}
