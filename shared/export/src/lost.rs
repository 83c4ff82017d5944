//! Settings that a target has no place for, and texts that a client would act on.

use crate::codes;
use crate::common::Making;
use crate::matrix::Topic;
use crate::outline::{DESCRIPTION_CHARS_MAX, SkillFile, pointer};
use crate::servers::Setup;
use crate::{Target, names};
use lattice_document::{Node, Problem};
use lattice_nodes::prose::Teller;

impl Making<'_, '_> {
    /// Everything of this file.
    pub fn say_what_is_lost(&mut self) {
        let outline = self.outline;
        for step in outline
            .steps
            .iter()
            .filter(|step| step.node.kind == "skill")
        {
            self.skill_settings(step.node);
        }
        let about = outline.document.description.as_deref();
        self.shortened(None, about);
        for skill in &outline.skills {
            self.shortened(
                Some(skill.node),
                Teller::new(skill.node).plain("description"),
            );
            self.commands(skill);
            self.renamed(
                skill.node,
                "skill",
                Teller::new(skill.node).plain("name"),
                &skill.slug,
            );
        }
        for agent in &outline.agents {
            self.renamed(
                agent.node,
                "sub-agent",
                Teller::new(agent.node).plain("name"),
                &agent.slug,
            );
        }
        self.references();
    }

    fn shortened(&mut self, node: Option<&Node>, description: Option<&str>) {
        let length = description.map_or(0, |text| names::line(text, usize::MAX).chars().count());
        if length > DESCRIPTION_CHARS_MAX {
            let lost = format!(
                "of the description, {length} characters, the first {DESCRIPTION_CHARS_MAX} are written, \
                 which is what the format of skills allows"
            );
            self.warn(node, Topic::Skills, lost, "shorten it");
        }
    }

    fn skill_settings(&mut self, node: &Node) {
        let teller = Teller::new(node);
        let scope = teller.plain("scope");
        if let Some(scope @ ("user" | "personal" | "local" | "plugin")) = scope {
            let lost =
                format!("the skill is written into the project, though its `scope` is `{scope}`");
            self.warn(
                Some(node),
                Topic::Skills,
                lost,
                "move its folder to where it belongs",
            );
        }
        if teller.plain("model").is_some() && self.target != Target::ClaudeCode {
            let lost = "a skill has no `model` there";
            self.warn(
                Some(node),
                Topic::Skills,
                lost,
                "choose the model in the client",
            );
        }
    }

    /// What the client does with the text of a skill before the model sees it.
    fn commands(&mut self, skill: &SkillFile<'_>) {
        let text = skill.instructions;
        if self.target != Target::ClaudeCode {
            return;
        }
        let has_argument = text.contains("$ARGUMENTS") || {
            let mut behind = text.split('$').skip(1);
            behind.any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
        };
        for (is_there, lost) in [
            (
                text.contains("!`"),
                "the client runs each command that stands in the skill as !`..` when the skill is used",
            ),
            (
                has_argument,
                "the client puts what follows the skill's name in the place of `$ARGUMENTS` and `$1`",
            ),
        ] {
            if is_there {
                self.warn(
                    Some(skill.node),
                    Topic::Skills,
                    lost,
                    "write it otherwise if that is not meant",
                );
            }
        }
    }

    fn renamed(&mut self, node: &Node, what: &str, given: Option<&str>, slug: &str) {
        let Some(given) = given.filter(|given| *given != slug) else {
            return;
        };
        let lost = format!(
            "the {what} `{}` is called `{slug}`",
            names::line(given, 80).escape_debug()
        );
        let topic = if what == "skill" {
            Topic::Skills
        } else {
            Topic::Agents
        };
        self.warn(Some(node), topic, lost, "look for it under that name");
    }

    /// A server is set up before any run, so that nothing of a run can stand there. A secret is put in
    /// by the client, from its environment.
    fn references(&mut self) {
        let outline = self.outline;
        for server in &outline.servers {
            let (fixed, values) = match &server.setup {
                None => continue,
                Some(Setup::Local { command, env }) => (command.clone(), env),
                Some(Setup::Remote { url, headers }) => (vec![(*url).to_owned()], headers),
            };
            let mut texts = fixed.iter().chain(values.values());
            if let Some(part) = texts.find_map(|text| expanded(self.target, text)) {
                let lost = format!(
                    "the client puts something else in the place of `{}`: a variable or a file",
                    part.escape_debug()
                );
                let help = "write it otherwise if the characters are meant";
                self.warn(Some(server.node), Topic::Servers, lost, help);
            }
            let fixed = fixed.iter().find(|text| text.contains("{{"));
            let value = values.values().find(|text| has_other_reference(text));
            let Some(text) = fixed.or(value) else {
                continue;
            };
            let said = format!(
                "`{}` of the server `{}` refers to something that is not there when a client \
                starts the server",
                names::line(text, 80).escape_debug(),
                server.name
            );
            let problem = Problem::error(
                codes::REFERENCE,
                pointer(outline.document, server.node),
                said,
            );
            let help =
                "write it out; a secret may stand as `{{secret.NAME}}` in `env` and `headers`";
            self.refuse(problem.at_node(&server.node.id).help(help));
        }
    }
}

fn has_other_reference(text: &str) -> bool {
    let mut inside = text.split("{{").skip(1);
    inside.any(|rest| !rest.trim_start().starts_with("secret."))
}

/// What opens something that a client puts a value in for.
fn marks(target: Target) -> &'static [&'static str] {
    match target {
        Target::ClaudeCode | Target::Copilot => &["${"],
        Target::OpenCode => &["{env:", "{file:"],
        Target::Codex => &[],
    }
}

/// The part of a text that a client does not take as it is. What stands around it may be nobody's business.
fn expanded(target: Target, text: &str) -> Option<String> {
    let places = marks(target).iter().filter_map(|mark| text.find(mark));
    let rest = text.get(places.min()?..)?;
    let part = rest.split_inclusive('}').next()?;
    Some(names::line(part, 80))
}
