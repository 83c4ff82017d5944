//! Who may ask, and what they may send.

use crate::deploy::{ALL_SCOPES, now_s};
use crate::drive::documents;
use crate::drive::world::{TENANT, World, text};
use crate::drive::wrong::{Wrong, must, want};
use crate::http::Answer;
use lattice_model::limits::DOCUMENT_BYTES_MAX;
use serde_json::{Value, json};

pub(super) async fn health(world: &World) -> Result<String, Wrong> {
    let api = world.api.without_token();
    let answer = want(200, "health", &api.get("/v1/health").await?)?;
    let version = text(&answer, "version")?;
    let file = want(200, "the OpenAPI file", &api.get("/openapi.json").await?)?;
    let paths = file["paths"].as_object().map_or(0, |paths| paths.len());
    must(paths > 10, || format!("the OpenAPI file has {paths} paths"))?;
    Ok(format!(
        "version {version}, {paths} paths in the OpenAPI file"
    ))
}

pub(super) async fn tokens(world: &World) -> Result<String, Wrong> {
    let read = "/v1/workflows?limit=1";
    let nobody = world.api.without_token();
    want(401, "without a token", &nobody.get(read).await?)?;
    want(
        401,
        "with no token at all",
        &nobody.with_token("x").get(read).await?,
    )?;
    let sign = |change: &dyn Fn(&mut Value)| {
        let mut claims = world.issuer.claims(TENANT, ALL_SCOPES);
        change(&mut claims);
        world.issuer.sign(&claims)
    };
    type Change<'a> = &'a dyn Fn(&mut Value);
    let bad: [(&str, Change<'_>); 4] = [
        ("an expired token", &|c| c["exp"] = json!(now_s() - 120)),
        ("a token of another issuer", &|c| {
            c["iss"] = json!("https://other.example")
        }),
        ("a token for somebody else", &|c| c["aud"] = json!("other")),
        ("a token that begins later", &|c| {
            c["nbf"] = json!(now_s() + 600)
        }),
    ];
    for (what, change) in bad {
        let api = world.api.with_token(&sign(change)?);
        want(401, what, &api.get(read).await?)?;
    }
    // A signature that does not fit: the last character of a good one is changed.
    let mut token = sign(&|_| {})?;
    let last = token.pop().unwrap_or('A');
    token.push(if last == 'A' { 'Q' } else { 'A' });
    let cut: String = token
        .chars()
        .take(token.len() - 8)
        .chain("AAAAAAAA".chars())
        .collect();
    want(
        401,
        "a forged token",
        &world.api.with_token(&cut).get(read).await?,
    )?;
    let reader = world.issuer.token(TENANT, "runs:read")?;
    let reader = world.api.with_token(&reader);
    want(403, "without the scope", &reader.get(read).await?)?;
    other_tenant(world).await?;
    Ok("7 bad tokens 401, a missing scope 403, another tenant's workflow and run 404".to_owned())
}

/// What belongs to one tenant does not exist for another.
async fn other_tenant(world: &World) -> Result<(), Wrong> {
    let document = documents::line("owned", vec![documents::prompt("only")]);
    let run = world.run(&document).await?;
    world.until(&run, "completed").await?;
    let other = world.issuer.token("umbrella", ALL_SCOPES)?;
    let other = world.api.with_token(&other);
    let paths = [
        "/v1/workflows/owned".to_owned(),
        format!("/v1/runs/{run}"),
        format!("/v1/runs/{run}/events"),
        format!("/v1/runs/{run}/state"),
    ];
    for path in paths {
        want(404, "another tenant", &other.get(&path).await?)?;
    }
    let cancel = other
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .await?;
    want(404, "another tenant's cancel", &cancel)?;
    let start = json!({"workflowId": "owned", "input": {}});
    want(
        404,
        "another tenant's start",
        &other.post("/v1/runs", &start).await?,
    )?;
    let list = want(200, "another tenant's list", &other.get("/v1/runs").await?)?;
    must(list["runs"] == json!([]), || {
        format!("another tenant sees {list}")
    })
}

pub(super) async fn refusals(world: &World) -> Result<String, Wrong> {
    let large = document_of(DOCUMENT_BYTES_MAX + 1);
    let answer = world.api.put_new("/v1/workflows/large", &large).await?;
    coded(413, "LAT-A003", "4 MB and a byte", &answer)?;
    let largest = document_of(DOCUMENT_BYTES_MAX);
    let answer = world.api.put_new("/v1/workflows/large", &largest).await?;
    must(answer.status != 413, || "4 MB are too much".to_owned())?;
    let body = json!({"workflowId": "owned", "input": {}, "workflow": {}});
    let answer = world.api.post("/v1/runs", &body).await?;
    coded(400, "LAT-A002", "an unknown field", &answer)?;
    let headers = [("content-type", "application/json")];
    let answer = world
        .api
        .send("POST", "/v1/runs", &headers, "{oops")
        .await?;
    coded(400, "LAT-A001", "no JSON", &answer)?;
    let headers = [("content-type", "text/plain")];
    let answer = world.api.send("POST", "/v1/runs", &headers, "{}").await?;
    coded(415, "LAT-A004", "another content type", &answer)?;
    let broken = json!({"format": "agent-lattice/workflow", "formatVersion": 1, "id": "broken", "name": "b", "nodes": [], "edges": []});
    let answer = world
        .api
        .put_new("/v1/workflows/broken", &broken.to_string())
        .await?;
    coded(422, "LAT-A030", "a document with errors", &answer)?;
    Ok("413, 400 twice, 415 and 422, each with its code; 4 MB exactly are taken".to_owned())
}

/// A workflow document of exactly this many bytes.
fn document_of(bytes: usize) -> String {
    let mut document = documents::line("large", vec![documents::delay("nap", 1, "seconds")]);
    document["description"] = json!("");
    let room = bytes.saturating_sub(document.to_string().len());
    document["description"] = json!("x".repeat(room));
    document.to_string()
}

/// An answer with this status and this problem code.
pub(super) fn coded(status: u16, code: &str, what: &str, answer: &Answer) -> Result<(), Wrong> {
    let problem = want(status, what, answer)?;
    must(problem["code"] == code, || {
        format!("{what}: {problem} instead of {code}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_bytes_that_were_asked_for() {
        assert_eq!(document_of(5_000).len(), 5_000);
    }
}
