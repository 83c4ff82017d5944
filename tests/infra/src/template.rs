//! The expanded template, as the assertions look at it.

use serde_json::Value;

/// The stages, as the template names them.
pub const STAGES: [&str; 3] = ["dev", "staging", "prod"];

/// A template of plain CloudFormation.
#[derive(Debug, Clone)]
pub struct Template {
    /// All of it.
    pub root: Value,
}

/// One resource.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its logical id.
    pub name: &'a str,
    /// All of it.
    pub body: &'a Value,
}

/// One statement of a policy that stands in a role.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The role.
    pub role: Resource<'a>,
    /// The statement.
    pub statement: &'a Value,
}

impl Template {
    /// Reads JSON.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let root = serde_json::from_str(text)?;
        Ok(Self { root })
    }

    /// Every resource, by logical id.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let all = self.root["Resources"].as_object();
        all.into_iter()
            .flatten()
            .map(|(name, body)| Resource { name, body })
    }

    /// Every resource of a type.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Resource<'a>> {
        self.resources().filter(move |one| one.kind() == kind)
    }

    /// The resource of that logical id.
    pub fn find(&self, name: &str) -> Option<Resource<'_>> {
        self.resources().find(|one| one.name == name)
    }

    /// The functions whose code is ours: not the check of a rollout.
    pub fn functions(&self) -> impl Iterator<Item = Resource<'_>> {
        self.of("AWS::Lambda::Function")
            .filter(|one| one.name.ends_with("Function"))
    }

    /// What a value is in a stage: itself, or what its `Fn::FindInMap` finds.
    pub fn value<'a>(&'a self, value: &'a Value, stage: &str) -> &'a Value {
        match value["Fn::FindInMap"].as_array().map(Vec::as_slice) {
            Some([map, _, key]) => {
                let (map, key) = (
                    map.as_str().unwrap_or_default(),
                    key.as_str().unwrap_or_default(),
                );
                &self.root["Mappings"][map][stage][key]
            }
            _ => value,
        }
    }

    /// The number that a value is in a stage.
    pub fn number(&self, value: &Value, stage: &str) -> Option<u64> {
        let found = self.value(value, stage);
        let text = || found.as_str().and_then(|text| text.parse().ok());
        found.as_u64().or_else(text)
    }

    /// Every role.
    pub fn roles(&self) -> impl Iterator<Item = Resource<'_>> {
        self.of("AWS::IAM::Role")
    }

    /// Every statement that grants something to a role.
    pub fn grants(&self) -> impl Iterator<Item = Grant<'_>> {
        self.roles().flat_map(|role| {
            let policies = role.list("Policies");
            let documents = policies
                .iter()
                .map(|policy| &policy["PolicyDocument"]["Statement"]);
            documents
                .flat_map(|statements| statements.as_array().into_iter().flatten())
                .map(move |statement| Grant { role, statement })
        })
    }

    /// What a role may do, by the statements in it.
    pub fn grants_of(&self, role: &str) -> Vec<Grant<'_>> {
        self.grants().filter(|one| one.role.name == role).collect()
    }

    /// The statements of the policies of `kind` whose `list` (or `one`) names the resource.
    pub fn statements_about(&self, kind: &str, property: &str, name: &str) -> Vec<&Value> {
        let about = |value: &Value| match value.as_array() {
            Some(many) => many.iter().any(|one| points_to(one, name)),
            None => points_to(value, name),
        };
        let all = self.resources().filter(|one| one.kind() == kind);
        all.filter(|one| about(one.get(property)))
            .flat_map(|one| {
                one.body["Properties"]["PolicyDocument"]["Statement"]
                    .as_array()
                    .into_iter()
                    .flatten()
            })
            .collect()
    }
}

impl<'a> Resource<'a> {
    /// Its type.
    pub fn kind(&self) -> &'a str {
        self.body["Type"].as_str().unwrap_or_default()
    }

    /// A property; `Null` if there is none.
    pub fn get(&self, property: &str) -> &'a Value {
        &self.body["Properties"][property]
    }

    /// A property as text.
    pub fn text(&self, property: &str) -> &'a str {
        self.get(property).as_str().unwrap_or_default()
    }

    /// A property that is a list; empty if there is none.
    pub fn list(&self, property: &str) -> &'a [Value] {
        self.get(property).as_array().map_or(&[], Vec::as_slice)
    }
}

impl<'a> Grant<'a> {
    /// Its actions.
    pub fn actions(&self) -> Vec<&'a str> {
        texts(&self.statement["Action"])
    }

    /// Its resources.
    pub fn resources(&self) -> Vec<&'a Value> {
        many(&self.statement["Resource"])
    }
}

/// A value that is one or a list of them.
pub fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

/// The texts of a value that is one or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    many(value).into_iter().filter_map(Value::as_str).collect()
}

/// Whether a value is a reference to the resource, or to an attribute of it.
pub fn points_to(value: &Value, name: &str) -> bool {
    let attribute = value["Fn::GetAtt"]
        .as_array()
        .and_then(|parts| parts.first());
    let named = attribute.unwrap_or(&value["Ref"]);
    named.as_str() == Some(name)
}

/// The text of a value: itself, or that of its `Fn::Sub`.
pub fn text_of(value: &Value) -> &str {
    value
        .as_str()
        .or_else(|| value["Fn::Sub"].as_str())
        .unwrap_or_default()
}

/// Whether a statement denies everything that comes without TLS.
pub fn denies_plain(statement: &Value) -> bool {
    statement["Effect"] == "Deny"
        && statement["Principal"] == "*"
        && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
}
