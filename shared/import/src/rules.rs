//! The permissions of a sub-agent of OpenCode as the two lists of a document.
//!
//! There the last rule that matches counts; in a document what is denied counts, wherever it stands.
//! What cannot be said in these lists becomes less than it was, never more.

use crate::reading::Fields;
use crate::tools::{Rights, once};
use crate::tree::{Map, Tree};
use lattice_export::{Target, vocabulary};

/// Words of permissions that are no tools.
const CONDITIONS: &[&str] = &["doom_loop", "external_directory"];

/// Reads the rules. `None`: one that denies something cannot be kept, so the sub-agent could do more.
pub fn rights(fields: &mut Fields<'_, '_>, rules: Map, servers: &[String]) -> Option<Rights> {
    let first = rules.iter().rposition(|(key, _)| key == "*");
    let base = first.and_then(|at| rules.get(at).map(|(_, word)| word.clone()));
    let mut made = Made {
        fields,
        is_listed: false,
        tools: Vec::new(),
        denied: Vec::new(),
    };
    made.is_listed = base.is_some_and(|word| made.word("*", &word) == Some(Word::Deny));
    for (key, rule) in rules.into_iter().skip(first.map_or(0, |at| at + 1)) {
        made.rule(&key, rule, servers)?;
    }
    let denied = once(made.denied);
    let tools = once(made.tools);
    let tools = tools.into_iter().filter(|tool| !denied.contains(tool));
    Some(Rights {
        tools: made.is_listed.then(|| tools.collect()),
        denied,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Allow,
    Deny,
}

struct Made<'m, 'r, 'f> {
    fields: &'m mut Fields<'r, 'f>,
    is_listed: bool,
    tools: Vec<String>,
    denied: Vec<String>,
}

impl Made<'_, '_, '_> {
    /// The word of a rule. One that no one knows denies.
    fn word(&mut self, key: &str, rule: &Tree) -> Option<Word> {
        let key = format!("permission.{key}");
        match rule {
            Tree::Text(word) if word == "allow" => return Some(Word::Allow),
            Tree::Text(word) if word == "deny" => return Some(Word::Deny),
            Tree::Text(word) if word == "ask" => {
                let why = "a sub-agent of a document asks nobody, so it is denied";
                self.fields.leave(
                    &key,
                    why,
                    "allow it in `tools` of the node if it may do that unasked",
                );
            }
            Tree::Map(_) => return None,
            _ => {
                let why = "it is none of `allow`, `ask` and `deny`, so it is denied";
                self.fields
                    .leave(&key, why, "mend the file and import again");
            }
        }
        Some(Word::Deny)
    }

    fn rule(&mut self, key: &str, rule: Tree, servers: &[String]) -> Option<()> {
        if CONDITIONS.contains(&key) {
            let why = "it is no tool, and a document has no place for it";
            self.fields.leave(
                &format!("permission.{key}"),
                why,
                "write it into the exported file again",
            );
            return Some(());
        }
        let names = names(key, servers);
        let whole = self.word(key, &rule);
        if names.is_empty() {
            return self.unknown(key, rule, whole);
        }
        match (rule, whole) {
            (_, Some(Word::Allow)) => self.allow(key, &names),
            (_, Some(Word::Deny)) => self.denied.extend(names),
            (Tree::Map(parts), None) => self.parts(key, &names, parts),
            (_, None) => {}
        }
        Some(())
    }

    /// A tool that documents do not know, or a pattern.
    fn unknown(&mut self, key: &str, rule: Tree, whole: Option<Word>) -> Option<()> {
        let denies = match (&rule, whole) {
            (_, Some(word)) => word == Word::Deny,
            (Tree::Map(parts), None) => parts
                .iter()
                .any(|(_, word)| *word != Tree::Text("allow".to_owned())),
            (_, None) => false,
        };
        let place = format!("permission.{key}");
        if denies && self.is_listed {
            // What it denies is denied anyway, but for what was allowed before it.
            self.tools.retain(|tool| !may_hit(key, tool));
        }
        let (why, help) = match denies && !self.is_listed {
            true => (
                "documents know no such tool and cannot deny it, so the sub-agent is left out: it could \
                 do more without this rule",
                "allow by name what it needs, behind `\"*\": \"deny\"`, and import again",
            ),
            false => (
                "documents know no such tool, so it is not allowed",
                "name another tool in `tools` of the node if it needs one",
            ),
        };
        self.fields.leave(&place, why, help);
        (!denies || self.is_listed).then_some(())
    }

    fn allow(&mut self, key: &str, names: &[String]) {
        if self.is_listed {
            // Everything else of a server is denied anyway, and what was allowed before it was denied is.
            let is_hit = |one: &String| names.iter().any(|name| is_over(one, name));
            for over in self.denied.extract_if(.., |one| is_hit(one)) {
                self.tools.retain(|tool| !is_over(&over, tool));
            }
            self.tools.extend(names.iter().cloned());
        } else if self
            .denied
            .iter()
            .any(|one| names.iter().any(|name| is_over(one, name)))
        {
            let why = "it stands behind what denies more, and in a document what is denied counts";
            self.fields.leave(
                &format!("permission.{key}"),
                why,
                "deny in `disallowedTools` of the node only what is meant",
            );
        }
    }

    /// Rules for parts of a tool: of `bash` by the command, of `edit` and `read` by the file.
    fn parts(&mut self, key: &str, names: &[String], parts: Map) {
        let first = parts.iter().rposition(|(part, _)| part == "*");
        let whole = first
            .and_then(|at| parts.get(at))
            .map(|(_, word)| word.clone());
        let place = format!("{key}.*");
        let base = match whole {
            Some(word) => self.word(&place, &word).unwrap_or(Word::Deny),
            None if self.is_listed => Word::Deny,
            None => Word::Allow,
        };
        // What is not allowed is denied anyway, unless a rule before allows it, for one tool or the server.
        let is_near = |one: &str, name: &str| is_over(one, name) || is_over(name, one);
        let mut tools = self.tools.iter();
        let is_allowed = tools.any(|one| names.iter().any(|name| is_near(one, name)));
        if base == Word::Deny && (is_allowed || !self.is_listed) {
            self.denied.extend(names.iter().cloned());
        } else if base == Word::Allow && self.is_listed {
            self.tools.extend(names.iter().cloned());
        }
        let mut has_denied = false;
        for (part, word) in parts.into_iter().skip(first.map_or(0, |at| at + 1)) {
            let place = format!("{key}.{part}");
            let word = self.word(&place, &word).unwrap_or(Word::Deny);
            let said = part_of(key, &part);
            let named = |part: &str| {
                names
                    .iter()
                    .map(|name| format!("{name}({part})"))
                    .collect::<Vec<_>>()
            };
            match (word, said) {
                (Word::Deny, Some(part)) => self.denied.extend(named(&part)),
                (Word::Deny, None) => {
                    self.denied.extend(names.iter().cloned());
                    self.less(
                        &place,
                        "all of the tool is denied, for a document denies no part of it",
                    );
                }
                (Word::Allow, Some(part))
                    if self.is_listed && base == Word::Deny && !has_denied =>
                {
                    self.tools.extend(named(&part));
                }
                (Word::Allow, _) if base == Word::Allow && !has_denied => {}
                (Word::Allow, _) => {
                    self.less(
                        &place,
                        "it is not allowed, for a document cannot say that beside the other rules",
                    );
                }
            }
            has_denied = has_denied || word == Word::Deny;
        }
    }

    fn less(&mut self, place: &str, why: &str) {
        let help = "name what it needs in `tools` of the node";
        self.fields.leave(&format!("permission.{place}"), why, help);
    }
}

/// Whether one name is the other, or the server of it.
fn is_over(one: &str, name: &str) -> bool {
    let rest = name.strip_prefix(one);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("__"))
}

/// Whether a pattern may be that of a tool: it is if both begin alike, up to where one of them is open.
fn may_hit(pattern: &str, tool: &str) -> bool {
    let is_open = |text: &str| text.contains(['*', '?']);
    let fixed = |text: &str| text.split(['*', '?']).next().unwrap_or_default().to_owned();
    let vocabulary::Tool::Known(word) = vocabulary::tool(Target::OpenCode, tool) else {
        return true;
    };
    let (begins, word_begins) = (fixed(pattern), fixed(&word));
    match (is_open(pattern), is_open(&word)) {
        (false, false) => pattern == word,
        (true, false) => word.starts_with(&begins),
        (false, true) => pattern.starts_with(&word_begins),
        (true, true) => word_begins.starts_with(&begins) || begins.starts_with(&word_begins),
    }
}

/// A word of OpenCode in the names of documents.
fn names(key: &str, servers: &[String]) -> Vec<String> {
    let known = vocabulary::of_document(Target::OpenCode, key);
    if !known.is_empty() {
        return known.into_iter().map(str::to_owned).collect();
    }
    let found = server_tool(key, servers).map(|(server, tool)| match tool {
        Some(tool) => format!("mcp__{server}__{tool}"),
        None => format!("mcp__{server}"),
    });
    found.into_iter().collect()
}

/// `server_tool` and `server_*` as the server and the tool; the tool is `None` for all of them. Of a server
/// that is not set up the name ends at the first `_`.
fn server_tool<'k>(key: &'k str, servers: &[String]) -> Option<(&'k str, Option<&'k str>)> {
    let known = servers.iter().filter(|name| {
        let rest = key.strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.starts_with('_'))
    });
    let (server, tool) = match known.max_by_key(|name| name.len()) {
        Some(name) => (key.get(..name.len())?, key.get(name.len() + 1..)?),
        None => key.split_once('_')?,
    };
    let is_pattern = |text: &str| text.is_empty() || text.contains(['*', '?']);
    match tool {
        _ if is_pattern(server) => None,
        "*" => Some((server, None)),
        tool if is_pattern(tool) => None,
        tool => Some((server, Some(tool))),
    }
}

/// The server and the tool that a rule for the whole session is about.
pub fn of_server<'k>(key: &'k str, servers: &[String]) -> Option<(&'k str, Option<&'k str>)> {
    let is_tool = !vocabulary::of_document(Target::OpenCode, key).is_empty();
    match is_tool || CONDITIONS.contains(&key) {
        true => None,
        false => server_tool(key, servers),
    }
}

/// A part of a tool as documents write it; `None` if they know the whole tool only.
fn part_of(key: &str, part: &str) -> Option<String> {
    match key {
        "bash" => Some(match part.strip_suffix(" *") {
            Some(command) => format!("{command}:*"),
            None => part.to_owned(),
        }),
        "edit" | "read" => Some(part.to_owned()),
        _ => None,
    }
}
