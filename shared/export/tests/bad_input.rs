//! Names and texts that break files elsewhere, read back with parsers that are not ours, and what must
//! not change the bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files"
)]

mod support;

use lattice_document::Document;
use lattice_export::{Export, Target, codes, export};
use serde_json::{Value, json};
use support::{chain, document, documents, everything};

const TEXTS: &[&str] = &[
    "Step: one # not a comment",
    "\"quoted\" and 'single' \\ back",
    "\u{1f680} emoji",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{202e}abc",
    "a\n---\nname: other\n...\n",
    "'''\ntoml = \"\"\"x\"\"\"\n[table]\n'''",
    "control \u{7} \u{1b}[31m \u{7f} \u{85} \u{2028} end",
    "- [ ] *x* &a !tag | > %YAML @at `tick`",
    "$ARGUMENTS $1 !`rm -rf .` @README.md",
    "null",
    "\t tab and trailing  ",
];

/// The front matter and the text below it, as YAML 1.1 has them.
fn front(bytes: &[u8]) -> (serde_yaml_ng::Value, String) {
    let text = std::str::from_utf8(bytes).unwrap();
    let rest = text.strip_prefix("---\n").unwrap();
    let (front, body) = rest.split_once("\n---\n").unwrap();
    (
        serde_yaml_ng::from_str(front).unwrap(),
        body.trim().to_owned(),
    )
}

/// Reads every file with a parser of its format.
fn parse(export: &Export) {
    for (path, bytes) in &export.files {
        let text = std::str::from_utf8(bytes).unwrap();
        // TOML takes what stands behind ASCII as it is.
        let is_toml = path.ends_with(".toml");
        let legal = |letter: char| match letter {
            '\n' | '\t' => true,
            '\u{80}'..='\u{9f}' => is_toml,
            _ => !letter.is_control(),
        };
        assert!(text.chars().all(legal), "{path}: a control character");
        assert!(!path.starts_with('/') && !path.contains(".."), "{path}");
        match path.rsplit_once('.').map(|(_, end)| end) {
            Some("json") => drop(serde_json::from_str::<Value>(text).unwrap()),
            Some("toml") => drop(text.parse::<toml::Table>().unwrap()),
            _ if path.ends_with("WORKFLOW.md") => {}
            _ => {
                let (front, body) = front(bytes);
                assert!(front["description"].is_string(), "{path}");
                assert!(!body.is_empty(), "{path}");
            }
        }
    }
}

fn with_text(text: &str) -> Document {
    let mut value = chain(&[
        json!({"id": "agent", "type": "subAgent", "label": text, "settings": {
            "name": format!("agent {text}"), "description": format!("x {text}"),
            "prompt": format!("p {text}")}}),
        json!({"id": "skill", "type": "skill", "settings": {
            "name": format!("skill {text}"), "description": format!("x {text}"),
            "instructions": format!("i {text}")}}),
        json!({"id": "tool", "type": "mcp", "settings": {
            "serverId": format!("s{text}"), "toolName": format!("t{text}"), "permission": "allow",
            "server": {"command": ["run", text], "env": {"A": text}}}}),
    ]);
    value["name"] = json!(format!("w {text}"));
    value["description"] = json!(text);
    document(&value)
}

#[test]
fn any_text_is_read_back_as_it_was() {
    let long = "long name ".repeat(19);
    for text in TEXTS.iter().copied().chain([long.as_str()]) {
        let document = with_text(text);
        for target in Target::ALL {
            let made = export(&document, *target).unwrap_or_else(|it| panic!("{text:?}: {it:?}"));
            parse(&made);
        }
        let made = export(&document, Target::ClaudeCode).unwrap();
        let servers: Value = serde_json::from_slice(&made.files[".mcp.json"]).unwrap();
        let server = servers["mcpServers"]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .clone();
        assert_eq!(server["args"][0], text);
        assert_eq!(server["env"]["A"], text);
        let agents: Vec<_> = made
            .files
            .iter()
            .filter(|(path, _)| path.contains("agents/"))
            .collect();
        let (front, body) = front(agents[0].1);
        let one_line = |text: &str| {
            let text = text.replace(
                |letter: char| letter.is_control() || letter == '\u{202e}',
                " ",
            );
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            front["description"].as_str().unwrap(),
            one_line(&format!("x {text}"))
        );
        let shown = |letter: char| match letter {
            '\n' | '\t' => letter,
            '\u{202e}' => char::REPLACEMENT_CHARACTER,
            _ if letter.is_control() => '\u{fffd}',
            _ => letter,
        };
        let whole: String = format!("p {text}").chars().map(shown).collect();
        assert_eq!(body, whole.trim());
    }
}

#[test]
fn codex_reads_back_what_the_agent_is_told() {
    for text in TEXTS {
        let made = export(&with_text(text), Target::Codex).unwrap();
        let agents = made
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(".codex/agents/"));
        for (_, bytes) in agents {
            let table: toml::Table = std::str::from_utf8(bytes).unwrap().parse().unwrap();
            let told = table["developer_instructions"].as_str().unwrap();
            assert!(told.starts_with("p "), "{told}");
            assert!(table["name"].as_str().unwrap().starts_with("agent"));
        }
    }
}

/// Clients run and replace what stands in the page that they load: no text of the document is in it.
#[test]
fn nothing_of_the_document_is_run_by_loading_the_skill() {
    let document = with_text("$1 !`touch x` @README.md");
    for target in Target::ALL {
        let made = export(&document, *target).unwrap();
        let (_, page) = made
            .files
            .iter()
            .find(|(path, _)| path.ends_with("chain/SKILL.md"))
            .unwrap();
        let (_, body) = front(page);
        for sign in ["$", "!`", "@"] {
            assert!(!body.contains(sign), "{target}: {body}");
        }
    }
}

fn codes_of(nodes: &[Value], target: Target) -> Vec<(&'static str, String)> {
    let problems = export(&document(&chain(nodes)), target).unwrap_err();
    problems
        .iter()
        .map(|one| (one.code.id(), one.text.clone()))
        .collect()
}

fn agent(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "subAgent", "settings": {"name": name, "prompt": "p"}})
}

#[test]
fn two_nodes_of_one_name_are_both_named() {
    for target in Target::ALL {
        let found = codes_of(&[agent("one", "News!"), agent("two", "news")], *target);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, codes::SAME_NAME.id());
        assert!(
            found[0].1.contains("`one`") && found[0].1.contains("`two`"),
            "{}",
            found[0].1
        );
    }
}

#[test]
fn names_that_clients_keep_are_refused() {
    let cases = [
        (Target::ClaudeCode, "Plan"),
        (Target::Codex, "worker"),
        (Target::OpenCode, "build"),
        (Target::Copilot, "task"),
        (Target::Copilot, "CON"),
    ];
    for (target, name) in cases {
        assert_eq!(
            codes_of(&[agent("one", name)], target)[0].0,
            codes::TAKEN_NAME.id(),
            "{name}"
        );
    }
    let skill = |name: &str| json!({"id": "s", "type": "skill", "settings": {"name": name, "instructions": "i"}});
    assert_eq!(
        codes_of(&[skill("claude-tips")], Target::Codex)[0].0,
        codes::TAKEN_NAME.id()
    );
    assert_eq!(
        codes_of(&[skill("chain")], Target::Codex)[0].0,
        codes::SAME_NAME.id()
    );
    assert_eq!(
        codes_of(&[skill("\u{2728}")], Target::Codex)[0].0,
        codes::NO_NAME.id()
    );
}

#[test]
fn a_server_is_set_up_once() {
    let tool = |id: &str, server: &str, url: &str| {
        json!({"id": id, "type": "mcp", "settings": {
            "serverId": server, "toolName": "t", "server": {"url": url}}})
    };
    let two = [
        tool("a", "web", "https://a.example.com"),
        tool("b", "web", "https://b.example.com"),
    ];
    assert_eq!(codes_of(&two, Target::Codex)[0].0, codes::TWO_SERVERS.id());
    let one = [
        tool("a", "w b", "https://a.example.com"),
        tool("b", "w.b", "https://a.example.com"),
    ];
    assert_eq!(codes_of(&one, Target::Codex)[0].0, codes::SAME_NAME.id());
}

#[test]
fn a_prompt_may_be_as_long_as_the_client_reads() {
    let told = |letters: usize| {
        let node =
            json!({"id": "a", "type": "subAgent", "settings": {"prompt": "x".repeat(letters)}});
        export(&document(&chain(&[node])), Target::Copilot)
    };
    assert!(told(30_000).is_ok());
    assert_eq!(told(30_001).unwrap_err()[0].code, codes::TOO_LONG);
}

#[test]
fn what_cannot_be_compiled_is_not_exported() {
    let node = json!({"id": "a", "type": "subAgent", "settings": {"prompt": "{{in."}});
    assert_eq!(codes_of(&[node], Target::Codex)[0].0, "LAT-N006");
}

#[test]
fn the_order_in_the_file_means_nothing() {
    for (name, document) in documents() {
        let mut turned = document.clone();
        turned.nodes.reverse();
        turned.edges.reverse();
        for target in Target::ALL {
            let (one, other) = (export(&document, *target), export(&turned, *target));
            match (one, other) {
                (Ok(one), Ok(other)) => assert_eq!(one, other, "{name} {target}"),
                (one, other) => assert_eq!(one.is_ok(), other.is_ok(), "{name} {target}"),
            }
        }
    }
}

#[test]
fn every_warning_says_where_it_is_documented() {
    for target in Target::ALL {
        let made = export(&document(&everything()), *target).unwrap();
        assert!(!made.warnings.is_empty());
        for warning in made.warnings {
            assert!(warning.link.starts_with("https://"), "{warning}");
            assert!(
                warning.node.is_some() && !warning.help.is_empty(),
                "{warning}"
            );
        }
    }
}

/// The list of problems is cut at 500: those that only keep a document from running take no place in it.
#[test]
fn six_hundred_nodes_that_cannot_be_run_yet_are_exported() {
    let agent = |place: usize| json!({"id": format!("a{place}"), "type": "subAgent", "settings": {"prompt": "Go."}});
    let nodes: Vec<_> = (0..600).map(agent).collect();
    let made = export(&document(&chain(&nodes)), Target::ClaudeCode).unwrap();
    assert_eq!(made.files.len(), 602);
    // What is wrong is still found among them.
    let mut nodes = nodes;
    nodes[599]["settings"]["prompt"] = json!("{{in.");
    let problems = export(&document(&chain(&nodes)), Target::ClaudeCode).unwrap_err();
    let node = |one: &lattice_document::Problem| one.node.as_ref().map(ToString::to_string);
    let errors: Vec<_> = problems
        .iter()
        .filter(|one| one.is_error())
        .map(node)
        .collect();
    assert_eq!(errors, [Some("a599".to_owned())]);
}

#[test]
fn a_description_that_is_cut_is_said_and_that_of_a_sub_agent_is_whole() {
    let long = "word ".repeat(300);
    let nodes = [
        json!({"id": "s", "type": "skill", "settings": {"name": "s", "description": long, "instructions": "Go."}}),
        json!({"id": "a", "type": "subAgent", "settings": {"name": "a", "description": long, "prompt": "Go."}}),
    ];
    for target in Target::ALL {
        let made = export(&document(&chain(&nodes)), *target).unwrap();
        let said: Vec<_> = made
            .warnings
            .iter()
            .filter(|one| one.lost.contains("1499 characters"))
            .collect();
        let about: Vec<_> = said
            .iter()
            .filter_map(|one| one.node.as_ref())
            .map(|node| node.as_str())
            .collect();
        assert_eq!(about, ["s"], "{target}: {:?}", made.warnings);
        let whole = made
            .files
            .values()
            .filter(|bytes| String::from_utf8_lossy(bytes).contains(long.trim()));
        assert_eq!(whole.count(), 1, "{target}");
    }
}

#[test]
fn what_a_client_puts_a_value_in_for_is_said() {
    let nodes = [
        json!({"id": "m", "type": "mcp", "settings": {"serverId": "m", "toolName": "t", "server": {
        "command": ["run"], "env": {"A": "in ${HOME} of {env:USER}", "B": "{{secret.B}}"}}}}),
    ];
    for (target, part) in [
        (Target::ClaudeCode, Some("`${HOME}`")),
        (Target::Codex, None),
        (Target::OpenCode, Some("`{env:USER}`")),
        (Target::Copilot, Some("`${HOME}`")),
    ] {
        let made = export(&document(&chain(&nodes)), target).unwrap();
        let said = made
            .warnings
            .iter()
            .find(|one| one.lost.contains("puts something else"));
        let is_right = said.map(|one| part.is_some_and(|part| one.lost.contains(part)));
        assert_eq!(
            is_right,
            part.map(|_| true),
            "{target}: {:?}",
            made.warnings
        );
    }
}
