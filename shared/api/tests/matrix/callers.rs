//! Who asks, and what they may.

use crate::support::spec::Operation;
use crate::support::token::{all_scopes, scopes_but};
use crate::support::{Ask, HERE, World};
use crate::tally::Tally;
use lattice_issuer::claims;
use serde_json::json;

pub async fn check(world: &World, of: &Operation, ask: &Ask, status: u16, tally: &mut Tally) {
    for (name, values) in world.issuer.bad() {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let ask = ask.clone().authorization(&values);
        if of.scope.is_none() {
            tally.good(world, &of.id, name, &ask, status).await;
            continue;
        }
        let refused = tally
            .refused(world, &of.id, name, &ask, 401, "LAT-A010")
            .await;
        let challenged = refused.header("www-authenticate").starts_with("Bearer");
        tally.cell(
            &of.id,
            &format!("{name}: a challenge"),
            challenged,
            &refused,
        );
    }
    if let Some(scope) = &of.scope {
        lacking(world, of, ask, scope, tally).await;
        unusual(world, of, ask, scope, tally).await;
    }
}

/// Good tokens that do not allow it.
async fn lacking(world: &World, of: &Operation, ask: &Ask, scope: &str, tally: &mut Tally) {
    let with = |scope| {
        let mut claims = claims(HERE, "");
        claims["scope"] = scope;
        format!("Bearer {}", world.issuer.sign(&claims))
    };
    let tokens = [
        ("every other scope", with(json!(scopes_but(scope)))),
        ("an empty scope", with(json!(""))),
        ("a longer scope", with(json!(format!("{scope}x")))),
        (
            "a scope in capitals",
            with(json!(scope.to_ascii_uppercase())),
        ),
        ("a scope that is no text", with(json!([scope]))),
    ];
    for (name, token) in tokens {
        let ask = ask.clone().authorization(&[&token]);
        let refused = tally
            .refused(world, &of.id, name, &ask, 403, "LAT-A011")
            .await;
        let challenge = refused.header("www-authenticate");
        let says = challenge.contains("insufficient_scope") && challenge.contains(scope);
        tally.cell(&of.id, &format!("{name}: a challenge"), says, &refused);
    }
}

/// Good tokens that look unusual: only for readings, which may be asked again and again.
async fn unusual(world: &World, of: &Operation, ask: &Ask, scope: &str, tally: &mut Tally) {
    if of.method != "GET" {
        return;
    }
    let mut several = claims(HERE, &format!("openid {scope} email"));
    several["aud"] = json!(["another-service", lattice_issuer::AUDIENCE]);
    let token = world.issuer.sign(&several);
    let values = [
        ("one of several audiences", format!("Bearer {token}")),
        ("a scheme in lower case", format!("bearer {token}")),
        (
            "every scope",
            format!("BEARER {}", world.issuer.sign(&claims(HERE, &all_scopes()))),
        ),
    ];
    for (name, value) in values {
        let ask = ask.clone().authorization(&[&value]);
        tally.good(world, &of.id, name, &ask, 200).await;
    }
}
