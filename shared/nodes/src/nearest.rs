//! Suggestions: the known name that a person may have meant.

use lattice_model::limits::ID_CHARS_MAX;

/// The candidate nearest to `name`, if it is near enough to be what was meant: one edit for every
/// three characters, upper and lower case being the same.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if name.len() > ID_CHARS_MAX {
        return None;
    }
    let wanted = name.to_lowercase();
    let edits_max = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= edits_max.saturating_mul(4))
        .map(|candidate| {
            let edits = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
            (edits, candidate)
        })
        .filter(|(edits, _)| *edits <= edits_max)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["prompt", "ifElse", "switch"];
        assert_eq!(nearest("promt", known), Some("prompt"));
        assert_eq!(nearest("IFELSE", known), Some("ifElse"));
        assert_eq!(nearest("swicth", known), Some("switch"));
        assert_eq!(nearest("parallel", known), None);
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
