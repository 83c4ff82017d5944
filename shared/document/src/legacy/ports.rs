//! The ports that edges leave a node from, and how older names for them are understood.

use crate::document::{PORT_ERROR, PORT_IN, PORT_OUT, PORT_TIMEOUT};

/// The ports of an upgraded node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ports {
    /// `out`.
    One,
    /// `true` and `false`; for each, the names that older edges used for it.
    TrueFalse(Vec<Vec<String>>),
    /// `branch-0`, `branch-1` ...; for each, the names that older edges used for it.
    Branches(Vec<Vec<String>>),
    /// Whatever the edges say: the type is not one that the reader knows the ports of.
    AsDrawn,
}

/// What older tools called a port that has no choice to make.
const PLAIN: &[&str] = &["", "out", "output", "source", "default"];

impl Ports {
    /// The port of today for the port of an older edge. `order` is the place of the edge among
    /// those of its node, for the documents whose edges name no ports at all.
    pub fn leave(&self, old: Option<&str>, order: usize) -> String {
        let name = old.unwrap_or_default();
        if matches!(name, PORT_ERROR | PORT_TIMEOUT) {
            return name.to_owned();
        }
        let plain = PLAIN.contains(&name);
        match self {
            Self::One => PORT_OUT.to_owned(),
            Self::AsDrawn if plain => PORT_OUT.to_owned(),
            Self::AsDrawn => name.to_owned(),
            Self::TrueFalse(names) => match index(name, names).or(plain.then_some(order)) {
                Some(0) => "true".to_owned(),
                Some(1) => "false".to_owned(),
                _ => name.to_owned(),
            },
            Self::Branches(names) => {
                let by_name = index(name, names).filter(|index| *index < names.len());
                match by_name.or((plain && order < names.len()).then_some(order)) {
                    Some(index) => format!("branch-{index}"),
                    None => name.to_owned(),
                }
            }
        }
    }

    /// The port of today that an older edge arrives at.
    pub fn arrive(old: Option<&str>) -> String {
        match old.unwrap_or_default() {
            "" | "in" | "input" | "target" => PORT_IN.to_owned(),
            other => other.to_owned(),
        }
    }
}

/// The branch that a port's name means.
fn index(name: &str, names: &[Vec<String>]) -> Option<usize> {
    let same = |other: &String| other.eq_ignore_ascii_case(name) && !name.is_empty();
    if let Some(index) = names.iter().position(|names| names.iter().any(same)) {
        return Some(index);
    }
    for prefix in ["branch-", "case-", "option-"] {
        if let Some(number) = name.strip_prefix(prefix) {
            return number.parse().ok();
        }
    }
    match name.to_ascii_lowercase().as_str() {
        "true" | "yes" | "if" | "then" => Some(0),
        "false" | "no" | "else" => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_names_find_their_branch() {
        let branches = Ports::Branches(vec![
            vec!["Pass".into()],
            vec!["Fail".into(), "opt-2".into()],
        ]);
        for (old, order, new) in [
            (Some("branch-1"), 0, "branch-1"),
            (Some("fail"), 0, "branch-1"),
            (Some("opt-2"), 0, "branch-1"),
            (Some("true"), 1, "branch-0"),
            (None, 1, "branch-1"),
            (Some("branch-7"), 0, "branch-7"),
            (Some("error"), 0, "error"),
        ] {
            assert_eq!(branches.leave(old, order), new, "{old:?}");
        }
        assert_eq!(
            Ports::TrueFalse(Vec::new()).leave(Some("branch-0"), 9),
            "true"
        );
        assert_eq!(Ports::TrueFalse(Vec::new()).leave(None, 1), "false");
        assert_eq!(Ports::One.leave(Some("branch-3"), 0), "out");
        assert_eq!(Ports::AsDrawn.leave(Some("weird"), 0), "weird");
        assert_eq!(Ports::arrive(Some("input")), "in");
    }
}
