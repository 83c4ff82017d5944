//! Makes a small value that satisfies a JSON Schema, the same for the same seed.

use lattice_expr::Schema;
use lattice_model::Hash;
use lattice_model::limits::SAMPLE_DEPTH_MAX;
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// A value that the schema accepts, or `None` if none was found: patterns, and rules that work
/// against each other, are beyond it. The seed chooses among enumerated values and branches.
pub fn sample(schema: &Value, seed: u64) -> Option<Value> {
    let checked = Schema::parse(schema).ok()?;
    let maker = Maker {
        root: schema,
        left: Cell::new(PARTS_MADE_MAX),
    };
    // Another choice may work where the first did not: the seed moves on, a few times.
    (0..TRIES_MAX)
        .filter_map(|turn| maker.make(schema, seed.wrapping_add(turn), SAMPLE_DEPTH_MAX))
        .find(|value| checked.validate(value).is_ok())
}

const TRIES_MAX: u64 = 16;
const ITEMS_MADE_MAX: u64 = 256;
/// Parts of a value, over all tries: a schema that refers to itself twice doubles at each level.
const PARTS_MADE_MAX: u32 = 20_000;
/// How deep fields that need not be there are made all the same.
const OPTIONAL_DEPTH_MAX: usize = 6;

struct Maker<'s> {
    root: &'s Value,
    left: Cell<u32>,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, seed: u64, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        self.left.set(self.left.get().checked_sub(1)?);
        let fields = match schema {
            Value::Bool(true) => return Some(json!("mock")),
            Value::Object(fields) => fields,
            _ => return None,
        };
        if let Some(value) = fields.get("const") {
            return Some(value.clone());
        }
        if let Some(values) = fields.get("enum").and_then(Value::as_array) {
            return pick(values, seed).cloned();
        }
        if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.strip_prefix('#')?)?;
            return self.make(target, seed, depth);
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(choices) = fields.get(word).and_then(Value::as_array) {
                return self.make(&merged(fields, word, pick(choices, seed)?), seed, depth);
            }
        }
        if let Some(parts) = fields.get("allOf").and_then(Value::as_array) {
            let mut whole = without(fields, "allOf");
            for part in parts {
                whole = merged(whole.as_object()?, "allOf", part);
            }
            return self.make(&whole, seed, depth);
        }
        match kind(fields, seed)? {
            "object" => self.object(fields, seed, depth),
            "array" => self.array(fields, seed, depth),
            "string" => Some(Value::String(text(fields))),
            "integer" | "number" => number(fields),
            "boolean" => Some(Value::Bool(seed.is_multiple_of(2))),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn object(&self, fields: &Map<String, Value>, seed: u64, depth: usize) -> Option<Value> {
        let no_fields = Map::new();
        let properties = fields
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&no_fields);
        let required = fields.get("required").and_then(Value::as_array);
        let mut made = Map::new();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let anything = fields
                .get("additionalProperties")
                .unwrap_or(&Value::Bool(true));
            let schema = properties.get(name).unwrap_or(anything);
            made.insert(name.to_owned(), self.make(schema, mix(seed, name), depth)?);
        }
        if required.is_none() && depth + OPTIONAL_DEPTH_MAX >= SAMPLE_DEPTH_MAX {
            // Nothing is required, so a person expects to see what there may be.
            for (name, schema) in properties {
                if let Some(value) = self.make(schema, mix(seed, name), depth) {
                    made.insert(name.clone(), value);
                }
            }
        }
        Some(Value::Object(made))
    }

    fn array(&self, fields: &Map<String, Value>, seed: u64, depth: usize) -> Option<Value> {
        let first: &[Value] = fields
            .get("prefixItems")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice);
        let least = fields.get("minItems").and_then(Value::as_u64).unwrap_or(1);
        let most = fields
            .get("maxItems")
            .and_then(Value::as_u64)
            .unwrap_or(u64::MAX);
        let count = least.max(first.len() as u64).min(most).min(ITEMS_MADE_MAX);
        let rest = fields.get("items").unwrap_or(&Value::Bool(true));
        let count = if *rest == Value::Bool(false) {
            count.min(first.len() as u64)
        } else {
            count
        };
        (0..count)
            .map(|place| {
                let index = usize::try_from(place).unwrap_or(usize::MAX);
                let item = first.get(index).unwrap_or(rest);
                self.make(item, seed.wrapping_add(place), depth)
            })
            .collect::<Option<Vec<_>>>()
            .map(Value::Array)
    }
}

/// The type; guessed from the other words where it is not given.
fn kind(fields: &Map<String, Value>, seed: u64) -> Option<&str> {
    match fields.get("type") {
        Some(Value::String(kind)) => Some(kind),
        Some(Value::Array(kinds)) => pick(kinds, seed)?.as_str(),
        Some(_) => None,
        None => {
            let has = |words: &[&str]| words.iter().any(|word| fields.contains_key(*word));
            Some(match () {
                () if has(&["properties", "required", "additionalProperties"]) => "object",
                () if has(&["items", "prefixItems", "minItems", "maxItems"]) => "array",
                () if has(&["minimum", "maximum", "multipleOf", "exclusiveMinimum"]) => "number",
                () => "string",
            })
        }
    }
}

fn text(fields: &Map<String, Value>) -> String {
    let sample = match fields.get("format").and_then(Value::as_str) {
        Some("date-time") => "2025-01-31T12:00:00Z",
        Some("date") => "2025-01-31",
        Some("time") => "12:00:00Z",
        Some("email") => "mock@example.com",
        Some("uri" | "url" | "uri-reference") => "https://example.com/mock",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "mock",
    };
    let bound = |word: &str| {
        fields
            .get(word)
            .and_then(Value::as_u64)
            .and_then(|count| usize::try_from(count).ok())
    };
    let least = bound("minLength").unwrap_or(0).min(CHARS_MADE_MAX);
    let letters = sample.chars().chain(std::iter::repeat('x'));
    let length = sample
        .chars()
        .count()
        .max(least)
        .min(bound("maxLength").unwrap_or(usize::MAX));
    letters.take(length).collect()
}

const CHARS_MADE_MAX: usize = 10_000;

/// The smallest number that fits, counted from 0 up or, below 0, from the maximum down.
fn number(fields: &Map<String, Value>) -> Option<Value> {
    let bound = |word: &str| fields.get(word).and_then(Value::as_f64);
    let whole = fields.get("type").and_then(Value::as_str) == Some("integer");
    let step = bound("multipleOf")
        .filter(|step| *step > 0.0)
        .unwrap_or(1.0);
    let step = if whole { step.ceil() } else { step };
    let either =
        |one: &str, other: &str, choose: fn(f64, f64) -> f64| match (bound(one), bound(other)) {
            (Some(one), Some(other)) => Some(choose(one, other)),
            (one, other) => one.or(other),
        };
    let least = either("minimum", "exclusiveMinimum", f64::max);
    let most = either("maximum", "exclusiveMaximum", f64::min);
    let mut value = match (least, most) {
        (Some(least), _) if least > 0.0 => (least / step).ceil() * step,
        (_, Some(most)) if most < 0.0 => (most / step).floor() * step,
        _ => 0.0,
    };
    if bound("exclusiveMinimum").is_some_and(|least| value <= least) {
        value += step;
    }
    if bound("exclusiveMaximum").is_some_and(|most| value >= most) {
        value -= step;
    }
    // Between two bounds that no step falls on, their middle.
    if let (false, Some(least), Some(most)) = (whole, least, most)
        && !(least..=most).contains(&value)
    {
        value = f64::midpoint(least, most);
    }
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some(json!(value as i64));
    }
    serde_json::Number::from_f64(value).map(Value::Number)
}

fn pick<T>(choices: &[T], seed: u64) -> Option<&T> {
    let count = choices.len() as u64;
    choices.get(usize::try_from(seed.checked_rem(count)?).ok()?)
}

fn mix(seed: u64, name: &str) -> u64 {
    let hash = Hash::of_parts(&[&seed.to_be_bytes(), name.as_bytes()]).to_hex();
    u64::from_str_radix(hash.get(..16).unwrap_or_default(), 16).unwrap_or(seed)
}

fn without(fields: &Map<String, Value>, word: &str) -> Value {
    let rest = fields.iter().filter(|(name, _)| *name != word);
    Value::Object(
        rest.map(|(name, item)| (name.clone(), item.clone()))
            .collect(),
    )
}

/// The schema without the word, with what the part adds: `properties` and `required` are joined,
/// other words are replaced. The check at the end finds what that gets wrong.
fn merged(fields: &Map<String, Value>, word: &str, part: &Value) -> Value {
    let mut whole = without(fields, word);
    let (Some(into), Some(part)) = (whole.as_object_mut(), part.as_object()) else {
        return whole;
    };
    for (name, item) in part {
        match (into.get_mut(name), item) {
            (Some(Value::Object(old)), Value::Object(new)) if name == "properties" => {
                old.extend(new.clone());
            }
            (Some(Value::Array(old)), Value::Array(new)) if name == "required" => {
                old.extend(new.iter().cloned());
            }
            _ => {
                into.insert(name.clone(), item.clone());
            }
        }
    }
    whole
}

#[cfg(test)]
#[path = "sample_tests.rs"]
pub(crate) mod tests;
