//! Older documents wrote `{{name}}`, `{{$name}}` and `{{$vars.name}}`. This rewrites them to the
//! names of today by the reader's knowledge of the document.

use crate::reference::Reference;
use crate::template::{Chunk, Chunks};
use lattice_model::limits::TEMPLATE_BYTES_MAX;

/// Rewrites the older references of a template. `known` is asked for the bare older name (`name`,
/// without `$vars.` and without what follows the first dot or bracket) and answers with the
/// reference of today, such as `vars.name` or `in.name`; what followed the name is kept. A name it
/// does not know stays as it is, and so does all else, so nothing is lost: `Template::parse` tells
/// of what is left over. Gives the new text and each change as (older, current) without braces.
pub fn upgrade_names(
    text: &str,
    known: &dyn Fn(&str) -> Option<String>,
) -> (String, Vec<(String, String)>) {
    let mut changes = Vec::new();
    if text.len() > TEMPLATE_BYTES_MAX {
        return (text.to_owned(), changes);
    }
    let mut upgraded = String::with_capacity(text.len());
    let mut copied = 0;
    for chunk in Chunks::new(text) {
        let Chunk::Braces(older, at) = chunk else {
            continue;
        };
        let Some(current) = current_name(older, known) else {
            continue;
        };
        upgraded.push_str(text.get(copied..at).unwrap_or_default());
        upgraded.push_str(&current);
        copied = at + older.len();
        changes.push((older.to_owned(), current));
    }
    upgraded.push_str(text.get(copied..).unwrap_or_default());
    (upgraded, changes)
}

fn current_name(older: &str, known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let bare = older.strip_prefix('$').unwrap_or(older);
    let bare = if bare.len() < older.len() {
        bare.strip_prefix("vars.").unwrap_or(bare)
    } else {
        bare
    };
    let end = bare.find(['.', '[']).unwrap_or(bare.len());
    let (name, rest) = bare.split_at_checked(end)?;
    // A path from a name of today, such as `in.title`, was written for today.
    if !rest.is_empty() && Reference::parse(older).is_ok() {
        return None;
    }
    let current = format!("{}{rest}", known(name.trim_end())?);
    Reference::parse(&current)
        .is_ok()
        .then_some(current)
        .filter(|current| current != older)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn known(name: &str) -> Option<String> {
        match name {
            "topic" | "item" => Some(format!("vars.{name}")),
            "user name" => Some("in[\"user name\"]".to_owned()),
            "broken" => Some("no reference at all".to_owned()),
            _ => None,
        }
    }

    fn check(older: &str, current: &str, changes: &[(&str, &str)]) {
        let (text, made) = upgrade_names(older, &known);
        assert_eq!(text, current);
        let made: Vec<_> = made
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        assert_eq!(made, changes);
    }

    #[test]
    fn known_names_are_rewritten() {
        check(
            "On {{topic}}.",
            "On {{vars.topic}}.",
            &[("topic", "vars.topic")],
        );
        check(
            "{{ $vars.topic }}",
            "{{ vars.topic }}",
            &[("$vars.topic", "vars.topic")],
        );
        check("{{$topic}}", "{{vars.topic}}", &[("$topic", "vars.topic")]);
        check(
            "{{topic.a[0]}}",
            "{{vars.topic.a[0]}}",
            &[("topic.a[0]", "vars.topic.a[0]")],
        );
        check(
            "{{user name}}",
            "{{in[\"user name\"]}}",
            &[("user name", "in[\"user name\"]")],
        );
        check(
            "ü{{topic}}{{topic}}",
            "ü{{vars.topic}}{{vars.topic}}",
            &[("topic", "vars.topic"); 2],
        );
    }

    #[test]
    fn an_older_name_wins_over_a_root_but_not_over_a_path() {
        check("{{item}}", "{{vars.item}}", &[("item", "vars.item")]);
        check("{{item.x}}", "{{item.x}}", &[]);
    }

    #[test]
    fn all_else_stays() {
        for text in [
            "",
            "plain",
            "{{unknown}}",
            "{{$vars.unknown}}",
            "{{in.x}}",
            "{{broken}}",
        ] {
            check(text, text, &[]);
        }
        check(r"\{{topic}} {{open", r"\{{topic}} {{open", &[]);
    }

    proptest! {
        #[test]
        fn without_known_names_nothing_changes(text in any::<String>()) {
            let (same, changes) = upgrade_names(&text, &|_| None);
            prop_assert_eq!(same, text);
            prop_assert!(changes.is_empty());
        }

        #[test]
        fn an_upgrade_is_done_once(text in "[{}\\\\a$. ]{0,20}") {
            let known = |name: &str| (name == "a").then(|| "vars.a".to_owned());
            let (once, _) = upgrade_names(&text, &known);
            prop_assert_eq!(upgrade_names(&once, &known), (once.clone(), Vec::new()));
        }
    }
}
