//! Generated conditions: whatever is written, an evaluation ends, and always in the same way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::tests::run;
use super::{Condition, Scope};
use proptest::prelude::*;

const LEAVES: &[&str] = &[
    "in.score",
    "in.ratio",
    "in.big",
    "in.low",
    "in.name",
    "in.none",
    "in.tags",
    "in.items",
    "in.byName",
    "in.gone",
    "in",
    "vars",
    "nodes",
    "item.n",
    "index",
    "i",
    "true",
    "null",
    "'a'",
    "0",
    "-1",
    "1u",
    "0.0",
    "1e308",
    "9223372036854775807",
    "-9223372036854775808",
    "b'x'",
    "[]",
    "{}",
    "int",
    "optional.none()",
];
const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in", "&&", "||",
];
const CALLS: &[&str] = &[
    "size",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "type",
    "dyn",
    "-",
    "!",
    "optional.of",
    "optional.ofNonZeroValue",
];
const METHODS: &[&str] = &[
    "contains",
    "startsWith",
    "endsWith",
    "orValue",
    "or",
    "size",
];
const MACROS: &[&str] = &["exists", "all", "exists_one", "map", "filter"];

/// One of some texts.
fn one(of: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(of)
}

/// Conditions that parse, mostly, and meet every kind of value.
fn expression() -> impl Strategy<Value = String> {
    one(LEAVES)
        .prop_map(str::to_owned)
        .prop_recursive(4, 24, 3, |part| {
            let two = (part.clone(), part.clone());
            prop_oneof![
                (two.clone(), one(OPERATORS))
                    .prop_map(|((a, b), sign)| format!("({a} {sign} {b})")),
                (part.clone(), one(CALLS)).prop_map(|(a, name)| format!("{name}({a})")),
                (two.clone(), one(METHODS)).prop_map(|((a, b), name)| format!("{a}.{name}({b})")),
                (two.clone(), one(MACROS)).prop_map(|((a, b), name)| format!("{a}.{name}(i, {b})")),
                two.clone().prop_map(|(a, b)| format!("{a}[{b}]")),
                two.clone().prop_map(|(a, b)| format!("{{{a}: {b}}}")),
                (two, part.clone()).prop_map(|((a, b), c)| format!("({a} ? {b} : [{c}, ?{b}])")),
                part.prop_map(|a| format!("has({a}.x) || {a}.?x.hasValue()")),
            ]
        })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(in|vars|'a'|1|[.\\[\\](){}!?:,&|+<>=\"' -]){0,16}") {
        let _ = run(&text);
    }

    #[test]
    fn no_unicode_makes_it_panic(text in any::<String>()) {
        let _ = run(&text);
    }

    #[test]
    fn no_expression_makes_it_panic_and_the_answer_is_always_the_same(text in expression()) {
        let first = run(&text);
        prop_assert_eq!(run(&text), first);
    }

    #[test]
    fn a_text_of_any_kind_compares_with_itself(text in any::<String>()) {
        let input = serde_json::Value::from(text);
        let condition = Condition::parse("in == in && size(in) >= 0").unwrap();
        prop_assert_eq!(condition.evaluate(&Scope::of_input(&input)), Ok(true));
    }
}
