//! Relative links in Markdown point at files that exist.

use crate::repo::{File, files_ending, report, root};
use pulldown_cmark::{Event, Parser, Tag};
use std::path::{Component, Path, PathBuf};

/// The path from the root that a link means, or `None` for one that leaves the repository's files:
/// another site, a mail address, a heading of the same page.
fn target(page: &str, link: &str) -> Option<PathBuf> {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    if path.is_empty() || link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let mut target = PathBuf::from(page);
    target.pop();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir if target.pop() => {}
            Component::Normal(name) => target.push(name),
            Component::CurDir => {}
            // Above the root, or absolute: a name that cannot exist makes it a complaint.
            _ => target = PathBuf::from("(outside the repository)"),
        }
    }
    Some(target)
}

fn complaints(page: &File, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let links = Parser::new(&page.text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    links
        .filter(|link| target(&page.path, link).is_some_and(|target| !exists(&target)))
        .map(|link| format!("{}: `{link}` is not there", page.path))
        .collect()
}

#[test]
fn relative_links_lead_somewhere() {
    let root = root();
    let found: Vec<String> = files_ending("md")
        .iter()
        .flat_map(|page| complaints(page, |path| root.join(path).exists()))
        .collect();
    report("links in Markdown files:", &found);
}

#[test]
fn a_dead_link_is_noticed() {
    let text = "[a](b.md) ![i](../x.png#top) [up](../../y) [abs](/z) [site](https://e.org/q) [h](#h)\n\n`[code](no.md)`\n";
    let page = File {
        path: "docs/page.md".to_owned(),
        text: text.to_owned(),
    };
    let exists = |path: &Path| path == Path::new("docs/b.md");
    let found = complaints(&page, exists);
    let expected = [
        "docs/page.md: `../x.png#top` is not there",
        "docs/page.md: `../../y` is not there",
        "docs/page.md: `/z` is not there",
    ];
    assert_eq!(found, expected);
    let is_png = |path: &Path| path == Path::new("x.png");
    assert!(
        !complaints(&page, is_png)
            .iter()
            .any(|one| one.contains("x.png"))
    );
}
