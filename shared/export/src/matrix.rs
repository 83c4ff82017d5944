//! What each target can do of what nodes need, and what to say where it cannot. The table in
//! `docs/targets.md` is made of this.

use crate::Target;
use lattice_nodes::prose::Need;
use std::fmt::Write as _;

/// How a target does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// With something of its own.
    Native,
    /// As words that it follows; nothing is lost that a person would miss.
    Words,
    /// As words, and something is lost: what, and what to do.
    Less(&'static str, &'static str),
}

/// How a target does this.
pub fn support(target: Target, need: Need) -> Support {
    match need {
        Need::Model | Need::SubAgent | Need::Skill | Need::Mcp => Support::Native,
        Need::Choice => Support::Words,
        Need::Question => question(target),
        Need::Parallel => Support::Less(
            "branches and their join are words, and nothing but the model sees to it that all of them are \
             done once",
            "check the results of all branches, or run the workflow with `lattice run`",
        ),
        Need::List => Support::Less(
            "the list is worked through by the model, which may leave an item out",
            "keep the list short, or run the workflow with `lattice run`",
        ),
        Need::Flow => Support::Less(
            "the other workflow is called by its name and is not in this export",
            "export it to the same folder",
        ),
        Need::Variables => Support::Less(
            "variables live in the conversation only",
            "have the model write down what must not be forgotten",
        ),
        Need::Transform => Support::Less(
            "the query is carried out by the model and not by a program",
            "check what it gives, or allow a tool that runs such queries",
        ),
        Need::Code => Support::Less(
            "the code runs with the tools of the client and not in a sandbox",
            "read the code before you allow it",
        ),
        Need::Http => Support::Less(
            "there is no HTTP step; the model uses a command or a tool that it has",
            "allow a command such as `curl`, and set the secrets as environment variables",
        ),
        Need::Delay => Support::Less(
            "nothing waits when the client is closed",
            "start the rest by hand when it is time, or run the workflow with `lattice run`",
        ),
        Need::Schedule => Support::Less(
            "nothing starts the workflow by the clock",
            "start the launch command from a scheduler of your own",
        ),
        Need::Webhook => Support::Less(
            "nothing listens for requests",
            "start the launch command from a service of your own",
        ),
    }
}

fn question(target: Target) -> Support {
    match target {
        Target::ClaudeCode => Support::Less(
            "no question can be asked in headless runs (`-p`)",
            "start the workflow in an interactive session",
        ),
        Target::Codex => Support::Less(
            "the tool for questions is there in Plan mode only; elsewhere the model asks in its answer",
            "start the workflow in an interactive session, and answer there",
        ),
        Target::OpenCode => Support::Less(
            "no question can be asked in `opencode run` and by sub-agents",
            "start the workflow in the interactive client",
        ),
        Target::Copilot => Support::Less(
            "no question can be asked in runs with `-p`",
            "start the workflow in an interactive session",
        ),
    }
}

/// Where a client documents this.
pub fn link(target: Target, topic: Topic) -> &'static str {
    use Target::{ClaudeCode, Codex, Copilot, OpenCode};
    match (target, topic) {
        (ClaudeCode, Topic::Agents) => "https://code.claude.com/docs/en/sub-agents",
        (ClaudeCode, Topic::Skills | Topic::Steps) => "https://code.claude.com/docs/en/skills",
        (ClaudeCode, Topic::Servers) => "https://code.claude.com/docs/en/mcp",
        (ClaudeCode, Topic::Permissions) => "https://code.claude.com/docs/en/settings",
        (Codex, Topic::Agents) => "https://developers.openai.com/codex/subagents",
        (Codex, Topic::Skills | Topic::Steps) => "https://developers.openai.com/codex/skills",
        (Codex, Topic::Servers) => "https://developers.openai.com/codex/mcp",
        (Codex, Topic::Permissions) => "https://developers.openai.com/codex/security",
        (OpenCode, Topic::Agents) => "https://opencode.ai/docs/agents/",
        (OpenCode, Topic::Skills | Topic::Steps) => "https://opencode.ai/docs/skills/",
        (OpenCode, Topic::Servers) => "https://opencode.ai/docs/mcp-servers/",
        (OpenCode, Topic::Permissions) => "https://opencode.ai/docs/permissions/",
        (Copilot, _) => {
            "https://docs.github.com/en/copilot/how-tos/use-copilot-agents/use-copilot-cli"
        }
    }
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Sub-agents.
    Agents,
    /// Skills.
    Skills,
    /// MCP servers.
    Servers,
    /// What may be done without asking.
    Permissions,
    /// Steps.
    Steps,
}

fn title(need: Need) -> &'static str {
    match need {
        Need::Model => "answers of the model",
        Need::SubAgent => "sub-agents",
        Need::Skill => "skills",
        Need::Mcp => "MCP tools",
        Need::Question => "questions to a person",
        Need::Choice => "choices",
        Need::Parallel => "parallel branches and joins",
        Need::List => "lists",
        Need::Delay => "waits",
        Need::Schedule => "schedules",
        Need::Webhook => "webhooks",
        Need::Http => "HTTP requests",
        Need::Variables => "variables",
        Need::Transform => "queries over data",
        Need::Code => "code",
        Need::Flow => "other workflows",
    }
}

/// The table in Markdown.
pub fn markdown() -> String {
    let mut text = "# What each target can do\n\nThis page is made from the code by \
        `UPDATE_EXPECT=1 cargo nextest run -p lattice-export`.\n\n*native*: the target has something of \
        its own for it. *words*: the target follows our words. *less*: as words, and something is lost; \
        the export warns and names the node.\n\n| |"
        .to_owned();
    // Writing to a `String` does not fail.
    for target in Target::ALL {
        let _ = write!(text, " {target} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(Target::ALL.len()));
    text.push('\n');
    for need in Need::ALL {
        let _ = write!(text, "| {} |", title(*need));
        for target in Target::ALL {
            let word = match support(*target, *need) {
                Support::Native => "native",
                Support::Words => "words",
                Support::Less(..) => "less",
            };
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
    }
    text.push_str("\n## What is lost\n");
    for need in Need::ALL {
        let mut said = Vec::new();
        for target in Target::ALL {
            if let Support::Less(lost, help) = support(*target, *need)
                && !said.contains(&(lost, help))
            {
                said.push((lost, help));
                let _ = writeln!(text, "\n- {} ({target}): {lost}; {help}.", title(*need));
            }
        }
    }
    text
}
