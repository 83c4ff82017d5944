//! Makes values of templates and of models' answers, and says which values are too large to keep.

use lattice_expr::{ExprError, Root, Schema, Scope, Template};
use lattice_ir::ModelCall;
use lattice_journal::{Failure, FailureKind};
use lattice_model::canonical_len;
use lattice_model::limits::VALUE_BYTES_MAX;
use serde_json::Value;

/// The prompt in the form that people see. The instructions must be renderable too.
pub(super) fn prompt(scope: &Scope<'_>, model: &ModelCall) -> Result<String, Failure> {
    let render = |text: &str| Template::parse(text)?.render(scope);
    if let Some(system) = &model.system {
        render(system).map_err(expression)?;
    }
    let prompt = render(&model.prompt).map_err(expression)?;
    Ok(prompt.to_display())
}

/// A text for a person, who sees no secret, not even its name.
pub(super) fn text(scope: &Scope<'_>, template: &str) -> Result<String, Failure> {
    let template = Template::parse(template).map_err(expression)?;
    let mut references = template.references().iter();
    if let Some(secret) = references.find(|one| one.root == Root::Secret) {
        let message = format!("`{secret}` may stand in the settings of effects only");
        return Err(Failure::new(FailureKind::Expression, message));
    }
    let rendered = template.render(scope).map_err(expression)?;
    Ok(rendered.to_display())
}

/// JSON with its strings rendered as templates; the names of fields stay as they are.
pub(super) fn value(scope: &Scope<'_>, template: &Value) -> Result<Value, Failure> {
    match template {
        Value::String(text) => Template::parse(text)
            .and_then(|template| template.render_value(scope))
            .map_err(expression),
        Value::Array(items) => items.iter().map(|item| value(scope, item)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, item)| Ok((key.clone(), value(scope, item)?)));
            fields.collect::<Result<_, _>>().map(Value::Object)
        }
        plain => Ok(plain.clone()),
    }
}

/// What a model's answer is worth: a text, or JSON of the shape that was asked for.
pub(super) fn read_answer(model: &ModelCall, text: String) -> Result<Value, Failure> {
    let malformed = |message: String| Failure::new(FailureKind::MalformedOutput, message);
    let Some(schema) = &model.output_schema else {
        return kept(Value::String(text));
    };
    let schema = Schema::parse(schema).map_err(expression)?;
    let answer: Value = serde_json::from_str(&text)
        .map_err(|error| malformed(format!("the answer is not JSON: {error}")))?;
    schema
        .validate(&answer)
        .map_err(|problems| malformed(format!("the answer does not fit: {problems:?}")))?;
    kept(answer)
}

/// The value, unless it is too large to be kept.
pub(super) fn kept(value: Value) -> Result<Value, Failure> {
    let bytes = canonical_len(&value);
    if bytes > VALUE_BYTES_MAX {
        let message = format!("the value has {bytes} bytes, the limit is {VALUE_BYTES_MAX}");
        return Err(Failure::new(FailureKind::Limit, message));
    }
    Ok(value)
}

/// The failure of an expression that cannot be evaluated.
pub(super) fn expression(error: ExprError) -> Failure {
    Failure::new(FailureKind::Expression, error.to_string())
}
