//! What projects of Codex, OpenCode and GitHub Copilot become.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_export::Target;
use serde_json::json;
use support::{left, read, settings};

const CODEX: &[(&str, &str)] = &[
    (
        ".codex/agents/reader.toml",
        "name = \"reader\"\ndescription = \"Reads\"\ndeveloper_instructions = '''\nRead {{x}}.\n'''\n\
                 model_reasoning_effort = \"high\"\nsandbox_mode = \"read-only\"\nnickname_candidates = [\"R\"]\n",
    ),
    (
        ".codex/agents/writer.toml",
        "name = \"writer\"\ndescription = \"Writes\"\ndeveloper_instructions = \"Write.\"\nmodel = \"gpt-5.2\"\n\
                 model_reasoning_effort = \"xhigh\"\nsandbox_mode = \"workspace-write\"\n",
    ),
    (".codex/agents/broken.toml", "name = \"broken\nx"),
    (
        ".agents/skills/style/SKILL.md",
        "---\nname: style\ndescription: d\n---\nShort.\n",
    ),
    (
        ".codex/config.toml",
        "model = \"gpt-5.2\"\n[mcp_servers.web]\ncommand = \"npx\"\nargs = [\"web\"]\nenv_vars = [\"TOKEN\"]\n\
                 disabled_tools = [\"drop\"]\nstartup_timeout_sec = 5\n[mcp_servers.web.env]\nLEVEL = \"2\"\n\
                 [mcp_servers.far]\nurl = \"https://far.example.com/mcp\"\nbearer_token_env_var = \"FAR\"\nenabled = false\n\
                 [mcp_servers.far.env_http_headers]\nX-Team = \"TEAM\"\n\
                 [mcp_servers.few]\ncommand = \"few\"\nenabled_tools = [\"one\"]\n",
    ),
    (
        ".codex/rules/default.rules",
        "prefix_rule([\"ls\"], \"allow\")\n",
    ),
    ("AGENTS.md", "Be kind.\n"),
];

#[test]
fn codex() {
    let made = read(Target::Codex, CODEX);
    assert_eq!(
        settings(&made, "reader"),
        json!({"name": "reader", "description": "Reads", "prompt": "Read \\{{x}}.", "model": "large",
            "tools": ["Glob", "Grep", "Read"]})
    );
    assert_eq!(settings(&made, "writer")["model"], "gpt-5.2");
    assert_eq!(
        settings(&made, "web")["server"],
        json!({"command": ["npx", "web"], "env": {"TOKEN": "{{secret.TOKEN}}", "LEVEL": "2"}})
    );
    assert_eq!(settings(&made, "web-drop")["permission"], "deny");
    assert_eq!(
        settings(&made, "far"),
        json!({"serverId": "far", "mode": "aiToolSelection", "permission": "deny", "server": {
            "url": "https://far.example.com/mcp",
            "headers": {"Authorization": "Bearer {{secret.FAR}}", "X-Team": "{{secret.TEAM}}"}}})
    );
    let wanted = [
        ".codex/agents/broken.toml",
        ".codex/agents/reader.toml nickname_candidates",
        ".codex/agents/writer.toml model_reasoning_effort",
        ".codex/agents/writer.toml sandbox_mode",
        ".codex/config.toml mcp_servers.few.enabled_tools",
        ".codex/config.toml mcp_servers.web.startup_timeout_sec",
        ".codex/config.toml model",
        ".codex/rules/default.rules",
        "AGENTS.md",
    ];
    assert_eq!(left(&made.left), wanted);
}

const OPENCODE: &[(&str, &str)] = &[
    (
        ".opencode/agents/docs/writer.md",
        "---\ndescription: Writes\nmode: subagent\nmodel: anthropic/some\nsteps: 4\ntemperature: 0.5\n\
                 permission:\n  '*': deny\n  edit: allow\n  bash:\n    '*': ask\n    'git log *': allow\n  web_open: allow\n---\nWrite.\n",
    ),
    (
        ".opencode/agent/old.md",
        "---\ndescription: Old\nmode: all\ntools:\n  write: false\n  bash: false\ntop_p: 1\n---\nDo.\n",
    ),
    (
        ".opencode/agents/main.md",
        "---\ndescription: d\nmode: primary\n---\nTalk.\n",
    ),
    (
        ".opencode/agents/off.md",
        "---\ndescription: d\nmode: subagent\ndisable: true\n---\nNo.\n",
    ),
    (
        ".opencode/agents/wild.md",
        "---\ndescription: d\nmode: subagent\npermission:\n  'my*': deny\n---\nNo.\n",
    ),
    (".opencode/commands/ship.md", "Ship.\n"),
    (
        "opencode.jsonc",
        r#"{
                    // servers
                    "$schema": "https://opencode.ai/config.json",
                    "mcp": {
                        "web": {"type": "local", "command": ["npx", "web"], "environment": {"TOKEN": "{env:WEB}", "KEY": "{file:./key}"}, "enabled": true},
                        "far": {"type": "remote", "url": "https://far.example.com/mcp", "enabled": false,},
                    },
                    "permission": {"web_open": "deny", "web_*": "ask", "web_find": "allow", "bash": "ask"},
                    "agent": {"inline": {"description": "In", "mode": "subagent", "prompt": "Say it."}},
                    "theme": "dark",
                }"#,
    ),
];

#[test]
fn opencode() {
    let made = read(Target::OpenCode, OPENCODE);
    assert_eq!(
        settings(&made, "docs-writer"),
        json!({"name": "docs/writer", "description": "Writes", "model": "anthropic/some", "maxTurns": 4,
            "temperature": 0.5, "prompt": "Write.",
            "tools": ["Edit", "MultiEdit", "NotebookEdit", "Write", "Bash(git log:*)", "mcp__web__open"]})
    );
    let denied = json!(["Edit", "MultiEdit", "NotebookEdit", "Write", "Bash"]);
    assert_eq!(settings(&made, "old")["disallowedTools"], denied);
    assert_eq!(settings(&made, "inline")["prompt"], "Say it.");
    assert_eq!(settings(&made, "web")["permission"], "ask");
    assert_eq!(settings(&made, "web-find")["permission"], "allow");
    assert_eq!(settings(&made, "far")["permission"], "deny");
    assert_eq!(
        settings(&made, "web")["server"],
        json!({"command": ["npx", "web"], "env": {"TOKEN": "{{secret.WEB}}"}})
    );
    // `web_*` stands behind `web_open` and counts.
    assert!(
        !made
            .document
            .nodes
            .iter()
            .any(|one| one.id.as_str() == "web-open")
    );
    let wanted = [
        ".opencode/agent/old.md mode",
        ".opencode/agent/old.md top_p",
        ".opencode/agents/docs/writer.md permission.bash.*",
        ".opencode/agents/main.md mode",
        ".opencode/agents/off.md disable",
        ".opencode/agents/wild.md permission.my*",
        ".opencode/commands/ship.md",
        "opencode.jsonc mcp.web.environment.KEY",
        "opencode.jsonc permission.bash",
        "opencode.jsonc theme",
    ];
    assert_eq!(left(&made.left), wanted);
}

const COPILOT: &[(&str, &str)] = &[
    (
        ".github/agents/helper.agent.md",
        "---\nname: Helper\ndescription: Helps\ntools: [read, 'web/open', \"far/*\", Shell, magic]\nmodel: gpt-5\nhandoffs: []\n---\nHelp.\n",
    ),
    (
        ".github/agents/thinker.md",
        "---\ndescription: Thinks\ntools: []\n---\nThink.\n",
    ),
    (
        ".github/agents/any.agent.md",
        "---\ndescription: Any\ntools: ['*']\n---\nAnything.\n",
    ),
    (".github/prompts/ship.prompt.md", "Ship.\n"),
    (
        ".github/mcp.json",
        r#"{"mcpServers": {"web": {"type": "local", "command": "npx", "args": ["web"], "tools": ["*"]},
                    "few": {"type": "http", "url": "https://few.example.com", "tools": ["one"]}}}"#,
    ),
];

#[test]
fn copilot() {
    let made = read(Target::Copilot, COPILOT);
    assert_eq!(
        settings(&made, "helper"),
        json!({"name": "Helper", "description": "Helps", "model": "gpt-5", "prompt": "Help.",
            "tools": ["Read", "mcp__web__open", "mcp__far", "Bash"]})
    );
    assert_eq!(settings(&made, "thinker")["tools"], json!([]));
    assert_eq!(settings(&made, "any").get("tools"), None);
    let wanted = [
        ".github/agents/helper.agent.md handoffs",
        ".github/agents/helper.agent.md tools",
        ".github/mcp.json mcpServers.few.tools",
        ".github/prompts/ship.prompt.md",
    ];
    assert_eq!(left(&made.left), wanted);
}
