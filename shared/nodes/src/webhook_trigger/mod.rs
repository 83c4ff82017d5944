//! `webhookTrigger`: a request from outside starts a run.

use crate::codes;
use crate::fields::Fields;
use crate::kind::{NodeKind, Opened, Port};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told};
use lattice_expr::{Reference, Root, Segment};
use lattice_ir::{Payload, TriggerKind, Webhook, WebhookAuth};
use lattice_model::limits::ID_CHARS_MAX;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The type.
pub(crate) struct WebhookTrigger;

/// The header in which GitHub sends its signature.
const SIGNATURE_HEADER: &str = "x-hub-signature-256";
const KEY_HEADER: &str = "x-api-key";

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// How the sender proves who it is.
    authentication: Authentication,
    /// The methods that are taken; left out, `POST`.
    #[schemars(length(min = 1))]
    allowed_methods: Option<Vec<Method>>,
    /// What the body is; left out, `json`.
    payload_format: Option<Format>,
    /// What the body must be: a JSON Schema.
    schema: Option<Value>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Authentication {
    /// The scheme.
    #[schemars(rename = "type")]
    scheme: Scheme,
    /// The secret that both sides know, by its name: `{{secret.NAME}}`.
    secret: String,
    /// The header that carries the signature or the key; left out, `X-Hub-Signature-256` or
    /// `X-API-Key`. Standard Webhooks has its own three.
    header: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Scheme {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    StandardWebhooks,
    ApiKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Post,
    Put,
    Patch,
    Get,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Get => "GET",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Form,
    Text,
}

impl NodeKind for WebhookTrigger {
    fn name(&self) -> &'static str {
        "webhookTrigger"
    }

    fn title(&self) -> &'static str {
        "Webhook"
    }

    fn summary(&self) -> &'static str {
        "Starts a run when a signed request comes in."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn begins_runs(&self) -> bool {
        true
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let authentication = fields
            .object("authentication")
            .and_then(|authentication| open_authentication(opening, authentication));
        let methods = open_methods(&mut fields);
        let payload = match fields.optional::<Format>("payloadFormat") {
            None | Some(Format::Json) => Payload::Json,
            Some(Format::Form) => Payload::Form,
            Some(Format::Text) => Payload::Text,
        };
        let schema = fields.raw("schema").cloned();
        if let Some(schema) = &schema {
            opening.schema(&fields.at("schema"), schema);
        }
        if let Some(WebhookAuth::HmacSha256 { .. }) = &authentication
            && methods.contains(&Method::Get)
        {
            let text = "`GET` has no body, so an `hmac-sha256` signature of it proves nothing";
            let help = "leave `GET` out, or use `standard-webhooks` or `api-key`";
            let at = fields.at("allowedMethods");
            opening.error(codes::CONTRADICTION, &at, text.to_owned(), help);
        }
        fields.done();
        let trigger = authentication.map(|authentication| {
            TriggerKind::Webhook(Webhook {
                authentication,
                methods: methods.iter().map(|one| one.word().to_owned()).collect(),
                payload,
                schema,
            })
        });
        Some(Opened {
            takes_edges: false,
            trigger,
            ..Opened::new(vec![Port::out()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let scheme = teller.raw("authentication").and_then(|it| it.get("type"));
        let scheme = scheme.and_then(Value::as_str).unwrap_or("api-key");
        let format = teller.plain_or("payloadFormat", "json");
        Told::new(Need::Webhook)
            .say(format!(
                "Elsewhere a request from outside starts this work (its sender proves itself by \
                 {scheme}, its body is read as {format}). Here nobody listens for one: take the body of \
                 the request as the input from whoever asks."
            ))
            .say_maybe(teller.shown("The input must be JSON of this schema:", "schema"))
    }
}

/// The methods in one order, each once.
fn open_methods(fields: &mut Fields<'_>) -> BTreeSet<Method> {
    let methods = fields.optional::<BTreeSet<Method>>("allowedMethods");
    if methods.as_ref().is_some_and(BTreeSet::is_empty) {
        let text = "`allowedMethods` is empty, so no request could come in".to_owned();
        fields.out_of_range("allowedMethods", text);
    }
    methods.unwrap_or_else(|| BTreeSet::from([Method::Post]))
}

fn open_authentication(opening: &Opening<'_>, mut fields: Fields<'_>) -> Option<WebhookAuth> {
    let scheme = fields.required::<Scheme>("type");
    let text = fields.required_text("secret");
    let secret = text.and_then(|text| open_secret(opening, &fields.at("secret"), &text));
    let header = fields.text("header");
    if header.is_some() && scheme == Some(Scheme::StandardWebhooks) {
        fields.unused("header", "Standard Webhooks has its own three headers");
    }
    let header = header.map(|header| open_header(opening, &fields.at("header"), header));
    fields.done();
    let (scheme, secret) = (scheme?, secret?);
    let header_or = |default: &str| match header {
        None => Some(default.to_owned()),
        Some(header) => header,
    };
    Some(match scheme {
        Scheme::HmacSha256 => WebhookAuth::HmacSha256 {
            secret,
            header: header_or(SIGNATURE_HEADER)?,
        },
        Scheme::StandardWebhooks => WebhookAuth::StandardWebhooks { secret },
        Scheme::ApiKey => WebhookAuth::ApiKey {
            secret,
            header: header_or(KEY_HEADER)?,
        },
    })
}

/// The name out of `{{secret.NAME}}`. Nothing else will do, so that nobody writes the secret itself.
fn open_secret(opening: &Opening<'_>, pointer: &str, text: &str) -> Option<String> {
    let template = opening.template(pointer, text, Secrets::Allowed)?;
    let whole = text
        .trim()
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    let named = match template.references() {
        [
            Reference {
                root: Root::Secret,
                path,
                ..
            },
        ] if whole.is_some() => path.as_slice(),
        _ => &[],
    };
    let is_plain = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    if let [Segment::Key(name)] = named
        && is_plain(name)
    {
        return Some(name.clone());
    }
    let text = "`secret` does not name a secret".to_owned();
    let help = "write it as `{{secret.NAME}}`, and set the secret `NAME` where the workflow runs";
    opening.error(codes::NO_SECRET, pointer, text, help);
    None
}

/// The name of a header in lower case, if it can be one (RFC 9110, section 5.6.2).
fn open_header(opening: &Opening<'_>, pointer: &str, header: String) -> Option<String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if header.bytes().all(is_token) && header.len() <= ID_CHARS_MAX {
        return Some(header.to_ascii_lowercase());
    }
    let text = format!("`{}` is no name of a header", header.escape_debug());
    let help = "use letters, digits and `-`, as in `X-Hub-Signature-256`";
    opening.error(codes::OUT_OF_RANGE, pointer, text, help);
    None
}
