//! What `lattice dev` serves beside the API: the page, its examples, and metrics.

pub mod descriptors;
mod examples;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lattice_api::{Api, METRICS_MEDIA_TYPE, Parts, Refused, router_beside};
use lattice_local::LocalStore;
use std::sync::Arc;

macro_rules! script {
    ($name:literal) => {
        (
            concat!("/assets/", $name),
            SCRIPT,
            include_str!(concat!("../page/", $name)),
        )
    };
}
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The files of the page: path, media type, text.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../page/index.html")),
    (
        "/assets/style.css",
        STYLE,
        include_str!("../page/style.css"),
    ),
    script!("api.js"),
    script!("app.js"),
    script!("dialogs.js"),
    script!("dom.js"),
    script!("feed.js"),
    script!("home.js"),
    script!("log.js"),
    script!("question.js"),
    script!("run.js"),
    script!("state.js"),
    script!("telling.js"),
    script!("words.js"),
];

/// The page runs its own scripts and talks to its own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Everything that is served.
pub fn router<E: Parts<Store = LocalStore>>(api: &Arc<Api<E>>) -> Router {
    let mut others = Router::new();
    for (path, media, text) in FILES.iter().copied() {
        others = others.route(path, get(move || async move { page(media, text) }));
    }
    let examples = get(|| async { page("application/json", examples::json()) });
    let counted = Arc::clone(api);
    let metrics = get(move || metrics(Arc::clone(&counted)));
    let others = others
        .route("/assets/examples.json", examples)
        .route("/metrics", metrics);
    router_beside(api, others)
}

fn page(media: &'static str, text: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, media),
        (CONTENT_SECURITY_POLICY, POLICY),
        // A newer build has another page under the same path.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

async fn metrics<E: Parts<Store = LocalStore>>(api: Arc<Api<E>>) -> Result<Response, Refused> {
    let runs = api.store().count_by_status().await?;
    let headers = [(CONTENT_TYPE, METRICS_MEDIA_TYPE)];
    Ok((headers, api.metrics.render(&runs)).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::FILES;
    use lattice_journal::EventBody;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
        let names = std::fs::read_dir(folder).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> = names.collect();
        let name = |path: &str| match path {
            "/" => "index.html".to_owned(),
            path => path.trim_start_matches("/assets/").to_owned(),
        };
        let served: BTreeSet<String> = FILES.iter().map(|(path, ..)| name(path)).collect();
        assert_eq!(there, served);
    }

    /// A file that is too large is refused before it is sent.
    #[test]
    fn the_page_knows_how_large_a_document_may_be() {
        let dialogs = include_str!("../page/dialogs.js");
        let line = dialogs
            .lines()
            .find(|line| line.contains("DOCUMENT_BYTES_MAX ="));
        let product = line.and_then(|line| line.split('=').nth(1)).unwrap();
        let factors = product.trim_end_matches(';').split('*').map(str::trim);
        let bytes: usize = factors
            .map(|factor| factor.parse::<usize>().unwrap())
            .product();
        assert_eq!(bytes, lattice_model::limits::DOCUMENT_BYTES_MAX, "{line:?}");
    }

    /// A browser hears only the types that a page names, so the page has to name them all.
    #[test]
    fn the_page_knows_every_type_of_event() {
        let words = include_str!("../page/words.js");
        for kind in EventBody::TYPES {
            assert!(words.contains(&format!("\"{kind}\":")), "{kind}");
        }
    }
}
