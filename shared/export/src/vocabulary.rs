//! The words of each client, as they were on `DATE`: no client refuses a model or a tool that does not
//! exist, so that we have to say it.

use crate::Target;

/// When the tables were last compared with the clients.
pub const DATE: &str = "2026-11-20";

/// Tools as documents name them (Claude Code's names), and what they are elsewhere: the name, the key of
/// OpenCode's permissions, the word of GitHub Copilot, and whether it only reads.
const TOOLS: &[(&str, Option<&str>, Option<&str>, bool)] = &[
    ("Agent", Some("task"), Some("agent"), false),
    ("AskUserQuestion", Some("question"), None, true),
    ("Bash", Some("bash"), Some("execute"), false),
    ("Edit", Some("edit"), Some("edit"), false),
    ("Glob", Some("glob"), Some("search"), true),
    ("Grep", Some("grep"), Some("search"), true),
    ("LSP", Some("lsp"), None, true),
    ("MultiEdit", Some("edit"), Some("edit"), false),
    ("NotebookEdit", Some("edit"), Some("edit"), false),
    ("Read", Some("read"), Some("read"), true),
    ("Skill", Some("skill"), None, true),
    ("Task", Some("task"), Some("agent"), false),
    ("TodoWrite", Some("todowrite"), Some("todo"), true),
    ("WebFetch", Some("webfetch"), Some("web"), true),
    ("WebSearch", Some("websearch"), Some("web"), true),
    ("Write", Some("edit"), Some("edit"), false),
];

const CLAUDE_MODELS: &[&str] = &["haiku", "inherit", "opus", "sonnet"];

/// Names of sub-agents that a client has itself.
fn agents_taken(target: Target) -> &'static [&'static str] {
    match target {
        Target::ClaudeCode => &["explore", "general-purpose", "plan", "statusline-setup"],
        Target::Codex => &["default", "explorer", "worker"],
        Target::OpenCode => &[
            "build",
            "compaction",
            "explore",
            "general",
            "plan",
            "summary",
            "title",
        ],
        Target::Copilot => &[
            "code-review",
            "explore",
            "general-purpose",
            "research",
            "task",
        ],
    }
}

/// Names of skills that a client has as commands of its own.
fn skills_taken(target: Target) -> &'static [&'static str] {
    match target {
        Target::ClaudeCode => &[
            "agents",
            "clear",
            "compact",
            "config",
            "cost",
            "doctor",
            "help",
            "hooks",
            "init",
            "login",
            "logout",
            "mcp",
            "memory",
            "model",
            "permissions",
            "review",
            "security-review",
            "skills",
            "status",
        ],
        Target::Codex => &["skill-creator", "skill-installer"],
        Target::OpenCode => &[
            "compact", "help", "init", "models", "new", "review", "share", "undo",
        ],
        Target::Copilot => &[
            "agent", "clear", "help", "login", "mcp", "model", "skills", "usage",
        ],
    }
}

/// Names of devices, which one operating system does not take for files.
const DEVICES: &[&str] = &[
    "aux", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con",
    "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// Whether the client or a file system keeps this name of a sub-agent.
pub fn is_agent_taken(target: Target, name: &str) -> bool {
    DEVICES.contains(&name) || agents_taken(target).contains(&name)
}

/// Whether the client, a file system or the format of Agent Skills keeps this name of a skill.
pub fn is_skill_taken(target: Target, name: &str) -> bool {
    let reserved = ["anthropic", "claude"]
        .iter()
        .any(|word| name.contains(word));
    reserved || DEVICES.contains(&name) || skills_taken(target).contains(&name)
}

/// A tool in the words of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// It is known there under this name.
    Known(String),
    /// Documents may name it, and the target has no word for it.
    Missing,
    /// No client is known to have it.
    Unknown,
}

/// A tool as the target names it.
pub fn tool(target: Target, name: &str) -> Tool {
    if let Some((server, tool)) = server_tool(name) {
        return Tool::Known(match target {
            Target::ClaudeCode | Target::Codex => name.to_owned(),
            Target::OpenCode => format!("{server}_{}", tool.unwrap_or("*")),
            Target::Copilot => format!("{server}/{}", tool.unwrap_or("*")),
        });
    }
    // `Bash(git log:*)` is a part of `Bash`.
    let base = name.split('(').next().unwrap_or(name);
    let Some((_, opencode, copilot, _)) = TOOLS.iter().find(|(known, ..)| *known == base) else {
        return Tool::Unknown;
    };
    let word = match target {
        Target::ClaudeCode => return Tool::Known(name.to_owned()),
        Target::Codex => None,
        Target::OpenCode => *opencode,
        Target::Copilot => *copilot,
    };
    word.map_or(Tool::Missing, |word| Tool::Known(word.to_owned()))
}

/// Other words of GitHub Copilot, in small letters, for its own.
const COPILOT_WORDS: &[(&str, &str)] = &[
    ("bash", "execute"),
    ("custom-agent", "agent"),
    ("glob", "search"),
    ("grep", "search"),
    ("multiedit", "edit"),
    ("notebookedit", "edit"),
    ("notebookread", "read"),
    ("powershell", "execute"),
    ("shell", "execute"),
    ("task", "agent"),
    ("todowrite", "todo"),
    ("webfetch", "web"),
    ("websearch", "web"),
    ("write", "edit"),
];

/// The tools of documents that a word of OpenCode or GitHub Copilot stands for, sorted; none if the word is
/// not known. The other clients use the names of documents or have no lists.
pub fn of_document(target: Target, word: &str) -> Vec<&'static str> {
    let small = word.to_ascii_lowercase();
    let alias = COPILOT_WORDS.iter().find(|(alias, _)| *alias == small);
    let is_it = |opencode: &Option<&str>, copilot: &Option<&str>| match target {
        Target::OpenCode => *opencode == Some(word),
        Target::Copilot => *copilot == Some(alias.map_or(small.as_str(), |(_, own)| *own)),
        Target::ClaudeCode | Target::Codex => false,
    };
    let tools = TOOLS
        .iter()
        .filter(|(_, opencode, copilot, _)| is_it(opencode, copilot));
    // `Task` is the older name of `Agent`.
    let tools = tools.filter(|(name, ..)| *name != "Task");
    tools.map(|(name, ..)| *name).collect()
}

/// The part of a tool that is meant: `git log:*` in `Bash(git log:*)`.
pub fn pattern(name: &str) -> Option<&str> {
    let (_, part) = name.split_once('(')?;
    Some(part.strip_suffix(')').unwrap_or(part))
}

/// Whether the tool changes nothing.
pub fn only_reads(name: &str) -> bool {
    TOOLS
        .iter()
        .any(|(known, _, _, reads)| *known == name && *reads)
}

/// The server and the tool in `mcp__server__tool`.
fn server_tool(name: &str) -> Option<(&str, Option<&str>)> {
    let rest = name.strip_prefix("mcp__")?;
    Some(match rest.split_once("__") {
        Some((server, tool)) => (server, Some(tool).filter(|tool| *tool != "*")),
        None => (rest, None),
    })
}

/// Whether the client is known to have a model of this name.
pub fn has_model(target: Target, name: &str) -> bool {
    match target {
        Target::ClaudeCode => CLAUDE_MODELS.contains(&name) || name.starts_with("claude-"),
        Target::Codex => name.starts_with("gpt-5"),
        Target::OpenCode => name.split_once('/').is_some_and(|(provider, model)| {
            let providers = ["anthropic", "google", "openai", "opencode", "openrouter"];
            providers.contains(&provider) && !model.is_empty()
        }),
        Target::Copilot => ["claude-", "gemini-", "gpt-"]
            .iter()
            .any(|it| name.starts_with(it)),
    }
}
