//! `httpRequest`: one HTTP request.

use crate::Fields;
use crate::codes;
use crate::kind::{NodeKind, Opened, Output, Port};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told, code, duration};
use lattice_model::limits::{STAGE_ATTEMPTS_MAX, STAGE_TIMEOUT_MS_MAX};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The type.
pub(crate) struct HttpRequest;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// The method.
    method: Method,
    /// The address: a template that begins with `https://` or `http://`, or with a reference.
    #[schemars(length(min = 1))]
    url: String,
    /// Headers, each a template.
    headers: Option<Map<String, Value>>,
    /// The query, each value a template.
    query: Option<Map<String, Value>>,
    /// What is sent: JSON whose strings are templates.
    body: Option<Value>,
    /// How the request proves who sends it.
    authentication: Option<Authentication>,
    /// What the answer is read as; left out, `json`.
    response_format: Option<Format>,
    /// Time for one attempt, in milliseconds.
    #[schemars(range(min = 1, max = STAGE_TIMEOUT_MS_MAX))]
    timeout: Option<u64>,
    /// When to try again.
    retry_strategy: Option<Retry>,
    /// How often it is tried again: the short form of `retryStrategy`.
    #[schemars(range(max = STAGE_ATTEMPTS_MAX))]
    retries: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Authentication {
    /// The scheme.
    #[schemars(rename = "type")]
    scheme: Scheme,
    /// With `bearer`: the token, as `{{secret.NAME}}`.
    token: Option<String>,
    /// With `basic`: who.
    username: Option<String>,
    /// With `basic`: the password, as `{{secret.NAME}}`.
    password: Option<String>,
    /// With `apiKey`: the header; left out, `X-API-Key`.
    header: Option<String>,
    /// With `apiKey`: the key, as `{{secret.NAME}}`.
    key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Scheme {
    None,
    Bearer,
    Basic,
    #[serde(alias = "api-key", alias = "apikey")]
    ApiKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Text,
    Binary,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Retry {
    /// How often it is tried again.
    #[schemars(range(max = STAGE_ATTEMPTS_MAX))]
    max_retries: Option<u64>,
    /// The first pause, in milliseconds; each further one is twice as long.
    backoff_ms: Option<u64>,
}

impl NodeKind for HttpRequest {
    fn name(&self) -> &'static str {
        "httpRequest"
    }

    fn title(&self) -> &'static str {
        "HTTP request"
    }

    fn summary(&self) -> &'static str {
        "Sends an HTTP request and keeps the answer."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let method = fields.required::<Method>("method");
        let url = fields.required_text("url").unwrap_or_default();
        opening.template(&fields.at("url"), &url, Secrets::Allowed);
        let is_web = ["https://", "http://", "{{"]
            .iter()
            .any(|it| url.starts_with(it));
        if !url.is_empty() && !is_web {
            let text = format!("`{}` is no web address", url.escape_debug());
            fields.out_of_range("url", text);
        }
        for name in ["headers", "query"] {
            if let Some(values) = fields.optional::<Map<String, Value>>(name) {
                opening.value_to_effect(&fields.at(name), &Value::Object(values));
            }
        }
        if let Some(body) = fields.raw("body") {
            opening.value_to_effect(&fields.at("body"), body);
            if matches!(method, Some(Method::Get | Method::Head)) {
                fields.unused("body", "a request of this method has no body");
            }
        }
        if fields.raw("authentication").is_some()
            && let Some(authentication) = fields.object("authentication")
        {
            open_authentication(opening, authentication);
        }
        fields.optional::<Format>("responseFormat");
        fields.whole("timeout", 1..=STAGE_TIMEOUT_MS_MAX);
        fields.whole("retries", 0..=u64::from(STAGE_ATTEMPTS_MAX));
        if fields.raw("retryStrategy").is_some()
            && let Some(mut retry) = fields.object("retryStrategy")
        {
            retry.whole("maxRetries", 0..=u64::from(STAGE_ATTEMPTS_MAX));
            retry.whole("backoffMs", 0..=STAGE_TIMEOUT_MS_MAX);
            retry.done();
        }
        fields.done();
        Some(Opened {
            output: Output::Any,
            ..Opened::new(vec![Port::out(), Port::error()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let method = teller.plain_or("method", "GET");
        let format = teller.plain_or("responseFormat", "json");
        let limit = teller
            .number("timeout")
            .map(|ms| format!("It has failed if no answer came within {}.", duration(ms)));
        let retry = teller
            .raw("retryStrategy")
            .and_then(|it| it.get("maxRetries"));
        let retry = retry.and_then(Value::as_u64).or(teller.number("retries"));
        let retry = retry.filter(|retries| *retries > 0).map(|retries| {
            format!("If it fails by the network or with a status from 500, try again up to {retries} times.")
        });
        Told::new(Need::Http)
            .say(format!(
                "Send the HTTP request {} to {} and keep the body of the answer, read as {format}. \
                 A status from 400 is a failure.",
                code(method),
                code(teller.plain_or("url", "")),
            ))
            .say_maybe(teller.shown("Headers:", "headers"))
            .say_maybe(teller.shown("Query:", "query"))
            .say_maybe(teller.shown("Body:", "body"))
            .say_maybe(teller.shown("How it proves who sends it:", "authentication"))
            .say_maybe(limit)
            .say_maybe(retry)
    }
}

fn open_authentication(opening: &Opening<'_>, mut fields: Fields<'_>) {
    let scheme = fields.required::<Scheme>("type");
    let needed: &[&'static str] = match scheme {
        Some(Scheme::Bearer) => &["token"],
        Some(Scheme::Basic) => &["username", "password"],
        Some(Scheme::ApiKey) => &["key"],
        Some(Scheme::None) | None => &[],
    };
    for name in ["token", "username", "password", "header", "key"] {
        let Some(text) = fields.text(name) else {
            if needed.contains(&name) {
                fields.missing(name);
            }
            continue;
        };
        let template = opening.template(&fields.at(name), &text, Secrets::Allowed);
        let is_secret = matches!(name, "token" | "password" | "key");
        let names_none = template.is_some_and(|template| template.references().is_empty());
        if is_secret && names_none {
            let text = format!("`{name}` does not name a secret");
            let help = "write it as `{{secret.NAME}}`, and set the secret `NAME` where the workflow \
                        runs";
            opening.error(codes::NO_SECRET, &fields.at(name), text, help);
        }
    }
    fields.done();
}
