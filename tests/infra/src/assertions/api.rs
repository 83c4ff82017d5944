//! The HTTP API and the stream's address: who is let in, how often, and what is written down of it.

use super::{Assertion, Findings};
use crate::template::{STAGES, Template, points_to, text_of};
use lattice_wire::ROUTES;
use serde_json::Value;

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "api-authorizer",
        says: "tokens are checked against the issuer and the audience that the functions know too",
        look: authorizer,
    },
    Assertion {
        name: "api-throttling",
        says: "every route has a ceiling, and what needs no token has a lower one of its own",
        look: throttling,
    },
    Assertion {
        name: "api-access-log",
        says: "every request is written down as JSON, without query and headers",
        look: access_log,
    },
    Assertion {
        name: "api-integration",
        says: "the API calls aliases, waits as long as a request may take, and sends the newer form of event",
        look: integration,
    },
    Assertion {
        name: "api-may-invoke",
        says: "a function that the API calls may be called by this API, and by nobody else's",
        look: may_invoke,
    },
    Assertion {
        name: "stream-url",
        says: "the stream is sent while it is written, by the alias",
        look: stream_url,
    },
    Assertion {
        name: "stream-url-only",
        says: "only the stream has an address that asks for nothing",
        look: stream_url_only,
    },
    Assertion {
        name: "door-tls",
        says: "the door takes and passes on nothing without TLS, and keeps no answers",
        look: door,
    },
    Assertion {
        name: "door-firewall",
        says: "the door has the firewall that is given or made, with a rate for each address",
        look: firewall,
    },
];

/// The routes that ask for no token, as the template names them.
fn open() -> impl Iterator<Item = String> {
    let open = ROUTES.iter().filter(|route| route.scope.is_none());
    open.map(|route| format!("{} {}", route.method.as_str(), route.path))
}

fn authorizer(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::ApiGatewayV2::Authorizer") {
        let jwt = one.get("JwtConfiguration");
        found.check(
            &one,
            one.text("AuthorizerType") == "JWT",
            "does not check tokens",
        );
        found.check(
            &one,
            points_to(&jwt["Issuer"], "JwtIssuer"),
            "believes another issuer",
        );
        let audience = jwt["Audience"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let good = audience.len() == 1 && audience.iter().all(|one| points_to(one, "JwtAudience"));
        found.check(&one, good, "takes tokens that are meant for others");
    }
}

fn throttling(template: &Template, found: &mut Findings) {
    let rate = |settings: &Value, stage| template.number(&settings["ThrottlingRateLimit"], stage);
    let burst = |settings: &Value, stage| template.number(&settings["ThrottlingBurstLimit"], stage);
    for one in template.of("AWS::ApiGatewayV2::Stage") {
        let general = one.get("DefaultRouteSettings");
        for stage in STAGES {
            let all = rate(general, stage);
            found.check(
                &one,
                all > Some(0) && burst(general, stage) > Some(0),
                "has no ceiling",
            );
            for route in open() {
                let own = &one.get("RouteSettings")[&route];
                let good = rate(own, stage).is_some_and(|rate| rate > 0 && Some(rate) < all)
                    && burst(own, stage) > Some(0);
                found.check(
                    &one,
                    good,
                    &format!("lets anybody call `{route}` as often as they like"),
                );
            }
        }
    }
}

fn access_log(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::ApiGatewayV2::Stage") {
        let log = one.get("AccessLogSettings");
        let group = template
            .of("AWS::Logs::LogGroup")
            .any(|group| points_to(&log["DestinationArn"], group.name));
        found.check(&one, group, "writes nothing down");
        let format: Value =
            serde_json::from_str(log["Format"].as_str().unwrap_or_default()).unwrap_or_default();
        let told = ["requestId", "route", "status", "ms", "tokenError"];
        found.check(
            &one,
            told.iter().all(|name| format[*name].is_string()),
            "leaves out what matters",
        );
        let text = format.to_string();
        let bare = ["querystring", "$context.path", "header"]
            .iter()
            .any(|word| text.contains(word));
        found.check(
            &one,
            !bare,
            "writes down what callers may want kept to themselves",
        );
    }
}

fn integration(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::ApiGatewayV2::Integration") {
        let alias = template.functions().any(|function| {
            points_to(
                one.get("IntegrationUri"),
                &format!("{}Aliaslive", function.name),
            )
        });
        found.check(&one, alias, "calls no alias");
        found.check(
            &one,
            one.text("PayloadFormatVersion") == "2.0",
            "sends the older form of event",
        );
        found.check(
            &one,
            *one.get("TimeoutInMillis") == 30_000,
            "waits for another time",
        );
    }
}

fn may_invoke(template: &Template, found: &mut Findings) {
    let permissions: Vec<_> = template.of("AWS::Lambda::Permission").collect();
    for one in template.of("AWS::ApiGatewayV2::Integration") {
        let uri = one.get("IntegrationUri");
        let of_api = |one: &&crate::template::Resource<'_>| {
            one.text("Principal") == "apigateway.amazonaws.com"
        };
        let allowed = permissions.iter().filter(of_api).any(|permission| {
            let source = text_of(permission.get("SourceArn"));
            permission.get("FunctionName") == uri
                && permission.text("Action") == "lambda:InvokeFunction"
                && source.ends_with(":${Api}/*")
                && source.contains("${AWS::AccountId}")
        });
        found.check(
            &one,
            allowed,
            "calls what it may not call, or what others may call too",
        );
    }
}

fn stream_url(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Lambda::Url") {
        found.check(
            &one,
            one.text("InvokeMode") == "RESPONSE_STREAM",
            "waits for the end before it sends",
        );
        let alias = points_to(one.get("TargetFunctionArn"), "StreamFunctionAliaslive");
        found.check(&one, alias, "is not the stream's alias");
    }
}

fn stream_url_only(template: &Template, found: &mut Findings) {
    let permissions = template.of("AWS::Lambda::Permission");
    for one in permissions.filter(|one| one.text("Principal") == "*") {
        let stream = points_to(one.get("FunctionName"), "StreamFunctionAliaslive");
        let by_url =
            one.text("FunctionUrlAuthType") == "NONE" || *one.get("InvokedViaFunctionUrl") == true;
        found.check(&one, stream && by_url, "lets anybody call a function");
    }
}

fn door(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::CloudFront::Distribution") {
        let config = one.get("DistributionConfig");
        let origins = config["Origins"].as_array().into_iter().flatten();
        for origin in origins {
            let https = origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only";
            found.check(&one, https, "passes requests on without TLS");
        }
        let others = config["CacheBehaviors"].as_array().into_iter().flatten();
        for behaviour in others.chain([&config["DefaultCacheBehavior"]]) {
            let https = behaviour["ViewerProtocolPolicy"] == "https-only";
            let uncached = behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
            found.check(
                &one,
                https && uncached,
                "takes requests without TLS, or keeps answers",
            );
        }
    }
}

fn firewall(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::CloudFront::Distribution") {
        let acl = one.get("DistributionConfig")["WebACLId"].to_string();
        let both = acl.contains("WebAclArn") && acl.contains("\"WebAcl\"");
        found.check(&one, both, "has no firewall");
    }
    for one in template.of("AWS::WAFv2::WebACL") {
        let rate = one.list("Rules").iter().any(|rule| {
            rule["Statement"]["RateBasedStatement"]["Limit"]
                .as_u64()
                .is_some()
                && !rule["Action"]["Block"].is_null()
        });
        found.check(
            &one,
            rate && one.text("Scope") == "CLOUDFRONT",
            "lets one address ask without end",
        );
    }
}
