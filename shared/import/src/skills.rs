//! Agent Skills, which all clients keep alike.

use crate::reading::{Fields, Reading};
use lattice_export::{Target, is_workflow_skill};
use serde_json::Map;

/// Reads the skills of a folder.
pub fn read(reading: &mut Reading<'_>, folder: &str, from: Target) {
    for (path, name) in reading.below(folder, "/SKILL.md") {
        if name.contains('/') {
            reading.mark(path);
            let why =
                "a skill has to stand in a folder of its own right below the folder of skills";
            reading.leave(path, None, why, "move its folder there and import again");
            continue;
        }
        one(reading, folder, path, name, from);
    }
}

fn one(reading: &mut Reading<'_>, folder: &str, path: &str, name: &str, from: Target) {
    let Some(page) = reading.page(path) else {
        return;
    };
    let place = format!("{folder}/{name}");
    let workflow = format!("{place}/WORKFLOW.md");
    if is_workflow_skill(&page.body) && reading.has(&workflow) {
        reading.mark(&workflow);
        let why = format!(
            "the workflow `{name}` stands there as it was exported, and its steps are words"
        );
        reading.leave(
            path,
            None,
            why,
            "open the document that it was exported from",
        );
        return;
    }
    for (file, _) in reading.below(&place, "") {
        if file != path {
            reading.mark(file);
            let why = format!(
                "it belongs to the skill `{name}`, and a document holds the text of a skill only"
            );
            let help = "copy it to the same place beside the exported `SKILL.md`";
            reading.leave(file, None, why, help);
        }
    }
    let mut settings = Map::new();
    let mut fields = Fields::new(reading, path, "", page.fields);
    let given = fields.text("name").unwrap_or_else(|| name.to_owned());
    settings.insert("name".to_owned(), given.as_str().into());
    let description = fields.text("description");
    settings.extend(description.map(|text| ("description".to_owned(), text.into())));
    if let Some(tools) = fields.list("allowed-tools", &[',', ' ', '\n']) {
        settings.insert("allowedTools".to_owned(), tools.into());
    }
    if from == Target::ClaudeCode {
        let model = fields.text("model").filter(|model| model != "inherit");
        let model = model.map(|model| crate::claude_code::class(&model).to_owned());
        settings.extend(model.map(|model| ("model".to_owned(), model.into())));
    }
    fields.finish();
    settings.insert("instructions".to_owned(), page.body.into());
    reading.take(path, "skill", &given, settings);
}
