//! GitHub Copilot: `.github/agents`, `.github/skills`, `.github/mcp.json`. What may be done without
//! asking stands in no file there.

use crate::reading::{Fields, Reading};
use crate::servers::Servers;
use crate::{claude_code, prompt, skills, tools};
use lattice_export::Target;
use serde_json::Map;

/// Where things stand.
pub const PLACES: &[&str] = &[
    ".github/agents",
    ".github/skills",
    ".github/prompts",
    ".github/instructions",
    ".github/hooks",
    ".github/mcp.json",
    ".github/copilot-instructions.md",
    "AGENTS.md",
];

/// Reads everything.
pub fn read(reading: &mut Reading<'_>) {
    for (path, stem) in reading.below(".github/agents", ".md") {
        agent(reading, path, stem.strip_suffix(".agent").unwrap_or(stem));
    }
    skills::read(reading, ".github/skills", Target::Copilot);
    let mut found = Servers::default();
    claude_code::servers(reading, ".github/mcp.json", &mut found);
    found.draw(reading);
}

fn agent(reading: &mut Reading<'_>, path: &str, stem: &str) {
    let Some(page) = reading.page(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", page.fields);
    let Some(description) = fields.required("description") else {
        return;
    };
    let name = fields.text("name").unwrap_or_else(|| stem.to_owned());
    let mut settings = Map::new();
    settings.insert("name".to_owned(), name.as_str().into());
    settings.insert("description".to_owned(), description.into());
    let model = fields.text("model");
    settings.extend(model.map(|model| ("model".to_owned(), model.into())));
    let Some(rights) = tools::copilot(&mut fields) else {
        return;
    };
    rights.put(&mut settings);
    fields.finish();
    prompt::put(reading, path, &page.body, &mut settings);
    reading.take(path, "subAgent", &name, settings);
}
