//! The template's routes against the list that the server serves.

use super::{Assertion, Findings};
use crate::template::{Template, points_to, text_of};
use lattice_wire::{Function, ROUTES, Route};

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "routes-agree",
        says: "every route of the API but the stream's is in the template, at the function that serves it",
        look: agree,
    },
    Assertion {
        name: "routes-known",
        says: "the template has no route that the API does not have",
        look: known,
    },
    Assertion {
        name: "routes-tokens",
        says: "a route asks for a token, unless the API asks for none there: health, its own description, signed hooks",
        look: tokens,
    },
];

/// What a token is not asked for at. A hook is signed instead.
const OPEN: [&str; 3] = ["/v1/health", "/openapi.json", "/v1/hooks/{hookId}"];

fn key(route: &Route) -> String {
    format!("{} {}", route.method.as_str(), route.path)
}

fn behind_gateway() -> impl Iterator<Item = &'static Route> {
    ROUTES
        .iter()
        .filter(|route| route.function != Function::Stream)
}

/// `start` is the function `StartFunction`, behind `StartIntegration`.
fn function_name(function: Function) -> String {
    let name = function.as_str();
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

fn agree(template: &Template, found: &mut Findings) {
    for route in behind_gateway() {
        let key = key(route);
        let name = function_name(route.function);
        let integration = format!("integrations/${{{name}Integration}}");
        let alias = format!("{name}FunctionAliaslive");
        let served = template
            .of("AWS::ApiGatewayV2::Route")
            .filter(|one| one.text("RouteKey") == key)
            .all(|one| text_of(one.get("Target")) == integration);
        let there = template
            .of("AWS::ApiGatewayV2::Route")
            .filter(|one| one.text("RouteKey") == key)
            .count();
        let called = template
            .find(&format!("{name}Integration"))
            .is_some_and(|one| points_to(one.get("IntegrationUri"), &alias));
        found.say(&key, there == 1, "is not in the template, or twice");
        found.say(
            &key,
            served && called,
            &format!("does not lead to `{}`", route.function.as_str()),
        );
    }
}

fn known(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::ApiGatewayV2::Route") {
        let known = behind_gateway().any(|route| key(route) == one.text("RouteKey"));
        found.check(&one, known, "is no route of the API");
    }
}

fn tokens(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::ApiGatewayV2::Route") {
        let route = behind_gateway().find(|route| key(route) == one.text("RouteKey"));
        let open = route.is_some_and(|route| route.scope.is_none() && OPEN.contains(&route.path));
        let asks = one.text("AuthorizationType") == "JWT"
            && points_to(one.get("AuthorizerId"), "Authorizer");
        let asks_not = one.text("AuthorizationType") == "NONE";
        found.check(
            &one,
            if open { asks_not } else { asks },
            "does not ask for a token as the API does",
        );
    }
}
