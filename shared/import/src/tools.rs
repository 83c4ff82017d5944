//! The tools of clients as documents name them.

use crate::reading::Fields;
use lattice_export::{NO_TOOLS, Target, vocabulary};
use serde_json::{Map, Value};

/// What a sub-agent may use: without a list everything, with an empty one nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    pub tools: Option<Vec<String>>,
    pub denied: Vec<String>,
}

impl Rights {
    /// Puts them into the settings of a sub-agent.
    pub fn put(self, settings: &mut Map<String, Value>) {
        if let Some(tools) = self.tools {
            settings.insert("tools".to_owned(), tools.into());
        }
        if !self.denied.is_empty() {
            settings.insert("disallowedTools".to_owned(), self.denied.into());
        }
    }
}

/// The lists of Claude Code, whose names documents use; `None` if they cannot be read.
pub fn claude_code(fields: &mut Fields<'_, '_>) -> Option<Rights> {
    let read =
        |it: &mut Fields<'_, '_>| (it.list("tools", &[',']), it.list("disallowedTools", &[',']));
    let (tools, denied) = fields.or_leave_out(read)?;
    // An empty list means all of them to this client.
    let is_some = |tools: &Vec<String>| !tools.is_empty() && !tools.iter().any(|tool| tool == "*");
    Some(Rights {
        tools: tools.filter(is_some).map(|tools| match tools.as_slice() {
            [one] if one == NO_TOOLS => Vec::new(),
            _ => tools,
        }),
        denied: denied.unwrap_or_default(),
    })
}

/// The list of GitHub Copilot; `None` if it cannot be read.
pub fn copilot(fields: &mut Fields<'_, '_>) -> Option<Rights> {
    let words = fields.or_leave_out(|it| it.list("tools", &[',']))?;
    let is_some = |words: &Vec<String>| !words.iter().any(|word| word == "*");
    let Some(words) = words.filter(is_some) else {
        return Some(Rights::default());
    };
    let mut tools: Vec<String> = Vec::new();
    for word in words {
        let known = vocabulary::of_document(Target::Copilot, &word);
        match word.split_once('/') {
            _ if !known.is_empty() => tools.extend(known.into_iter().map(str::to_owned)),
            Some((server, "*")) => tools.push(format!("mcp__{server}")),
            Some((server, tool)) => tools.push(format!("mcp__{server}__{tool}")),
            None => {
                let why = format!("`{word}` is no tool that documents know, so it is not allowed");
                fields.leave(
                    "tools",
                    why,
                    "name another tool in `tools` of the node if it needs one",
                );
            }
        }
    }
    Some(Rights {
        tools: Some(once(tools)),
        denied: Vec::new(),
    })
}

/// Each text once, at its first place.
pub fn once(texts: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}
