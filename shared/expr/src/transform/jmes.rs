//! JMESPath: the `jmespath` crate between a check of the text and a check of the work.

use super::growth::{BudgetedJoin, growth};
use crate::error::{ExprError, Language, check_length, shorten};
use crate::weight::{Weight, check_depth};
use jmespath::ast::Ast;
use jmespath::{Context, JmespathError, Runtime, Variable, interpret};
use lattice_model::limits::{
    EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_WORK_MAX, VALUE_BYTES_MAX,
};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A parsed JMESPath expression. Cheap to clone.
#[derive(Clone)]
pub struct JmesPath(Arc<Parsed>);

struct Parsed {
    source: String,
    ast: Ast,
    growth: u64,
}

const WHAT: Language = Language::JmesPath;

impl JmesPath {
    /// Reads an expression. Fails on a function that does not exist.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        check_length(WHAT, source, EXPRESSION_BYTES_MAX)?;
        check_links(source)?;
        let ast = jmespath::parse(source).map_err(|error| syntax_error(&error))?;
        check_tree(&ast)?;
        let growth = growth(&ast);
        Ok(Self(Arc::new(Parsed {
            source: source.to_owned(),
            ast,
            growth,
        })))
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Applies it. Numbers that `sum`, `avg`, `abs`, `ceil` and `floor` give have a decimal point.
    pub fn evaluate(&self, value: &Value) -> Result<Value, ExprError> {
        let weight = Weight::of(value)?;
        if weight.units().saturating_mul(self.0.growth) > EXPRESSION_WORK_MAX {
            return Err(ExprError::TooMuchWork {
                what: WHAT,
                max: EXPRESSION_WORK_MAX,
            });
        }
        let mut runtime = Runtime::new();
        runtime.register_builtin_functions();
        runtime.register_function("join", Box::new(BudgetedJoin::new(VALUE_BYTES_MAX)));
        let mut context = Context::new(&self.0.source, &runtime);
        let result = Variable::from_serializable(value)
            .and_then(|input| interpret(&input.into(), &self.0.ast, &mut context))
            .map_err(|error| failed(&error))?;
        let mut bytes_left = VALUE_BYTES_MAX;
        to_json(&result, 1, &mut bytes_left)
    }
}

impl fmt::Debug for JmesPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JmesPath").field(&self.0.source).finish()
    }
}

/// Bounds brackets and operators before the parser recurses over them: no text has a tree deeper
/// than its number of such signs since the last comma, summed over the open brackets.
fn check_links(source: &str) -> Result<(), ExprError> {
    let mut levels = vec![0_usize];
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, sign) in source.char_indices() {
        if let Some(open) = quote {
            if sign == open && !escaped {
                quote = None;
            }
            escaped = sign == '\\' && !escaped;
            continue;
        }
        match sign {
            '"' | '\'' | '`' => quote = Some(sign),
            '(' | '[' | '{' => levels.push(1),
            ')' | ']' | '}' if levels.len() > 1 => {
                levels.pop();
                add(&mut levels, 1);
            }
            ',' => levels.iter_mut().rev().take(1).for_each(|links| *links = 1),
            '.' | '|' | '&' | '!' | '=' | '<' | '>' | '*' => add(&mut levels, 1),
            _ => {}
        }
        if levels.iter().sum::<usize>() > 4 * EXPRESSION_DEPTH_MAX {
            return Err(ExprError::TooDeep {
                what: WHAT,
                max: EXPRESSION_DEPTH_MAX,
                at,
            });
        }
    }
    Ok(())
}

fn add(levels: &mut [usize], links: usize) {
    if let Some(last) = levels.last_mut() {
        *last += links;
    }
}

/// Refuses a tree that is too deep, an unknown function, and slices with bounds so large that the
/// crate's 32-bit arithmetic on them could overflow.
fn check_tree(ast: &Ast) -> Result<(), ExprError> {
    const SLICE_MAX: u32 = 1 << 29;
    let mut open = vec![(ast, 1)];
    while let Some((ast, depth)) = open.pop() {
        if depth > EXPRESSION_DEPTH_MAX {
            return Err(ExprError::TooDeep {
                what: WHAT,
                max: EXPRESSION_DEPTH_MAX,
                at: 0,
            });
        }
        match ast {
            Ast::Function { name, .. }
                if jmespath::DEFAULT_RUNTIME.get_function(name).is_none() =>
            {
                return Err(ExprError::UnknownFunction {
                    what: WHAT,
                    name: name.clone(),
                });
            }
            Ast::Slice {
                start,
                stop,
                step,
                offset,
            } => {
                let bounds = [start.unwrap_or(0), stop.unwrap_or(0), *step];
                if bounds.iter().any(|bound| bound.unsigned_abs() > SLICE_MAX) {
                    return Err(ExprError::Syntax {
                        what: WHAT,
                        at: *offset,
                        reason: format!("a slice goes up to {SLICE_MAX}"),
                    });
                }
            }
            _ => {}
        }
        open.extend(children(ast).into_iter().map(|child| (child, depth + 1)));
    }
    Ok(())
}

/// The parts of a tree node.
pub(super) fn children(ast: &Ast) -> Vec<&Ast> {
    match ast {
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. } => vec![lhs, rhs],
        Ast::Condition {
            predicate, then, ..
        } => vec![predicate, then],
        Ast::Expref { ast: node, .. }
        | Ast::Flatten { node, .. }
        | Ast::Not { node, .. }
        | Ast::ObjectValues { node, .. } => vec![node],
        Ast::Function { args: parts, .. }
        | Ast::MultiList {
            elements: parts, ..
        } => parts.iter().collect(),
        Ast::MultiHash { elements, .. } => elements.iter().map(|pair| &pair.value).collect(),
        Ast::Identity { .. }
        | Ast::Field { .. }
        | Ast::Index { .. }
        | Ast::Literal { .. }
        | Ast::Slice { .. } => Vec::new(),
    }
}

/// Turns the result into JSON, and stops at the budget: a result shares its parts, so written out
/// it can be far larger than in memory.
fn to_json(value: &Variable, depth: usize, bytes_left: &mut usize) -> Result<Value, ExprError> {
    check_depth(depth)?;
    // A value takes one sign and one comma at least.
    spend(bytes_left, 2)?;
    Ok(match value {
        Variable::Null => Value::Null,
        Variable::Bool(truth) => Value::Bool(*truth),
        Variable::Number(number) => Value::Number(number.clone()),
        Variable::String(text) => {
            spend(bytes_left, text.len())?;
            Value::String(text.clone())
        }
        Variable::Array(items) => {
            let items = items
                .iter()
                .map(|item| to_json(item, depth + 1, bytes_left));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Variable::Object(fields) => {
            let fields = fields.iter().map(|(key, field)| {
                spend(bytes_left, key.len())?;
                Ok((key.clone(), to_json(field, depth + 1, bytes_left)?))
            });
            Value::Object(fields.collect::<Result<_, ExprError>>()?)
        }
        Variable::Expref(_) => {
            let reason = "a `&expression` is no value; it can only be given to a function";
            return Err(ExprError::Failed {
                what: WHAT,
                reason: reason.to_owned(),
            });
        }
    })
}

fn spend(bytes_left: &mut usize, bytes: usize) -> Result<(), ExprError> {
    *bytes_left = bytes_left.checked_sub(bytes).ok_or(ExprError::TooLarge {
        what: WHAT,
        max: VALUE_BYTES_MAX,
    })?;
    Ok(())
}

fn syntax_error(error: &JmespathError) -> ExprError {
    let reason = error.reason.to_string();
    let reason = reason.strip_prefix("Parse error: ").unwrap_or(&reason);
    ExprError::Syntax {
        what: WHAT,
        at: error.offset,
        reason: shorten(&lowered(reason), 200),
    }
}

fn failed(error: &JmespathError) -> ExprError {
    let reason = error.reason.to_string();
    let reason = reason.strip_prefix("Runtime error: ").unwrap_or(&reason);
    ExprError::Failed {
        what: WHAT,
        reason: shorten(&lowered(reason), 200),
    }
}

fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn run(source: &str, input: &Value) -> Result<Value, String> {
        let transform = JmesPath::parse(source).map_err(|error| error.to_string())?;
        transform.evaluate(input).map_err(|error| error.to_string())
    }

    fn check(source: &str, expected: Value) {
        let input = json!({
            "people": [{"name": "b", "age": 30}, {"name": "a", "age": 20}, {"name": "c"}],
            "big": 9_007_199_254_740_993_u64,
            "half": 0.5,
            "words": ["x", "y"],
        });
        assert_eq!(run(source, &input), Ok(expected), "{source}");
    }

    #[test]
    fn gives_what_jmespath_gives() {
        check("people[0].name", json!("b"));
        check("people[*].name", json!(["b", "a", "c"]));
        check("people[?age > `25`].name", json!(["b"]));
        check(
            "people[?age].{n: name, a: age} | sort_by(@, &a)[0]",
            json!({"n": "a", "a": 20}),
        );
        check("length(people)", json!(3));
        check("join('-', words)", json!("x-y"));
        check("[big, half]", json!([9_007_199_254_740_993_u64, 0.5]));
        check("nothing.here", Value::Null);
        check("people[::-1] | [0].name", json!("c"));
        check("sum(people[].age)", json!(50.0));
    }

    #[test]
    fn problems_are_said() {
        let said = |source: &str| run(source, &json!({"a": 1})).unwrap_err();
        assert!(said("a.[").starts_with("the JMESPath expression cannot be read at byte "));
        assert_eq!(
            said("shout(a)"),
            "there is no function `shout` in a JMESPath expression"
        );
        assert!(
            said("length(a)").contains("given number"),
            "{}",
            said("length(a)")
        );
        assert!(said("&a").contains("no value"));
        assert!(said("").starts_with("the JMESPath expression cannot be read at byte 0"));
    }

    #[test]
    fn slices_whose_arithmetic_would_overflow_are_refused() {
        let list = json!([0, 1, 2]);
        assert_eq!(run("[1::536870912]", &list), Ok(json!([1])));
        assert!(
            run("[1::536870913]", &list)
                .unwrap_err()
                .contains("536870912")
        );
        assert!(run("[-2147483647:]", &list).is_err());
    }

    #[test]
    fn doubling_again_and_again_is_refused() {
        let doubling = |times: usize| vec!["[@, @][]"; times].join(" | ");
        assert_eq!(
            run(&doubling(3), &json!([1])),
            Ok(json!([1, 1, 1, 1, 1, 1, 1, 1]))
        );
        assert!(
            run(&doubling(30), &json!([1]))
                .unwrap_err()
                .contains("too much work")
        );
        let shared = vec!["[@, @]"; 22].join(" | ");
        let error = run(&shared, &json!(["x"])).unwrap_err();
        assert!(
            error.contains("4194304"),
            "it would write four million texts: {error}"
        );
    }

    #[test]
    fn join_cannot_multiply_its_input() {
        let glue = "g".repeat(50_000);
        let input = json!({"glue": glue, "words": vec!["w"; 100]});
        let wide = run("join(glue, words)", &input).unwrap_err();
        assert!(wide.contains("4194304"), "{wide}");
        assert!(run("join('-', words)", &input).is_ok());
    }

    #[test]
    fn a_tree_has_at_most_64_levels() {
        let chain = |names: usize| vec!["a"; names].join(".");
        assert!(JmesPath::parse(&chain(EXPRESSION_DEPTH_MAX)).is_ok());
        let error = JmesPath::parse(&chain(EXPRESSION_DEPTH_MAX + 1)).unwrap_err();
        assert!(matches!(
            error,
            ExprError::TooDeep {
                max: EXPRESSION_DEPTH_MAX,
                ..
            }
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-b.\\[\\]{}()*@&|!<>=,:?`'\"0-9 \\\\-]{0,24}") {
            let _ = run(&text, &json!({"a": [1, {"b": "x"}], "b": {"a": 1.5}}));
        }

        #[test]
        fn no_unicode_makes_it_panic(text in any::<String>()) {
            let _ = run(&text, &json!(null));
        }
    }
}
