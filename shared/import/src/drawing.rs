//! Puts what was found into a document.

use crate::reading::{Piece, Reading};
use crate::{Import, Left, Taken};
use lattice_compiler::check_document;
use lattice_document::{Document, FORMAT, FORMAT_VERSION, Problem, read};
use lattice_export::{Target, slug};
use lattice_model::NodeId;
use lattice_nodes::codes::NOT_YET;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Draws the nodes: skills, sub-agents, then servers and tools, each kind by its names.
pub fn draw(mut reading: Reading<'_>, from: Target, name: &str) -> Result<Import, Vec<Left>> {
    let mut pieces = std::mem::take(&mut reading.pieces);
    let rank = |piece: &Piece| match piece.kind {
        "skill" => 0,
        "subAgent" => 1,
        _ => 2,
    };
    pieces.sort_by(|one, other| {
        (rank(one), &one.name, &one.file).cmp(&(rank(other), &other.name, &other.file))
    });
    let mut names: BTreeMap<(&str, String), String> = BTreeMap::new();
    let mut ids = BTreeSet::from(["start".to_owned(), "end".to_owned()]);
    let mut drawn = Vec::new();
    for piece in pieces {
        let key = (piece.kind, slug(&piece.name));
        if let Some(other) = names.get(&key).filter(|_| piece.kind != "mcp") {
            let why = format!("its name and that of `{other}` are one name, `{}`", key.1);
            let help = "give one of them another name and import again";
            reading.leave(&piece.file, Some("name"), why, help);
            continue;
        }
        let node =
            json!({"id": id(&piece, &mut ids), "type": piece.kind, "settings": piece.settings});
        if keep(&mut reading, &piece, &node) {
            names.insert(key, piece.file.clone());
            drawn.push((piece, node));
        }
    }
    reading.left.sort();
    reading.left.dedup();
    if drawn.is_empty() {
        return Err(reading.left);
    }
    let taken = drawn.iter().map(|(piece, node)| Taken {
        file: piece.file.clone(),
        kind: piece.kind,
        node: NodeId::new(node["id"].as_str().unwrap_or_default()),
    });
    let taken = taken.collect();
    let (id, name) = title(name, &drawn);
    let about =
        format!("What {from} had in the project, drawn one after the other by `lattice import`.");
    let nodes = drawn.iter().map(|(_, node)| node);
    let (document, _) = document_of(&id, &name, Some(&about), nodes);
    // INVARIANT: each node was read alone, and ids are unique.
    let document = document.ok_or_else(|| reading.left.clone())?;
    Ok(Import {
        document,
        taken,
        left: reading.left,
    })
}

/// The id and the name of the workflow. A skill and the workflow cannot have one name.
fn title(name: &str, drawn: &[(Piece, Value)]) -> (String, String) {
    let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
    let name: String = name.chars().map(shown).take(200).collect();
    let mut id = match slug(&name) {
        slug if slug.is_empty() => "imported".to_owned(),
        slug => slug,
    };
    let is_taken = |id: &str| {
        let mut skills = drawn.iter().filter(|(piece, _)| piece.kind == "skill");
        skills.any(|(piece, _)| slug(&piece.name) == id)
    };
    if is_taken(&id) {
        id.truncate(50);
        id.push_str("-workflow");
    }
    let name = match name.trim() {
        "" => "Imported".to_owned(),
        name => name.to_owned(),
    };
    (id, name)
}

fn id(piece: &Piece, ids: &mut BTreeSet<String>) -> String {
    let wanted = match slug(&piece.name) {
        slug if slug.is_empty() => piece.kind.to_lowercase(),
        slug => slug,
    };
    let mut id = wanted.clone();
    let mut number = 2;
    while !ids.insert(id.clone()) {
        id = format!("{wanted}-{number}");
        number += 1;
    }
    id
}

/// Whether a document with this node alone is sound; says what is wrong if it is not.
fn keep(reading: &mut Reading<'_>, piece: &Piece, node: &Value) -> bool {
    let (document, mut problems) = document_of("alone", "Alone", None, [node].into_iter());
    if let Some(document) = &document {
        problems.extend(check_document(document, &[NOT_YET]));
    }
    problems.retain(Problem::is_error);
    for problem in &problems {
        let why = format!("it is left out: {}", problem.text);
        reading.leave(&piece.file, None, why, &problem.help);
    }
    problems.is_empty()
}

/// A document in which the nodes follow each other. What is denied is beside the way, for a step that
/// calls it would fail.
fn document_of<'n>(
    id: &str,
    name: &str,
    about: Option<&str>,
    nodes: impl Iterator<Item = &'n Value>,
) -> (Option<Document>, Vec<Problem>) {
    let mut all = vec![json!({"id": "start", "type": "start"})];
    let mut edges = Vec::new();
    let mut before = json!("start");
    for node in nodes {
        if node["settings"]["permission"] != "deny" {
            edges.push(
                json!({"id": format!("e{}", edges.len() + 1), "from": before, "to": node["id"]}),
            );
            before = node["id"].clone();
        }
        all.push(node.clone());
    }
    edges.push(json!({"id": format!("e{}", edges.len() + 1), "from": before, "to": "end"}));
    all.push(json!({"id": "end", "type": "end"}));
    let mut value = json!({
        "format": FORMAT, "formatVersion": FORMAT_VERSION, "id": id, "name": name,
        "nodes": all, "edges": edges,
    });
    if let Some(about) = about {
        value["description"] = about.into();
    }
    let reading = read(value.to_string().as_bytes());
    (reading.document, reading.problems)
}
