//! Makes the prompt of a sub-agent, a template, of the text that a client is given.

use crate::reading::Reading;
use lattice_export::PLACEHOLDERS;
use lattice_expr::{Root, Template};
use serde_json::{Map, Value};

/// Puts the text of a file into the settings of a sub-agent.
pub fn put(reading: &mut Reading<'_>, file: &str, body: &str, settings: &mut Map<String, Value>) {
    let (prompt, lost) = template(body);
    for name in lost {
        let why = format!(
            "the placeholder `{name}` means nothing outside of the workflow that it comes from, and is text now"
        );
        let help = "write in `prompt` of the node where the value comes from";
        reading.leave(file, None, why, help);
    }
    settings.insert("prompt".to_owned(), prompt.into());
}

/// The template, and the placeholders that are plain text in it from now on.
///
/// What an export wrote ends in a sentence about its placeholders. If those mean the same in any
/// workflow they are kept and the sentence goes. Otherwise, and in texts of other origin, braces are
/// text, so that the next export writes the same bytes.
fn template(body: &str) -> (String, Vec<String>) {
    let ours = body.strip_suffix(PLACEHOLDERS).map(str::trim_end);
    let Some((source, template)) =
        ours.and_then(|source| Some((source, Template::parse(source).ok()?)))
    else {
        return (Template::escape(body), Vec::new());
    };
    let references = template.references();
    let is_everywhere = |root| matches!(root, Root::Input | Root::Run);
    if references
        .iter()
        .all(|reference| is_everywhere(reference.root))
    {
        return (source.to_owned(), Vec::new());
    }
    let lost = references
        .iter()
        .filter_map(|one| source.get(one.span.clone()));
    let lost = lost.map(|name| name.trim().to_owned()).collect();
    (Template::escape(body), lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_others_are_text_and_ours_stay_references() {
        assert_eq!(template("Use {{x}} $1").0, "Use \\{{x}} $1");
        let ours = |text: &str| format!("{text}\n\n{PLACEHOLDERS}");
        assert_eq!(template(&ours("Read {{in.a}}.")).0, "Read {{in.a}}.");
        let (text, lost) = template(&ours("Mend {{nodes.look.output}} of {{in.a}}."));
        assert_eq!(lost, ["nodes.look.output", "in.a"]);
        let parsed = Template::parse(&text).ok();
        let text = parsed.and_then(|one| one.fixed_text());
        assert_eq!(text, Some(ours("Mend {{nodes.look.output}} of {{in.a}}.")));
    }
}
