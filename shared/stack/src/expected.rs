//! What the template means for one stack: references, mappings and conditions worked out.

use crate::facts::Facts;
use serde_json::{Map, Value};

/// The expanded template of this build (`infra write` makes it, and a check keeps it current).
const TEMPLATE: &str = include_str!("../../../infra/expanded.json");

/// The template of this build.
pub fn template() -> Result<Value, serde_json::Error> {
    serde_json::from_str(TEMPLATE)
}

/// The template, seen from one stack.
#[derive(Debug)]
pub struct Expected<'a> {
    template: &'a Value,
    facts: &'a Facts,
}

impl<'a> Expected<'a> {
    /// The template as it is for this stack.
    pub fn new(template: &'a Value, facts: &'a Facts) -> Self {
        Self { template, facts }
    }

    /// The resources that the stack has to have: name, type, properties.
    pub fn resources(&self) -> Vec<(&'a str, &'a str, Value)> {
        let all = self.template["Resources"].as_object();
        let mut found = Vec::new();
        for (name, body) in all.into_iter().flatten() {
            let kind = body["Type"].as_str().unwrap_or_default();
            if self.wanted(kind, &body["Condition"]) {
                found.push((name.as_str(), kind, self.value(&body["Properties"])));
            }
        }
        found
    }

    /// A version's name changes with its code, so its alias stands for it. Rollouts are there only if
    /// they are asked for.
    fn wanted(&self, kind: &str, condition: &Value) -> bool {
        let rollout = kind.starts_with("AWS::CodeDeploy::");
        let canary = self
            .parameter("Canary")
            .is_some_and(|value| value == "true");
        let holds = condition.as_str().is_none_or(|name| self.condition(name));
        kind != "AWS::Lambda::Version" && (canary || !rollout) && holds
    }

    fn parameter(&self, name: &str) -> Option<String> {
        if let Some(value) = self.facts.parameters.get(name) {
            return Some(value.clone());
        }
        match &self.template["Parameters"][name]["Default"] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn condition(&self, name: &str) -> bool {
        self.test(&self.template["Conditions"][name])
    }

    fn test(&self, test: &Value) -> bool {
        let Some((word, of)) = only(test) else {
            return false;
        };
        let parts = of.as_array().map(Vec::as_slice).unwrap_or_default();
        match (word, parts) {
            ("Condition", _) => of.as_str().is_some_and(|name| self.condition(name)),
            ("Fn::Not", [one]) => !self.test(one),
            ("Fn::And", all) => all.iter().all(|one| self.test(one)),
            ("Fn::Or", any) => any.iter().any(|one| self.test(one)),
            ("Fn::Equals", [one, other]) => plain(&self.value(one)) == plain(&self.value(other)),
            _ => false,
        }
    }

    /// The value with everything worked out; `Null` for what cannot be told, or is left out.
    pub fn value(&self, value: &Value) -> Value {
        if let Some((word, of)) = only(value) {
            if word == "Ref" {
                return self.reference(of.as_str().unwrap_or_default());
            }
            if let Some(function) = word.strip_prefix("Fn::") {
                return self.function(function, of);
            }
        }
        match value {
            Value::Array(list) => list.iter().map(|one| self.value(one)).collect(),
            Value::Object(map) => {
                let worked_out = map
                    .iter()
                    .map(|(name, one)| (name.clone(), self.value(one)));
                worked_out
                    .filter(|(_, one)| !one.is_null())
                    .collect::<Map<_, _>>()
                    .into()
            }
            other => other.clone(),
        }
    }

    fn reference(&self, name: &str) -> Value {
        let facts = self.facts;
        let found = match name {
            "AWS::StackName" => Some(facts.stack.clone()),
            "AWS::Region" => Some(facts.region.clone()),
            "AWS::AccountId" => Some(facts.account.clone()),
            "AWS::Partition" => Some(facts.partition.clone()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            name => self
                .parameter(name)
                .or_else(|| facts.resources.get(name).map(|one| one.physical.clone())),
        };
        found.map_or(Value::Null, Value::String)
    }

    fn function(&self, name: &str, of: &Value) -> Value {
        let parts = of.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, parts) {
            ("GetAtt", [one, attribute]) => self.attribute(one, attribute),
            ("FindInMap", [map, first, second]) => {
                let key = |part: &Value| plain(&self.value(part));
                self.template["Mappings"][key(map)][key(first)][key(second)].clone()
            }
            ("If", [condition, yes, no]) => {
                let holds = self.condition(condition.as_str().unwrap_or_default());
                self.value(if holds { yes } else { no })
            }
            ("Sub", _) => of
                .as_str()
                .map_or(Value::Null, |text| self.substitute(text)),
            _ => Value::Null,
        }
    }

    fn attribute(&self, one: &Value, attribute: &Value) -> Value {
        let name = one.as_str().unwrap_or_default();
        match attribute.as_str() {
            Some("Arn") => self.facts.arn(name).map_or(Value::Null, Value::String),
            _ => Value::Null,
        }
    }

    fn substitute(&self, text: &str) -> Value {
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let Some((name, behind)) = behind.split_once('}') else {
                return Value::Null;
            };
            let found = match name.split_once('.') {
                Some((one, attribute)) => self.attribute(&one.into(), &attribute.into()),
                None => self.reference(name),
            };
            let Value::String(found) = found else {
                return Value::Null;
            };
            made.push_str(before);
            made.push_str(&found);
            rest = behind;
        }
        Value::String(made + rest)
    }
}

/// The only entry of an object that has no other.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.iter().next().map(|(word, of)| (word.as_str(), of))
}

/// A text or a number, as text: CloudFormation does not tell them apart.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Expected, template};
    use crate::facts::{Deployed, Facts};
    use serde_json::{Value, json};

    fn facts() -> Facts {
        let named = |kind: &str, physical: &str| Deployed {
            kind: kind.to_owned(),
            physical: physical.to_owned(),
            properties: Value::Null,
        };
        Facts {
            stack: "s".to_owned(),
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "1".to_owned(),
            parameters: [("Stage".to_owned(), "prod".to_owned())].into(),
            resources: [
                (
                    "Table".to_owned(),
                    named("AWS::DynamoDB::Table", "s-Table-1"),
                ),
                (
                    "StepsQueue".to_owned(),
                    named("AWS::SQS::Queue", "https://sqs/1/s-StepsQueue"),
                ),
            ]
            .into(),
        }
    }

    #[test]
    fn functions_of_a_template_are_worked_out() {
        let (template, facts) = (template().unwrap(), facts());
        let expected = Expected::new(&template, &facts);
        let cases = [
            (json!({"Ref": "Table"}), json!("s-Table-1")),
            (json!({"Ref": "Stage"}), json!("prod")),
            (json!({"Ref": "LogLevel"}), json!("info")),
            (json!({"Ref": "Nothing"}), Value::Null),
            (
                json!({"Fn::GetAtt": ["StepsQueue", "Arn"]}),
                json!("arn:aws:sqs:eu-west-1:1:s-StepsQueue"),
            ),
            (
                json!({"Fn::Sub": "${Table.Arn}/index/due"}),
                json!("arn:aws:dynamodb:eu-west-1:1:table/s-Table-1/index/due"),
            ),
            (
                json!({"Fn::Sub": "${AWS::StackName}-step"}),
                json!("s-step"),
            ),
            (json!({"Fn::Sub": "${Nothing}-step"}), Value::Null),
            (
                json!({"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "Protect"]}),
                json!(true),
            ),
            (json!({"Fn::If": ["HasObjectives", [1], [2]]}), json!([1])),
            (
                json!({"a": {"Fn::If": ["HasBoundary", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}),
                json!({"b": 2}),
            ),
        ];
        for (value, wanted) in cases {
            assert_eq!(expected.value(&value), wanted, "{value}");
        }
    }

    #[test]
    fn what_a_stage_does_not_have_is_not_expected() {
        let template = template().unwrap();
        let count = |stage: &str, word: &str| {
            let mut facts = facts();
            facts
                .parameters
                .insert("Stage".to_owned(), stage.to_owned());
            let expected = Expected::new(&template, &facts).resources();
            expected
                .iter()
                .filter(|(name, kind, _)| name.contains(word) || kind.contains(word))
                .count()
        };
        assert_eq!([count("dev", "Burn"), count("prod", "Burn")], [0, 12]);
        assert_eq!(
            [count("dev", "CodeDeploy"), count("dev", "Lambda::Version")],
            [0, 0]
        );
        assert_eq!(count("dev", "AWS::Lambda::Function"), 6);
    }
}
