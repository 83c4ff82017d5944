//! Makes the templates, values and tests of random Programs, and knows what they may read.

use crate::oracle::chance::Chance;
use crate::oracle::shapes::build::{equal, when};
use lattice_ir::Arm;
use serde_json::{Value, json};

/// What expressions may read of the nodes made so far.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Nodes whose output is the same in every way of running: it may be read as a whole. Each with
    /// the place of its op.
    whole: Vec<(usize, String)>,
    /// Nodes whose output may be that of a failure: of it only the kind is read.
    caught: Vec<String>,
    /// The places that every way to the op being made passes, as bits.
    passed: u64,
}

impl Words {
    /// Begins an op that lies behind these places, whichever way a run takes.
    pub fn behind(&mut self, passed: u64) {
        self.passed = passed;
    }

    /// Takes a node that has an output; `caught` says whether its failure may become the output.
    pub fn give(&mut self, node: &str, place: usize, caught: bool) {
        match caught {
            true => self.caught.push(node.to_owned()),
            false => self.whole.push((place, node.to_owned())),
        }
    }

    /// A node to read: mostly one that was surely passed, now and then one that may not have been.
    fn node(&self, chance: &mut Chance) -> Option<&str> {
        let daring = chance.percent(8);
        let readable = |place: usize| daring || self.passed >> place & 1 == 1;
        let nodes = self.whole.iter().filter(|(place, _)| readable(*place));
        let nodes: Vec<_> = nodes.map(|(_, node)| node.as_str()).collect();
        nodes.get(chance.below(nodes.len())).copied()
    }

    /// A reference to something that stays of the size it was.
    fn small(&self, chance: &mut Chance) -> String {
        let caught = self.caught.get(chance.below(self.caught.len()));
        match (chance.below(100), caught) {
            (0..3, Some(node)) => format!("{{{{nodes.{node}.output.error.kind}}}}"),
            (3..5, _) => "{{in.gone}}".to_owned(),
            _ => {
                let rest = ["in.tag", "in.items", "in.items[0].n", "in.text", "run.id"];
                format!("{{{{{}}}}}", chance.pick("in.n", &rest))
            }
        }
    }

    /// A reference to anything. What it reads may hold what others read before, so an expression has
    /// at most one, and no value outgrows its limit in 20 ops.
    fn any(&self, chance: &mut Chance) -> String {
        let node = self.node(chance);
        match (chance.below(100), node) {
            (0..40, Some(node)) => format!("{{{{nodes.{node}.output}}}}"),
            (40..70, _) => {
                let rest = ["vars.tag", "vars.list", "vars.list[0]"];
                format!("{{{{{}}}}}", chance.pick("vars.count", &rest))
            }
            (70..72, _) => "{{vars.extra}}".to_owned(),
            _ => self.small(chance),
        }
    }

    /// A template of a text.
    pub fn template(&self, chance: &mut Chance) -> String {
        let (one, other) = (self.any(chance), self.small(chance));
        match chance.below(4) {
            0 => format!("say {one}"),
            1 => format!("{other} and \\{{{{ {one}"),
            2 => format!("{one} of {other}: ü"),
            _ => one,
        }
    }

    /// JSON with templates in it.
    pub fn value(&self, chance: &mut Chance) -> Value {
        match chance.below(4) {
            0 => json!(self.any(chance)),
            1 => json!({ "text": self.template(chance), "n": chance.below(10) }),
            2 => json!([self.any(chance), null, { "deep": [self.small(chance)] }]),
            _ => json!(self.template(chance)),
        }
    }

    /// An arm of a choice: the test fails now and then.
    pub fn arm(&self, chance: &mut Chance, place: usize, to: u32) -> Arm {
        let port = format!("branch-{place}");
        let n = chance.below(10);
        let test = match chance.below(16) {
            0..6 => format!("in.n >= {n}"),
            6 => "in.tag == 'b' || in.n == 3".to_owned(),
            7 | 8 => format!("size(in.items) > {}", n / 3),
            9 | 10 => format!("has(in.gone) || in.items.exists(item, item.n == {n})"),
            11 => format!("vars.count == {n}"),
            12 => "in.tag > 3".to_owned(),
            13 => return equal("{{in.n}}", json!(n), &port, to),
            14 => {
                let tag = chance.pick("a", &["b", "c"]);
                return equal("{{vars.tag}}", json!(tag), &port, to);
            }
            _ => return equal(&self.any(chance), json!(null), &port, to),
        };
        when(&test, &port, to)
    }
}
