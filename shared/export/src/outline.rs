//! A workflow in neutral terms: its steps in the order in which they are read, and the sub-agents,
//! skills, servers and permissions that it needs.

use crate::codes;
use crate::names::{line, slug};
use crate::servers::{self, Permission, Server};
use lattice_compiler::{check_document, codes as compiler};
use lattice_document::{Code, Document, Node, PORT_ERROR, PORT_OUT, Problem, branch_of_port};
use lattice_expr::Template;
use lattice_nodes::prose::{Need, Teller, Told, words};
use lattice_nodes::{codes as nodes, find};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a description: what the format of Agent Skills allows.
pub const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// What keeps a document from running and not from being exported: nodes that cannot be run yet, and
/// other workflows, which are exports of their own.
pub const FOR_RUNS: &[Code] = &[
    nodes::NOT_YET,
    nodes::OTHER_LANGUAGE,
    compiler::UNKNOWN_FLOW,
];

/// The workflow.
pub struct Outline<'d> {
    pub document: &'d Document,
    /// Its name in files.
    pub slug: String,
    pub steps: Vec<Step<'d>>,
    /// The number of each step, by its node.
    numbers: BTreeMap<&'d str, usize>,
    pub agents: Vec<Agent<'d>>,
    pub skills: Vec<SkillFile<'d>>,
    pub servers: Vec<Server<'d>>,
    pub permissions: Vec<Permission>,
}

/// A step; its number is its place, counted from 1.
pub struct Step<'d> {
    pub node: &'d Node,
    pub told: Told,
    /// Where it goes on: the port and the place of the step.
    pub ways: Vec<(&'d str, usize)>,
    /// The places of the steps whose branches meet here.
    pub joins: Vec<usize>,
}

impl Step<'_> {
    /// What it is called.
    pub fn title(&self) -> String {
        let label = self.node.label.as_deref().map(|label| line(label, 80));
        let label = label.filter(|label| !label.is_empty());
        label.unwrap_or_else(|| self.node.id.to_string())
    }
}

/// A sub-agent.
pub struct Agent<'d> {
    pub node: &'d Node,
    pub slug: String,
    pub description: String,
    pub prompt: &'d str,
    /// The text that the prompt is, if it refers to nothing.
    pub text: Option<String>,
    pub model: Option<&'d str>,
    /// What it may use; `None`: all that there is.
    pub tools: Option<Vec<String>>,
    pub disallowed: Vec<String>,
    pub max_turns: Option<u64>,
    pub memory: Option<&'d str>,
    pub color: Option<&'d str>,
}

/// A skill that the workflow brings along.
pub struct SkillFile<'d> {
    pub node: &'d Node,
    pub slug: String,
    pub description: String,
    pub instructions: &'d str,
    pub allowed_tools: Vec<String>,
}

impl<'d> Outline<'d> {
    /// Reads a document, and says everything that is wrong with it whatever the target is.
    pub fn of(document: &'d Document) -> (Self, Vec<Problem>) {
        let mut problems = check_document(document, FOR_RUNS);
        let steps = steps(document);
        let numbers = steps.iter().zip(1..);
        let mut outline = Self {
            document,
            slug: slug(document.id.as_str()),
            numbers: numbers
                .map(|(step, at)| (step.node.id.as_str(), at))
                .collect(),
            steps,
            agents: Vec::new(),
            skills: Vec::new(),
            servers: Vec::new(),
            permissions: Vec::new(),
        };
        if problems.iter().any(Problem::is_error) {
            return (outline, problems);
        }
        if outline.slug.is_empty() {
            let text = format!("nothing is left of the id `{}`", document.id);
            let problem = Problem::error(codes::NO_NAME, "/id", text);
            problems.push(problem.help("use letters from `a` to `z` or digits in it"));
        }
        outline.agents = of_kind(document, "subAgent").map(agent).collect();
        outline.skills = skills(document, &mut problems);
        let agents = outline.agents.iter();
        unique(
            document,
            "sub-agent",
            agents.map(|one| (one.node, &one.slug)),
            &mut problems,
        );
        let skills = outline.skills.iter();
        unique(
            document,
            "skill",
            skills.map(|one| (one.node, &one.slug)),
            &mut problems,
        );
        outline.servers = servers::servers(document, &mut problems);
        outline.permissions = servers::permissions(document);
        (outline, problems)
    }

    /// Where a node stands among the steps, counted from 1.
    pub fn number(&self, node: &str) -> Option<usize> {
        self.numbers.get(node).copied()
    }
}

/// The nodes of a type, by id, so that the order in the file means nothing.
pub fn of_kind<'d>(document: &'d Document, kind: &str) -> impl Iterator<Item = &'d Node> {
    let mut nodes: Vec<_> = document
        .nodes
        .iter()
        .filter(|node| node.kind == kind)
        .collect();
    nodes.sort_by_key(|node| node.id.as_str());
    nodes.into_iter()
}

fn agent(node: &Node) -> Agent<'_> {
    let teller = Teller::new(node);
    let names = [
        teller.plain("name"),
        node.label.as_deref(),
        Some(node.id.as_str()),
    ];
    let mut slugs = names.into_iter().flatten().map(slug);
    let prompt = teller.plain_or("prompt", "");
    let text = Template::parse(prompt).ok().and_then(|it| it.fixed_text());
    let description = teller
        .plain("description")
        .filter(|text| !text.trim().is_empty());
    let description = match description.or(node.label.as_deref()) {
        Some(given) => line(given, usize::MAX),
        None => line(text.as_deref().unwrap_or(prompt), DESCRIPTION_CHARS_MAX),
    };
    Agent {
        node,
        slug: slugs.find(|slug| !slug.is_empty()).unwrap_or_default(),
        description,
        prompt,
        text,
        model: teller.plain("model"),
        tools: teller.listed("tools"),
        disallowed: teller.words("disallowedTools"),
        max_turns: teller.number("maxTurns"),
        memory: teller.plain("memory"),
        color: teller.plain("color"),
    }
}

fn skills<'d>(document: &'d Document, problems: &mut Vec<Problem>) -> Vec<SkillFile<'d>> {
    let mut found: Vec<SkillFile<'d>> = Vec::new();
    for node in of_kind(document, "skill") {
        let teller = Teller::new(node);
        let name = teller.plain_or("name", "");
        let slug = slug(name);
        let Some(instructions) = teller.plain("instructions") else {
            continue;
        };
        if slug.is_empty() {
            let text = format!("nothing is left of the name `{}`", line(name, 80));
            let problem = Problem::error(codes::NO_NAME, pointer(document, node), text);
            let help = "use letters from `a` to `z` or digits in it";
            problems.push(problem.at_node(&node.id).help(help));
        }
        // Two steps may use one skill.
        let is_same = |one: &SkillFile<'_>| {
            let other = Teller::new(one.node);
            let same = |setting| other.raw(setting) == teller.raw(setting);
            ["name", "description", "instructions", "allowedTools"]
                .into_iter()
                .all(same)
        };
        if found.iter().any(is_same) {
            continue;
        }
        let description = teller
            .plain("description")
            .filter(|text| !text.trim().is_empty());
        found.push(SkillFile {
            node,
            slug,
            description: line(description.unwrap_or(instructions), DESCRIPTION_CHARS_MAX),
            instructions,
            allowed_tools: words(teller.raw("allowedTools")),
        });
    }
    found
}

/// Says which nodes would become one file; both are named.
fn unique<'a>(
    document: &Document,
    what: &str,
    named: impl Iterator<Item = (&'a Node, &'a String)>,
    problems: &mut Vec<Problem>,
) {
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for (node, slug) in named {
        let Some(other) = seen.insert(slug, node) else {
            continue;
        };
        let text = format!(
            "the nodes `{}` and `{}` both become the {what} `{slug}`",
            other.id, node.id
        );
        let problem =
            Problem::error(codes::SAME_NAME, pointer(document, node), text).at_node(&node.id);
        problems.push(problem.help("give one of them another `name`"));
    }
}

/// Where a node stands in the document.
pub fn pointer(document: &Document, node: &Node) -> String {
    let place = document.nodes.iter().position(|one| one.id == node.id);
    place.map_or_else(String::new, |place| format!("/nodes/{place}"))
}

/// The nodes in reading order: from where work begins, each before what follows it, as far as loops
/// allow; of several ways the first one first.
fn steps(document: &Document) -> Vec<Step<'_>> {
    let nodes = document.nodes.iter().enumerate();
    let place: BTreeMap<&str, usize> = nodes.map(|(at, node)| (node.id.as_str(), at)).collect();
    let mut out: Vec<Vec<(&str, usize)>> = vec![Vec::new(); document.nodes.len()];
    for edge in &document.edges {
        if let (Some(from), Some(to)) = (place.get(edge.from.as_str()), place.get(edge.to.as_str()))
            && let Some(ways) = out.get_mut(*from)
        {
            ways.push((edge.from_port.as_str(), *to));
        }
    }
    for ways in &mut out {
        ways.sort_by_key(|(port, _)| (rank(port), *port));
        ways.dedup();
    }
    let begins = |node: &Node| find(&node.kind).is_some_and(|kind| kind.begins_runs());
    let mut entries: Vec<_> = place.values().copied().collect();
    entries.retain(|at| document.nodes.get(*at).is_some_and(begins));
    entries.sort_by_key(|at| {
        let node = document.nodes.get(*at);
        node.map(|node| (node.kind != "start", node.id.as_str()))
    });
    let order = order(&entries, &out);
    let new: BTreeMap<usize, usize> = order
        .iter()
        .enumerate()
        .map(|(new, old)| (*old, new))
        .collect();
    let mut steps: Vec<Step<'_>> = Vec::with_capacity(order.len());
    for old in &order {
        let Some(node) = document.nodes.get(*old) else {
            continue;
        };
        let ways = out.get(*old).into_iter().flatten();
        let told = find(&node.kind).map(|kind| kind.tell(Teller::new(node)));
        steps.push(Step {
            node,
            told: told.unwrap_or_default(),
            ways: ways
                .filter_map(|(port, to)| Some((*port, *new.get(to)?)))
                .collect(),
            joins: Vec::new(),
        });
    }
    mark_joins(&mut steps);
    steps
}

/// Ways in the order in which they are read: the branches, the way on, then what goes wrong.
fn rank(port: &str) -> (u8, usize) {
    match port {
        "each" => (0, 0),
        "true" => (1, 0),
        "false" => (1, 1),
        PORT_OUT => (3, 0),
        "timeout" => (4, 0),
        PORT_ERROR => (5, 0),
        _ => branch_of_port(port).map_or((2, 0), |place| (1, place)),
    }
}

/// A depth-first walk, its nodes in the reverse of the order in which they are left.
fn order(entries: &[usize], out: &[Vec<(&str, usize)>]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut left = Vec::new();
    for entry in entries.iter().rev() {
        if !seen.insert(*entry) {
            continue;
        }
        let ways = |at: usize| out.get(at).map_or(&[][..], Vec::as_slice);
        let mut stack = vec![(*entry, ways(*entry).len())];
        while let Some((at, rest)) = stack.pop() {
            let Some(next) = rest.checked_sub(1) else {
                left.push(at);
                continue;
            };
            stack.push((at, next));
            if let Some((_, to)) = ways(at).get(next)
                && seen.insert(*to)
            {
                stack.push((*to, ways(*to).len()));
            }
        }
    }
    left.reverse();
    left
}

/// Finds where the branches of each split meet: the first step that all of them come to.
fn mark_joins(steps: &mut [Step<'_>]) {
    let mut joins = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        if !step.told.needs.contains(&Need::Parallel) {
            continue;
        }
        let branches = step
            .ways
            .iter()
            .filter(|(port, _)| branch_of_port(port).is_some());
        let mut common: Option<BTreeSet<usize>> = None;
        for (_, to) in branches {
            let reached = reached(steps, *to);
            common = Some(match common {
                None => reached,
                Some(before) => before.intersection(&reached).copied().collect(),
            });
        }
        if let Some(meet) = common.and_then(|common| common.first().copied()) {
            joins.push((place, meet));
        }
    }
    for (split, meet) in joins {
        if let Some(step) = steps.get_mut(meet) {
            step.joins.push(split);
        }
    }
}

fn reached(steps: &[Step<'_>], from: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let ways = steps.get(at).map_or(&[][..], |step| step.ways.as_slice());
        // A way back leads out of the branch only by a loop, which stays inside it.
        let ways = ways.iter().filter(|(port, _)| *port != PORT_ERROR);
        open.extend(ways.filter(|(_, to)| seen.insert(*to)).map(|(_, to)| *to));
    }
    seen
}
