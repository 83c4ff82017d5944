//! JSON whose strings are templates.

use lattice_expr::{ExprError, Reference, Scope, Template};
use serde_json::{Map, Value};

/// A JSON value with its strings parsed as templates.
#[derive(Debug, Clone)]
pub enum ValueTemplate {
    /// No template inside: the value itself.
    Literal(Value),
    /// A string with references.
    Text(Template),
    /// A list with templates somewhere inside.
    List(Vec<ValueTemplate>),
    /// An object with templates somewhere inside.
    Object(Vec<(String, ValueTemplate)>),
}

impl ValueTemplate {
    /// Parses every string of the value.
    pub fn parse(value: &Value) -> Result<Self, ExprError> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?),
            Value::Array(items) => {
                Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), Self::parse(item)?)))
                    .collect::<Result<_, ExprError>>()?,
            ),
            plain => Self::Literal(plain.clone()),
        })
    }

    /// Everything that the templates refer to.
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Text(template) => template.references().iter().collect(),
            Self::List(items) => items.iter().flat_map(Self::references).collect(),
            Self::Object(fields) => fields
                .iter()
                .flat_map(|(_, item)| item.references())
                .collect(),
        }
    }

    /// The value with every template rendered.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Value, ExprError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Text(template) => template.render_value(scope)?,
            Self::List(items) => Value::Array(
                items
                    .iter()
                    .map(|item| item.render(scope))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), item.render(scope)?)))
                    .collect::<Result<Map<_, _>, ExprError>>()?,
            ),
        })
    }
}
