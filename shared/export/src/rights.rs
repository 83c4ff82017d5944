//! What sub-agents and tools may do, in the words of a target. A right is never made wider on the way:
//! what a target cannot say as narrowly is left out if it is allowed and kept whole if it is denied,
//! and the export says so.

use crate::Target;
use crate::common::Making;
use crate::matrix::Topic;
use crate::names::plain;
use crate::outline::Agent;
use crate::servers::Permission;
use crate::vocabulary::{self, Tool, pattern};
use std::collections::BTreeMap;

/// A tool in the target's words, and the part of it that is meant: `git log *` of `bash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    pub word: String,
    pub part: Option<String>,
}

/// Tools that start sub-agents.
const STARTERS: &[&str] = &["Agent", "Task"];

impl Making<'_, '_> {
    /// What a sub-agent may use, each once.
    pub fn allowed(&mut self, agent: &Agent<'_>) -> Vec<Right> {
        let tools = agent.tools.as_deref().unwrap_or_default();
        if tools.iter().any(|tool| STARTERS.contains(&tool.as_str())) {
            let lost = "a sub-agent starts no other sub-agents there";
            let help = "call the other one in a step of the workflow";
            self.warn(Some(agent.node), Topic::Agents, lost, help);
        }
        self.rights(agent, tools, true)
    }

    /// What a sub-agent may not use, each once.
    pub fn denied(&mut self, agent: &Agent<'_>) -> Vec<Right> {
        self.rights(agent, &agent.disallowed, false)
    }

    fn rights(&mut self, agent: &Agent<'_>, tools: &[String], is_allowed: bool) -> Vec<Right> {
        let mut found: Vec<Right> = Vec::new();
        for name in tools {
            let Some(word) = self.word(agent, name) else {
                continue;
            };
            let part = pattern(name).map(|part| self.part(&word, part));
            let right = match part {
                None => Right { word, part: None },
                Some(Some(part)) => Right {
                    word,
                    part: Some(part),
                },
                // The target knows the whole tool only.
                Some(None) => {
                    let shown = name.escape_debug();
                    let (lost, help) = match is_allowed {
                        true => (
                            format!(
                                "`{shown}` is left out, for `{word}` would allow more than that"
                            ),
                            "allow the whole tool if that is meant",
                        ),
                        false => (
                            format!("instead of `{shown}` all of `{word}` is denied"),
                            "leave it out if that is too much",
                        ),
                    };
                    self.warn(Some(agent.node), Topic::Agents, lost, help);
                    if is_allowed {
                        continue;
                    }
                    Right { word, part: None }
                }
            };
            if !found.contains(&right) {
                found.push(right);
            }
        }
        found
    }

    /// The target's word for a tool; warns if it has none.
    fn word(&mut self, agent: &Agent<'_>, name: &str) -> Option<String> {
        let shown = name.escape_debug();
        let (word, lost) = match vocabulary::tool(self.target, name) {
            Tool::Known(word) => return Some(word),
            Tool::Missing => (None, format!("{} has no tool like `{shown}`", self.target)),
            Tool::Unknown => {
                // Claude Code's names are those of the document.
                let word = (self.target == Target::ClaudeCode).then(|| name.to_owned());
                let target = self.target;
                let date = vocabulary::DATE;
                (
                    word,
                    format!("`{shown}` is no tool of {target} that is known ({date})"),
                )
            }
        };
        let help = "check its name; no client says that a tool does not exist";
        self.warn(Some(agent.node), Topic::Agents, lost, help);
        word
    }

    /// A part of a tool as the target writes it; `None` if it knows the whole tool only.
    fn part(&self, word: &str, part: &str) -> Option<String> {
        match (self.target, word) {
            // The name has its part in it.
            (Target::ClaudeCode, _) => Some(part.to_owned()),
            (Target::OpenCode, "bash") => Some(match part.strip_suffix(":*") {
                Some(command) => format!("{command} *"),
                None => part.to_owned(),
            }),
            (Target::OpenCode, "edit" | "read") => Some(part.to_owned()),
            _ => None,
        }
    }

    /// Whether tools that the document tells apart are one in the target: some are allowed, and another
    /// one is not.
    pub fn warn_of_one_word(&mut self, agent: &Agent<'_>, allowed: &[Right], denied: &[Right]) {
        for right in denied.iter().filter(|right| right.part.is_none()) {
            let is_allowed = allowed.iter().any(|one| one.word == right.word);
            if !is_allowed {
                continue;
            }
            let lost = format!(
                "`{}` is one tool there, allowed under one name and denied under another, so it is denied",
                right.word
            );
            let help = "name only what is meant in `tools`";
            self.warn(Some(agent.node), Topic::Agents, lost, help);
        }
        let given: Vec<&String> = agent.tools.iter().flatten().collect();
        self.warn_of_others(agent, allowed, &given, "allowed");
        let refused: Vec<&String> = agent.disallowed.iter().collect();
        self.warn_of_others(agent, denied, &refused, "denied");
    }

    /// Tools that nobody named and that are allowed or denied with those that have the same word.
    fn warn_of_others(
        &mut self,
        agent: &Agent<'_>,
        rights: &[Right],
        named: &[&String],
        done: &str,
    ) {
        let mut seen: Vec<&str> = Vec::new();
        for right in rights {
            let mut others = vocabulary::of_document(self.target, &right.word);
            // They are two names of one tool.
            others.retain(|other| !STARTERS.contains(other));
            // A part that is named is no more than that part.
            let is_named = |name: &str, other: &str| match right.part {
                None => name == other,
                Some(_) => name.split('(').next() == Some(other),
            };
            others.retain(|other| !named.iter().any(|name| is_named(name, other)));
            if others.is_empty() || seen.contains(&right.word.as_str()) {
                continue;
            }
            seen.push(&right.word);
            let others: Vec<_> = others.iter().map(|other| format!("`{other}`")).collect();
            let lost = format!(
                "`{}` is one tool there, so that {} {done} too",
                right.word,
                match others.as_slice() {
                    [one] => format!("{one} is"),
                    all => format!("{} are", all.join(", ")),
                }
            );
            let help = "leave out what has that name if only a part of it is meant";
            self.warn(Some(agent.node), Topic::Agents, lost, help);
        }
    }

    /// Permissions by the names that tools have in the client. Where two tools get one name, the
    /// stricter word counts.
    pub fn permissions(&mut self) -> Vec<Permission> {
        let rewrites = matches!(self.target, Target::ClaudeCode | Target::OpenCode);
        let given = self.outline.permissions.clone();
        if !rewrites {
            return given;
        }
        let mut found: BTreeMap<(String, Option<String>), Permission> = BTreeMap::new();
        for permission in given {
            let tool = permission.tool.as_deref().map(plain);
            let key = (permission.server.clone(), tool.clone());
            let strictness =
                |word: &str| ["allow", "ask", "deny"].iter().position(|one| *one == word);
            let before = found.get(&key);
            if before.is_none_or(|one| strictness(one.word) < strictness(permission.word)) {
                found.insert(key, Permission { tool, ..permission });
            }
        }
        found.into_values().collect()
    }

    /// Tools of one server that get one name in the client.
    pub fn warn_of_one_name(&mut self) {
        let outline = self.outline;
        let mut seen: BTreeMap<(String, String), &str> = BTreeMap::new();
        for step in outline.steps.iter().filter(|step| step.node.kind == "mcp") {
            let text = |setting: &str| {
                step.node
                    .settings
                    .get(setting)
                    .and_then(serde_json::Value::as_str)
            };
            let (Some(server), Some(tool)) = (text("serverId"), text("toolName")) else {
                continue;
            };
            let other = *seen.entry((plain(server), plain(tool))).or_insert(tool);
            if other != tool {
                let lost = format!(
                    "the tools `{}` and `{}` get one name, `{}`",
                    other.escape_debug(),
                    tool.escape_debug(),
                    plain(tool)
                );
                let help = "rename one of them at the server";
                self.warn(Some(step.node), Topic::Servers, lost, help);
            }
        }
    }
}

/// A word of a command for a POSIX shell.
pub fn shell(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::shell;

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        for (word, is) in [
            ("a-b", "a-b"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's; rm", "'it'\\''s; rm'"),
            ("s(t)", "'s(t)'"),
        ] {
            assert_eq!(shell(word), is);
        }
    }
}
