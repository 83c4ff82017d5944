//! The runner as a test sees it: a page on disk, a closure, a verdict.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{Case, Outputs, check_page};
use std::fs;

const PAGE: &str = "\
# Upper

Prose with a plain fence:

```bash
ls
```

## a word

```text in
word
```

```text out
WORD
```

## two words

```text in
two words
```

```text out
TWO WORDS
```
";

/// The code under test: upper case, and a note when there is a space.
fn upper(case: &Case) -> Outputs {
    let input = case.input("in").unwrap_or_default();
    let note = if input.contains('!') { "loud" } else { "" };
    Outputs::from([
        ("out".to_owned(), input.to_uppercase() + "\n"),
        ("notes".to_owned(), note.to_owned()),
    ])
}

/// Checks `page` and gives back what it is afterwards, and the failure if there was one.
fn run(page: &str, update: bool, code: impl Fn(&Case) -> Outputs) -> (String, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("README.md");
    fs::write(&path, page).unwrap();
    let failure = check_page(&path, update, code).err();
    (
        fs::read_to_string(path).unwrap(),
        failure.map(|failure| failure.to_string()),
    )
}

fn failure(page: &str) -> String {
    let (after, failure) = run(page, false, upper);
    assert_eq!(after, page, "a check never writes");
    failure.unwrap_or_else(|| panic!("passed:\n{page}"))
}

#[test]
fn a_page_that_is_right_passes_and_is_left_alone() {
    assert_eq!(run(PAGE, false, upper), (PAGE.to_owned(), None));
    assert_eq!(run(PAGE, true, upper), (PAGE.to_owned(), None));
}

#[test]
fn every_mismatch_is_shown_with_its_line_and_a_diff() {
    let page = PAGE
        .replace("WORD\n", "WARD\n")
        .replace("TWO WARD", "TWO WORD");
    let report = failure(&page);
    assert!(
        report.contains("README.md:15: `out` of the case `a word` differs"),
        "{report}"
    );
    assert!(report.contains("-WARD\n+WORD\n"), "{report}");
    let both = failure(&PAGE.replace("WORD", "x"));
    assert!(
        both.contains("README.md:25:") && both.contains("2 mismatch(es)"),
        "{both}"
    );
    assert!(both.contains("UPDATE_EXPECT=1"), "{both}");
}

#[test]
fn an_update_makes_the_page_right_and_a_second_one_changes_nothing() {
    let page = PAGE.replace("TWO WORDS\n", "one\nand more\n");
    let (updated, failure) = run(&page, true, upper);
    assert_eq!((updated.as_str(), failure), (PAGE, None));
    let blank = PAGE.replace("```text out\nWORD\n```\n\n", "");
    let (filled, failure) = run(&blank, true, upper);
    assert_eq!((filled.as_str(), failure), (PAGE, None));
}

#[test]
fn an_output_without_a_fence_does_not_go_unseen() {
    let page = PAGE
        .replace("\nword\n", "\nword!\n")
        .replace("\nWORD\n", "\nWORD!\n");
    assert!(failure(&page).contains("has no fence for its `notes`"));
    let (updated, failure) = run(&page, true, upper);
    assert_eq!(failure, None);
    assert!(
        updated.contains("```\n\n```text notes\nloud\n```\n\n## two"),
        "{updated}"
    );
    assert_eq!(run(&updated, false, upper).1, None);
}

#[test]
fn a_case_that_cannot_fail_fails() {
    let named_wrong = PAGE.replace("text in\ntwo", "text inn\ntwo");
    assert!(failure(&named_wrong).contains("`inn` of the case `two words` is neither"));
    let silent = "# quiet\n```text in\n\n```\n";
    assert!(failure(silent).contains("has no output to compare"));
    assert!(failure("# prose only\n").contains("the page checks nothing"));
    let echo = |case: &Case| {
        let text = case.input("in").unwrap_or_default().to_owned();
        Outputs::from([("in".to_owned(), text)])
    };
    let (_, report) = run("# echo\n```text in\nx\n```\n", true, echo);
    assert!(report.unwrap().contains("is both read and given"));
}

#[test]
fn what_a_rewrite_cannot_settle_still_fails_in_an_update() {
    let page = PAGE.replace("text in\ntwo", "text inn\ntwo");
    let (_, report) = run(&page, true, upper);
    let report = report.unwrap();
    assert!(
        report.contains("`inn`") && !report.contains("UPDATE_EXPECT"),
        "{report}"
    );
}

#[test]
fn a_case_can_be_asked_what_it_shows() {
    let (_, failure) = run(PAGE, false, |case| {
        assert!(case.shows("out") && !case.shows("ir"));
        upper(case)
    });
    assert_eq!(failure, None);
}

#[test]
fn a_missing_page_is_named() {
    let failure = check_page("no/such.md".as_ref(), false, upper).unwrap_err();
    assert!(failure.to_string().starts_with("cannot read `no/such.md`"));
}

#[test]
#[should_panic(expected = "no/such.md")]
fn the_assertion_panics() {
    crate::check("no/such.md", upper);
}
