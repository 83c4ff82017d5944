//! Writes the OpenAPI 3.1 file of the routes.

use crate::problem::ApiProblem;
use crate::routes::{Answer, BodyKind, BodySpec, In, Param, ParamKind, ROUTES, Route, Scope};
use crate::sse::TextChunk;
use lattice_journal::{Event, RunStatus};
use lattice_model::{Hash, RunId, limits};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The OpenAPI 3.1 description of the API. `docs/openapi.json` is this, written down.
pub fn openapi() -> Value {
    let mut file = Writer {
        requests: generator(|settings| settings.for_deserialize()),
        answers: generator(|settings| settings.for_serialize()),
    };
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        paths
            .entry(route.path)
            .or_default()
            .insert(method, file.operation(route));
    }
    // Frames are no JSON bodies, so no answer names what stands in them.
    file.answers.subschema_for::<Event>();
    file.answers.subschema_for::<TextChunk>();
    let mut schemas = file.requests.take_definitions(true);
    schemas.extend(file.answers.take_definitions(true));
    let scopes: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Agent Lattice",
            "version": "1",
            "summary": "Stores agent workflows, runs them durably, and shows what they do.",
            "description": format!(
                "Every error is a problem body (RFC 9457) whose code has a page in `docs/problems/`. \
                 A token's `scope` names what it allows: {}. A server on a person's own machine \
                 asks for no token and answers only that machine.", scopes.join(", ")),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

/// The id of a trigger: 26 characters of Crockford base 32.
const TRIGGER_ID: &str = "^tr_[0-9a-hjkmnp-tv-z]{26}$";

fn generator(contract: fn(SchemaSettings) -> SchemaSettings) -> SchemaGenerator {
    let mut settings = contract(SchemaSettings::draft2020_12());
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

struct Writer {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Writer {
    fn operation(&mut self, route: &Route) -> Value {
        let mut operation = json!({
            "operationId": route.id,
            "summary": route.says,
            "responses": self.responses(route),
        });
        let Value::Object(fields) = &mut operation else {
            return operation;
        };
        if !route.params.is_empty() {
            let params = route.params.iter().map(|param| self.param(param));
            fields.insert("parameters".to_owned(), params.collect());
        }
        if let Some(body) = &route.body {
            fields.insert("requestBody".to_owned(), self.body(body));
        }
        let security = match route.scope {
            // The scheme is a bearer token, for which OpenAPI 3.1 lets roles be named.
            Some(scope) => json!([{ "token": [scope.as_str()] }]),
            None => json!([]),
        };
        fields.insert("security".to_owned(), security);
        operation
    }

    fn param(&mut self, param: &Param) -> Value {
        let at = match param.at {
            In::Path => "path",
            In::Query => "query",
            In::Header => "header",
        };
        let mut written = json!({
            "name": param.name,
            "in": at,
            "required": param.at == In::Path,
            "description": param.says,
            "schema": self.param_schema(param.kind),
        });
        if param.kind == ParamKind::Free {
            // Each property is a parameter of its own, under its own name.
            written["style"] = json!("form");
            written["explode"] = json!(true);
        }
        written
    }

    fn param_schema(&mut self, kind: ParamKind) -> Value {
        let schema: Schema = match kind {
            ParamKind::RunId | ParamKind::RunCursor => self.requests.subschema_for::<RunId>(),
            ParamKind::Version => self.requests.subschema_for::<Hash>(),
            ParamKind::Status => self.requests.subschema_for::<RunStatus>(),
            ParamKind::WorkflowId | ParamKind::WorkflowCursor => {
                let pattern = format!("^[A-Za-z0-9_.-]{{1,{}}}$", limits::ID_CHARS_MAX);
                return json!({ "type": "string", "pattern": pattern });
            }
            ParamKind::Seq => {
                let last = limits::JSON_INTEGER_MAX;
                return json!({ "type": "integer", "minimum": 0, "maximum": last });
            }
            ParamKind::Place => {
                let last = limits::JSON_INTEGER_MAX;
                return json!({ "type": "integer", "minimum": 1, "maximum": last });
            }
            ParamKind::Limit(max, default) => {
                return json!({ "type": "integer", "minimum": 1, "maximum": max, "default": default });
            }
            ParamKind::Moment => {
                let pattern =
                    r"^(19[789]\d|2\d{3})-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|\+00:00)$";
                return json!({ "type": "string", "format": "date-time", "pattern": pattern });
            }
            ParamKind::Word(words) => return json!({ "type": "string", "enum": words }),
            ParamKind::TriggerId => {
                return json!({ "type": "string", "pattern": TRIGGER_ID });
            }
            ParamKind::Free => {
                return json!({ "type": "object", "additionalProperties": true });
            }
            ParamKind::Tags => return json!({ "type": "string" }),
            ParamKind::Star => return json!({ "const": "*" }),
            ParamKind::ETag => {
                return json!({ "type": "string", "pattern": "^(\\*|\"[0-9a-f]{64}\")$" });
            }
        };
        schema.to_value()
    }

    fn body(&mut self, body: &BodySpec) -> Value {
        let schema = match body.kind {
            BodyKind::Json(make) => make(&mut self.requests).to_value(),
            BodyKind::Raw => {
                let media = [
                    "application/json",
                    "application/x-www-form-urlencoded",
                    "text/plain",
                ];
                let content = media.map(|media| (media.to_owned(), json!({})));
                return json!({
                    "required": body.required,
                    "description": format!(
                        "At most {} bytes, of the one type that the trigger takes.", body.bytes_max),
                    "content": Map::from_iter(content),
                });
            }
            BodyKind::Document => json!({
                "type": "object",
                "description": "A workflow document: `docs/workflow.schema.json`, or one of two older shapes.",
            }),
        };
        json!({
            "required": body.required,
            "description": format!("At most {} bytes.", body.bytes_max),
            "content": { "application/json": { "schema": schema } },
        })
    }

    fn responses(&mut self, route: &Route) -> Value {
        let mut responses = Map::new();
        for answer in route.answers {
            responses.insert(answer.status.to_string(), self.answer(answer));
        }
        let problem = self.answers.subschema_for::<ApiProblem>().to_value();
        let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for code in route.all_problems() {
            let said = by_status.entry(code.status).or_default();
            said.push(format!("{}: {}", code.id, code.title));
        }
        for (status, said) in by_status {
            let response = json!({
                "description": said.join("; "),
                "content": { "application/problem+json": { "schema": problem } },
            });
            responses.insert(status.to_string(), response);
        }
        Value::Object(responses)
    }

    fn answer(&mut self, answer: &Answer) -> Value {
        let mut response = Map::new();
        response.insert("description".to_owned(), json!(answer.says));
        if let Some(make) = answer.schema {
            let schema = make(&mut self.answers).to_value();
            let content = json!({ "application/json": { "schema": schema } });
            response.insert("content".to_owned(), content);
        } else if let Some(media) = answer.media {
            response.insert("content".to_owned(), json!({ media: {} }));
        }
        if !answer.headers.is_empty() {
            let header = |name: &&str| {
                (
                    (*name).to_owned(),
                    json!({ "required": true, "schema": { "type": "string" } }),
                )
            };
            let headers: Map<String, Value> = answer.headers.iter().map(header).collect();
            response.insert("headers".to_owned(), Value::Object(headers));
        }
        Value::Object(response)
    }
}
