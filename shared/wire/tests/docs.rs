//! What `docs/` says of the API is what the list of routes and the list of codes say.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use lattice_wire::{ROUTES, codes};
use std::collections::BTreeSet;
use std::path::Path;

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    std::fs::read_to_string(docs.join(name)).unwrap()
}

/// `METHOD path` and the scope, of a row such as ``| `GET /v1/runs` | `runs:read` | lists runs |``.
fn row(line: &str) -> Option<(String, String)> {
    let (route, rest) = line.strip_prefix("| `")?.split_once("` |")?;
    let (scope, says) = rest.split_once('|')?;
    assert!(says.trim().len() > 3, "{line}");
    Some((route.to_owned(), scope.trim().trim_matches('`').to_owned()))
}

#[test]
fn the_page_lists_every_route_with_its_scope_and_no_other() {
    let page = page("api.md");
    let listed = page.split("\n## Routes\n").nth(1).unwrap();
    let listed = listed.split("\n## ").next().unwrap();
    let listed: Vec<(String, String)> = listed.lines().filter_map(row).collect();
    let served: Vec<(String, String)> = ROUTES
        .iter()
        .map(|route| {
            let scope = route.scope.map_or("", |scope| scope.as_str());
            let place = format!("{} {}", route.method.as_str(), route.path);
            (place, scope.to_owned())
        })
        .collect();
    let sorted = |rows: &[(String, String)]| rows.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&listed), sorted(&served));
    assert_eq!(listed.len(), served.len());
}

#[test]
fn every_code_has_a_page_with_its_title_and_its_status() {
    for code in codes::ALL {
        let page = page(&format!("problems/{}.md", code.id));
        let head = format!("# {}: {}\n\nStatus {}", code.id, code.title, code.status);
        assert!(
            page.starts_with(&head),
            "{} does not begin with:\n{head}",
            code.id
        );
        assert!(page.contains("\n## How to mend it\n"), "{}", code.id);
    }
}
