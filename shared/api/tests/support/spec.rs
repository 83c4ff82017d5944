//! The OpenAPI file as it is checked in, and what it says of an answer.

use super::{Answer, Ask};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "patch", "head", "options", "trace",
];
const PROBLEM: &str = "#/components/schemas/ApiProblem";

pub struct Spec {
    file: Value,
    pub operations: Vec<Operation>,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub params: Vec<Param>,
    pub body: Option<BodyOf>,
    /// What a token has to allow.
    pub scope: Option<String>,
    pub responses: BTreeMap<u16, Value>,
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: String,
    pub at: String,
    pub schema: Value,
}

#[derive(Debug, Clone)]
pub struct BodyOf {
    pub schema: Value,
    pub required: bool,
    pub bytes_max: usize,
}

pub fn spec() -> &'static Spec {
    static SPEC: LazyLock<Spec> = LazyLock::new(Spec::read);
    &SPEC
}

impl Spec {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut operations = Vec::new();
        for (path, item) in file["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(METHODS.contains(&method.as_str()), "{path} has `{method}`");
                operations.push(Operation::read(path, method, operation));
            }
        }
        let validators = Mutex::default();
        Self {
            file,
            operations,
            validators,
        }
    }

    /// The operation that a request asks for, if there is one.
    pub fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let method = if method == "HEAD" { "GET" } else { method };
        let is_it = |of: &&Operation| of.method == method && fits(&of.path, path);
        self.operations.iter().find(is_it)
    }

    /// The methods of each path.
    pub fn paths(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for operation in &self.operations {
            let methods = paths.entry(&operation.path).or_default();
            methods.push(&operation.method);
        }
        paths
    }

    /// Whether a value fits a schema of the file.
    pub fn fits(&self, schema: &Value, value: &Value) -> bool {
        self.validator(schema).is_valid(value)
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let made = || {
            let mut root = schema.clone();
            root["components"] = self.file["components"].clone();
            let options = jsonschema::options().should_validate_formats(true);
            Arc::new(options.build(&root).unwrap())
        };
        let validator = validators.entry(schema.to_string()).or_insert_with(made);
        Arc::clone(validator)
    }

    /// What is wrong with an answer: nothing, if it is one that the file tells of.
    pub fn judge(&self, ask: &Ask, answer: &Answer) -> Vec<String> {
        let mut wrong = common(answer);
        let operation = self.find(&ask.method, &ask.path);
        let is_head = ask.method == "HEAD";
        if answer.status >= 400 && !is_head {
            wrong.extend(self.judge_problem(operation, answer));
        }
        let Some(operation) = operation else {
            if !matches!(answer.status, 403..=405) {
                wrong.push(format!(
                    "{} although there is no such operation",
                    answer.status
                ));
            }
            return wrong;
        };
        match operation.responses.get(&answer.status) {
            None => wrong.push(format!("{} is not documented", answer.status)),
            Some(response) if answer.status < 400 => {
                wrong.extend(self.judge_good(response, answer, is_head));
            }
            Some(_) => {}
        }
        wrong
    }

    fn judge_problem(&self, operation: Option<&Operation>, answer: &Answer) -> Vec<String> {
        let mut wrong = Vec::new();
        if answer.media() != "application/problem+json" {
            wrong.push(format!("a problem comes as `{}`", answer.media()));
        }
        let problem = answer.json();
        let validator = self.validator(&json!({ "$ref": PROBLEM }));
        wrong.extend(
            validator
                .iter_errors(&problem)
                .map(|error| error.to_string()),
        );
        for field in ["type", "title", "detail", "code", "help"] {
            if problem[field]
                .as_str()
                .is_none_or(|text| text.trim().is_empty())
            {
                wrong.push(format!("`{field}` is empty"));
            }
        }
        if problem["status"] != answer.status {
            wrong.push(format!("it says {} itself", problem["status"]));
        }
        let code = answer.code();
        if problem["type"] != format!("urn:agent-lattice:problem:{code}") {
            wrong.push(format!("the type {} is not of `{code}`", problem["type"]));
        }
        let documented = operation.and_then(|operation| operation.responses.get(&answer.status));
        let says = documented.and_then(|response| response["description"].as_str());
        if says.is_some_and(|says| !says.contains(&format!("{code}:"))) {
            wrong.push(format!("`{code}` is not documented with {}", answer.status));
        }
        wrong
    }

    fn judge_good(&self, response: &Value, answer: &Answer, is_head: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for name in response["headers"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys())
        {
            if answer.header(name).is_empty() {
                wrong.push(format!("the header `{name}` is missing"));
            }
        }
        let Some(content) = response["content"].as_object() else {
            if !answer.body.is_empty() {
                wrong.push("a body where none is documented".to_owned());
            }
            return wrong;
        };
        let (media, of) = content.iter().next().unwrap();
        if answer.media() != media {
            wrong.push(format!("`{}` instead of `{media}`", answer.media()));
        }
        if is_head {
            return wrong;
        }
        if media == "application/json" {
            match serde_json::from_slice::<Value>(&answer.body) {
                Err(error) => wrong.push(format!("the body is no JSON: {error}")),
                Ok(body) if !of["schema"].is_null() => {
                    let validator = self.validator(&of["schema"]);
                    let errors = validator.iter_errors(&body);
                    wrong.extend(
                        errors.map(|error| format!("{error} at {}", error.instance_path())),
                    );
                }
                Ok(_) => {}
            }
        }
        wrong
    }
}

/// What is true of every answer.
fn common(answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer.header("x-content-type-options") != "nosniff" {
        wrong.push("a browser may guess at its type".to_owned());
    }
    if answer.header("cache-control") != "no-store" {
        wrong.push("it may be kept by a cache".to_owned());
    }
    if answer.status >= 500 && !matches!(answer.status, 503) {
        wrong.push("a fault of the server".to_owned());
    }
    wrong
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, found) = (template.split('/'), path.split('/'));
    let is_name = |wanted: &str, found: &str| wanted.starts_with('{') && !found.is_empty();
    let same = |(wanted, found): (&str, &str)| wanted == found || is_name(wanted, found);
    wanted.clone().count() == found.clone().count() && wanted.zip(found).all(same)
}

impl Operation {
    fn read(path: &str, method: &str, of: &Value) -> Self {
        let id = of["operationId"].as_str().unwrap().to_owned();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let params = of["parameters"].as_array().into_iter().flatten();
        let params = params.map(|param| Param {
            name: text(&param["name"]),
            at: text(&param["in"]),
            schema: param["schema"].clone(),
        });
        let body = of.get("requestBody").map(|body| BodyOf {
            schema: body["content"]["application/json"]["schema"].clone(),
            required: body["required"] == true,
            bytes_max: number_in(body["description"].as_str().unwrap()),
        });
        let responses = of["responses"].as_object().unwrap().iter();
        let responses = responses.map(|(status, of)| (status.parse().unwrap(), of.clone()));
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            params: params.collect(),
            scope: of["security"][0]["token"][0].as_str().map(str::to_owned),
            responses: responses.collect(),
            body,
            id,
        }
    }

    /// The statuses of its answers when all is well.
    pub fn good(&self) -> Vec<u16> {
        let all = self.responses.keys().copied();
        all.filter(|status| *status < 400).collect()
    }

    /// Whether its body is an object with these fields and no others.
    pub fn is_closed(&self) -> bool {
        let schema = self.body.as_ref().map(|body| spec().resolve(&body.schema));
        schema.is_some_and(|schema| schema["additionalProperties"] == false)
    }

    /// Whether it takes a webhook, which is bytes under a proof and carries no token.
    pub fn is_hook(&self) -> bool {
        self.path.starts_with("/v1/hooks/")
    }

    pub fn has_id(&self) -> bool {
        let mut params = self.params.iter();
        params.any(|param| param.at == "path" && param.name != "target")
    }
}

impl Spec {
    /// The schema that a reference leads to.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(place) => self.file.pointer(place.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }
}

fn number_in(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}
