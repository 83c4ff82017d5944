//! A question to a person, and what counts as an answer to it.

use lattice_model::limits::ANSWER_QUOTE_CHARS_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// What is asked.
    pub text: String,
    /// What may be chosen; empty for a free text.
    pub options: Vec<QuestionOption>,
    /// Whether several may be chosen.
    pub choice: Choice,
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    /// One of the options.
    One,
    /// Any of the options, as a list.
    Many,
    /// A text.
    Text,
}

/// One possible answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuestionOption {
    /// What the person sees and may answer with.
    pub label: String,
    /// What the answer means to the workflow; the label, if nothing else was set.
    pub value: Value,
    /// More about the option, for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Question {
    /// Reads an answer: the label, the value, or the number (from 1) of an option; a list of them;
    /// or a text. Gives what `nodes.<id>.output` becomes, or a sentence of what is allowed.
    pub fn accept(&self, answer: &Value) -> Result<Value, String> {
        match self.choice {
            Choice::One => self.accept_one(answer),
            Choice::Many => self.accept_many(answer),
            Choice::Text => match answer {
                Value::String(text) => Ok(json!({ "text": text })),
                other => Err(format!("expected a text, got `{}`", plain(other))),
            },
        }
    }

    fn accept_one(&self, answer: &Value) -> Result<Value, String> {
        let index = self.find(answer)?;
        let option = self.options.get(index);
        let (label, value) = option.map_or((None, None), |o| (Some(&o.label), Some(&o.value)));
        Ok(json!({ "option": index, "label": label, "value": value }))
    }

    fn accept_many(&self, answer: &Value) -> Result<Value, String> {
        let Value::Array(answers) = answer else {
            return Err(format!(
                "expected a list of options, got `{}`",
                plain(answer)
            ));
        };
        let mut chosen: Vec<usize> = answers
            .iter()
            .map(|one| self.find(one))
            .collect::<Result<_, _>>()?;
        chosen.sort_unstable();
        chosen.dedup();
        let options: Vec<_> = chosen.iter().filter_map(|i| self.options.get(*i)).collect();
        let labels: Vec<_> = options.iter().map(|option| &option.label).collect();
        let values: Vec<_> = options.iter().map(|option| &option.value).collect();
        Ok(json!({ "options": chosen, "labels": labels, "values": values }))
    }

    fn find(&self, answer: &Value) -> Result<usize, String> {
        let said = |option: &QuestionOption| {
            option.value == *answer || answer.as_str() == Some(option.label.as_str())
        };
        if let Some(index) = self.options.iter().position(said) {
            return Ok(index);
        }
        let number = answer
            .as_u64()
            .or_else(|| answer.as_str().and_then(|text| text.trim().parse().ok()));
        let by_number = number
            .and_then(|number| usize::try_from(number).ok())
            .and_then(|number| number.checked_sub(1))
            .filter(|index| *index < self.options.len());
        by_number.ok_or_else(|| {
            let labels: Vec<_> = self
                .options
                .iter()
                .map(|option| format!("`{}`", option.label))
                .collect();
            format!(
                "`{}` is not an option; expected {}",
                plain(answer),
                labels.join(", ")
            )
        })
    }
}

/// The answer as its giver wrote it, cut where it is long.
fn plain(answer: &Value) -> String {
    let whole = answer.as_str();
    let whole = whole.map_or_else(|| answer.to_string(), str::to_owned);
    match whole.char_indices().nth(ANSWER_QUOTE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn question(choice: Choice) -> Question {
        let option = |label: &str, value: Value| QuestionOption {
            label: label.to_owned(),
            value,
            description: None,
        };
        let options = vec![
            option("Approve", json!("yes")),
            option("Send back", json!(2.5)),
        ];
        Question {
            text: "Send it?".to_owned(),
            options,
            choice,
        }
    }

    #[test]
    fn an_option_is_named_by_label_value_or_number() {
        for answer in [json!("Send back"), json!(2.5), json!(2), json!("2")] {
            let output = question(Choice::One).accept(&answer).unwrap();
            assert_eq!(
                output,
                json!({"option": 1, "label": "Send back", "value": 2.5})
            );
        }
    }

    #[test]
    fn what_is_not_an_option_is_refused_with_the_options() {
        for answer in [
            json!("Maybe"),
            json!(0),
            json!(3),
            json!(null),
            json!(["Approve"]),
        ] {
            let error = question(Choice::One).accept(&answer).unwrap_err();
            assert!(error.contains("`Approve`, `Send back`"), "{error}");
        }
    }

    #[test]
    fn several_options_come_in_the_order_of_the_question() {
        let output = question(Choice::Many)
            .accept(&json!(["Send back", "Approve", 1]))
            .unwrap();
        assert_eq!(output["options"], json!([0, 1]));
        assert!(question(Choice::Many).accept(&json!("Approve")).is_err());
        assert_eq!(
            question(Choice::Text).accept(&json!("so")).unwrap(),
            json!({"text": "so"})
        );
    }
}
