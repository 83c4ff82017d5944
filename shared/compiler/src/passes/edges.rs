//! Edges: both ends are there, the ports exist, and one port has one edge.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{Edge, PORT_IN, PatchOp, Problem};
use lattice_nodes::Opened;
use serde_json::Value;
use std::collections::BTreeMap;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let mut taken = BTreeMap::new();
    for (index, edge) in unit.document.edges.iter().enumerate() {
        let one = One { unit, index, edge };
        let from = unit.graph.find(edge.from.as_str());
        let to = unit.graph.find(edge.to.as_str());
        problems.extend(
            from.is_none()
                .then(|| one.dangling("from", edge.from.as_str())),
        );
        problems.extend(to.is_none().then(|| one.dangling("to", edge.to.as_str())));
        if let Some(opened) = from.and_then(|from| unit.opened(from)) {
            problems.extend(one.check_from(opened));
        }
        if let Some(to) = to {
            problems.extend(one.check_to(to));
        }
        if let Some(from) = from {
            match taken.get(&(from, edge.from_port.as_str())) {
                Some(first) => problems.add(one.second_way(*first)),
                None => {
                    taken.insert((from, edge.from_port.as_str()), index);
                }
            }
        }
    }
}

struct One<'u> {
    unit: &'u Unit<'u>,
    index: usize,
    edge: &'u Edge,
}

impl One<'_> {
    fn problem(&self, code: lattice_document::Code, field: &str, text: String) -> Problem {
        Problem::error(code, self.unit.pointers.edge_field(self.index, field), text)
    }

    fn remove(&self) -> Vec<PatchOp> {
        let path = self.unit.pointers.edge(self.index);
        vec![PatchOp::Remove { path }]
    }

    fn dangling(&self, field: &str, id: &str) -> Problem {
        let meant = self.unit.suggest.meant(id, self.unit.graph.ids());
        let id = id.escape_debug();
        let word = match field {
            "from" => "leaves",
            _ => "leads to",
        };
        let text = format!(
            "the edge `{}` {word} `{id}`, and there is no such node{meant}",
            self.edge.id
        );
        let problem = self.problem(codes::DANGLING_EDGE, field, text);
        problem
            .help("name a node that is there, or remove the edge")
            .fix(self.remove())
    }

    fn check_from(&self, from: &Opened) -> Option<Problem> {
        let port = self.edge.from_port.as_str();
        if from.ports.iter().any(|known| known.name == port) {
            return None;
        }
        let id = &self.edge.from;
        if from.ports.is_empty() {
            let text = format!("an edge leaves `{id}`, and nothing can follow it");
            let problem = self.problem(codes::NO_EDGES_HERE, "from", text).at_node(id);
            return Some(problem.help("remove the edge").fix(self.remove()));
        }
        let names: Vec<_> = from
            .ports
            .iter()
            .map(|port| format!("`{}`", port.name))
            .collect();
        let text = format!("`{id}` has no port `{}`", port.escape_debug());
        let problem = self
            .problem(codes::UNKNOWN_PORT, "fromPort", text)
            .at_node(id);
        let problem = problem.help(format!("its ports are {}", names.join(", ")));
        let mut free = from.ports.iter().filter(|port| port.required);
        Some(match (free.next(), free.next()) {
            (Some(only), None) => problem.fix(vec![PatchOp::Add {
                path: self.unit.pointers.edge_field(self.index, "fromPort"),
                value: Value::from(only.name.as_str()),
            }]),
            _ => problem,
        })
    }

    fn check_to(&self, to: usize) -> Option<Problem> {
        let id = &self.edge.to;
        if self.unit.opened(to).is_some_and(|to| !to.takes_edges) {
            let kind = self.unit.node(to).map_or("", |node| node.kind.as_str());
            let text = format!("an edge leads to `{id}`, and a `{kind}` node takes none");
            let problem = self.problem(codes::NO_EDGES_HERE, "to", text).at_node(id);
            let help = "remove the edge, or lead it to a step of the flow";
            return Some(problem.help(help).fix(self.remove()));
        }
        if self.edge.to_port == PORT_IN {
            return None;
        }
        let port = self.edge.to_port.escape_debug();
        let text = format!("`{id}` has no port `{port}` to lead to");
        let problem = self
            .problem(codes::UNKNOWN_PORT, "toPort", text)
            .at_node(id);
        let path = self.unit.pointers.edge_field(self.index, "toPort");
        let help = format!("the only one is `{PORT_IN}`");
        Some(problem.help(help).fix(vec![PatchOp::Remove { path }]))
    }

    fn second_way(&self, first: usize) -> Problem {
        let from = &self.edge.from;
        let port = self.edge.from_port.escape_debug();
        let other = self.unit.document.edges.get(first);
        let other = other.map_or("", |edge| edge.id.as_str());
        let text = format!("the port `{port}` of `{from}` has the edge `{other}` already");
        let problem = self.problem(codes::TWO_WAYS, "from", text).at_node(from);
        let help = "one port leads to one node; a `parallel` node does several things at once";
        problem.help(help).fix(self.remove())
    }
}
