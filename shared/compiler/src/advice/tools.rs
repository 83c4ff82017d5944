//! Tools that a sub-agent may use and that no server of the workflow offers.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{Problem, pointer_to};
use lattice_nodes::prose::words;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the name of a tool of a server begins with, as the server's name, `__` and the tool follow.
const PREFIX: &str = "mcp__";

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let servers = servers(unit);
    for (index, node) in unit.document.nodes.iter().enumerate() {
        if node.kind != "subAgent" {
            continue;
        }
        let pointer = pointer_to(&unit.pointers.settings(index), "tools");
        for name in words(node.settings.get("tools")) {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let (server, tool) = rest.split_once("__").unwrap_or((rest, "*"));
            let known = servers.get(server);
            let (text, help) = match known {
                None => {
                    let names = servers.keys().map(String::as_str);
                    let meant = unit.suggest.meant(server, names);
                    let text = format!(
                        "`{}` is a tool of the server `{}`, and no `mcp` node names it{meant}",
                        name.escape_debug(),
                        server.escape_debug()
                    );
                    let help = "add an `mcp` node with this `serverId`, or set the server up in the \
                                client";
                    (text, help)
                }
                Some(Some(tools)) if tool != "*" && !tools.contains(tool) => {
                    let meant = unit.suggest.meant(tool, tools.iter().map(String::as_str));
                    let text = format!(
                        "no `mcp` node of the server `{}` names the tool `{}`{meant}",
                        server.escape_debug(),
                        tool.escape_debug()
                    );
                    (
                        text,
                        "check the name: no client says that a tool does not exist",
                    )
                }
                Some(_) => continue,
            };
            let problem = Problem::warning(codes::UNKNOWN_TOOL, &pointer, text);
            problems.add(problem.at_node(&node.id).help(help));
        }
    }
}

/// The servers as they stand in the names of tools, each with the tools that nodes call; `None` for
/// them where a model picks the tool, which may be any.
fn servers(unit: &Unit<'_>) -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut found: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
    for node in unit.document.nodes.iter().filter(|node| node.kind == "mcp") {
        let text = |setting: &str| node.settings.get(setting).and_then(Value::as_str);
        let tools = found.entry(plain(text("serverId").unwrap_or_default()));
        let tools = tools.or_insert_with(|| Some(BTreeSet::new()));
        match (text("toolName"), tools.as_mut()) {
            (Some(tool), Some(tools)) => {
                tools.insert(plain(tool));
            }
            _ => *tools = None,
        }
    }
    found
}

/// A name as it stands in the longer name of a tool.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter.is_ascii_alphanumeric() || letter == '-' {
        true => letter,
        false => '_',
    };
    name.chars().map(letter).collect()
}
