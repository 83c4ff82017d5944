//! What conditions mean, on one small scope.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use lattice_model::limits::EXPRESSION_DEPTH_MAX;
use serde_json::json;
use std::collections::BTreeMap;

/// Evaluates over one scope; the only place that knows the API.
pub(super) fn run(source: &str) -> Result<bool, String> {
    let input = json!({
        "score": 4, "ratio": 3.5, "low": i64::MIN, "big": u64::MAX, "name": "x", "text": "banana", "none": null,
        "tags": ["a", "b"], "empty": [], "flag": true,
        "items": [{"price": 2, "tags": ["a"]}, {"price": 5, "tags": []}],
        "byName": {"b": 2, "a": 1, "c": 3},
    });
    let vars = BTreeMap::from([
        ("count".to_owned(), json!(7)),
        ("list".to_owned(), json!([1, 2])),
    ]);
    let nodes = BTreeMap::from([
        ("triage".to_owned(), json!({"category": "bug"})),
        ("odd id".to_owned(), json!("out")),
    ]);
    let (run, item) = (json!({"id": "r1"}), json!({"n": 9}));
    let scope = Scope::new(&input, &vars, &nodes, &run).with_item(&item, 2);
    let condition = Condition::parse(source).map_err(|error| error.to_string())?;
    condition
        .evaluate(&scope)
        .map_err(|error| error.to_string())
}

fn check(source: &str, expected: bool) {
    assert_eq!(run(source), Ok(expected), "{source}");
}

#[test]
fn numbers_of_json_compare_with_literals_and_each_other() {
    check("in.score > 3", true);
    check("in.score > 3.5", true);
    check("in.score == 4.0", true);
    check("in.ratio > 3", true);
    check("in.ratio < in.score", true);
    check("in.big > in.score", true);
    check("in.big > 3 && in.score < in.big", true);
    check("vars.count + 1 == 8", true);
    check("vars.count % 2 == 1", true);
    check("-in.score == -4", true);
    check("vars.count > 3", true);
}

#[test]
fn texts_lists_and_objects() {
    check("in.name == \"x\"", true);
    check("in.name == 'y'", false);
    check("size(in.items) > 0 && size(in.empty) == 0", true);
    check("has(in.text)", true);
    check("has(in.missing)", false);
    check(
        "in.text.contains(\"a\") && in.text.startsWith('ban') && !in.text.endsWith('x')",
        true,
    );
    check("\"a\" in in.tags", true);
    check("'z' in in.tags || \"count\" in vars", true);
    check("in[\"name\"] == in.name && in.items[1].price == 5", true);
    check("in.none == null", true);
    check("in.tags == ['a', 'b']", true);
    check("in.flag ? in.score > 3 : false", true);
    check("type(in.score) == int && type(in.name) == string", true);
    check("in.?missing.orValue('d') == 'd'", true);
    check("optional.of(in.score).hasValue()", true);
}

#[test]
fn every_root_can_be_read() {
    check("nodes.triage.output.category == 'bug'", true);
    check("nodes[\"odd id\"].output == 'out'", true);
    check("has(nodes.triage) && !has(nodes.later)", true);
    check("'triage' in nodes", true);
    check("item.n == 9 && index == 2", true);
    check("run.id == 'r1'", true);
    check("vars.list[index - 1] == 2", true);
}

#[test]
fn macros_bind_names_over_the_roots() {
    check("in.items.exists(item, item.price > 4)", true);
    check("in.items.all(i, i.price > 4)", false);
    check("in.items.exists_one(i, 'a' in i.tags)", true);
    check("in.items.map(i, i.price) == [2, 5]", true);
    check(
        "size(in.items.filter(i, i.tags.exists(t, t == in.tags[0]))) == 1",
        true,
    );
}

#[test]
fn the_keys_of_an_object_are_met_in_order() {
    for _ in 0..20 {
        check("in.byName.map(k, k) == ['a', 'b', 'c']", true);
        check("in.byName.map(k, in.byName[k])[0] == 1", true);
        check("{'z': 1, 'y': 2}.map(k, k)[0] == 'y'", true);
    }
}

#[test]
fn what_is_no_condition_is_refused_when_read() {
    let said = |source: &str| Condition::parse(source).unwrap_err().to_string();
    assert!(said("All checks are green").starts_with("the condition cannot be read at byte 4"));
    assert!(said("approved").starts_with("`approved` at byte 0 is not known"));
    assert!(said("in.a == input.b").starts_with("`input` at byte 8 is not known"));
    assert!(said("in.a == input.b").ends_with("`nodes`, `item`, `index`, `run`"));
    assert_eq!(
        said("ready()"),
        "there is no function `ready` in a condition"
    );
    assert!(said("max(in.a, 1) > 0").contains("no function `max`"));
    assert!(said("timestamp('2024-01-01T00:00:00Z') > in.t").contains("no function `timestamp`"));
    assert_eq!(
        said("'yes'"),
        "a condition must give true or false, this one gives a text"
    );
    assert!(said("secret.KEY == 'x'").contains("`secret.KEY` cannot be read here"));
    assert!(said("nodes.triage.result == 1").contains("write `nodes.<id>.output`"));
    assert!(said("nodes.node-1.output == 1").contains("write `nodes.<id>.output`"));
    assert!(said("nodes.triage == 1").contains("write `nodes.<id>.output`"));
    assert!(said("in.").starts_with("the condition cannot be read at byte 3"));
    assert!(said("").starts_with("the condition cannot be read at byte 0"));
    assert!(said("in.a = 1").starts_with("the condition cannot be read at byte 5"));
    assert!(said("'ü' == in.a = 1").starts_with("the condition cannot be read at byte 13"));
    assert!(said("true &&\n  )").starts_with("the condition cannot be read at byte 10"));
    let long = format!("true{}", " ".repeat(EXPRESSION_BYTES_MAX - 4));
    assert!(Condition::parse(&long).is_ok());
    assert!(said(&format!("{long} ")).contains("8192"));
}

#[test]
fn what_goes_wrong_is_said() {
    let said = |source: &str| run(source).unwrap_err();
    assert_eq!(
        said("in.missing > 3"),
        "`in.missing` has no value: there is no `missing`"
    );
    assert_eq!(
        said("nodes.later.output == 1"),
        "`nodes.later.output` has no value: the node `later` has no output yet"
    );
    assert_eq!(
        said("in.score"),
        "a condition must give true or false, this one gives a number"
    );
    assert_eq!(
        said("in.name > 3"),
        "the condition cannot be evaluated: `>` does not work on a text and a number"
    );
    assert!(said("in.score / 0 == 1").contains("divides by zero"));
    assert!(said("in.name + 1 == 'x1'").contains("does not work on a text and a number"));
    assert!(
        said("in.tags[5] == 'a'").contains("no element at that index"),
        "{}",
        said("in.tags[5] == 'a'")
    );
    assert!(said("in.name.size").contains("no `size`") || said("in.name.size").contains("`.`"));
}

#[test]
fn item_and_index_are_missing_outside_a_map() {
    let input = json!({});
    let condition = Condition::parse("item.n == 1").unwrap();
    let error = condition.evaluate(&Scope::of_input(&input)).unwrap_err();
    assert!(error.to_string().contains("only inside a map"), "{error}");
}

fn references(source: &str) -> Vec<(String, String)> {
    let condition = Condition::parse(source).unwrap();
    let found = condition.references().iter();
    found
        .map(|one| (one.to_string(), source[one.span.clone()].to_owned()))
        .collect()
}

fn check_references(source: &str, expected: &[(&str, &str)]) {
    let found = references(source);
    let found: Vec<_> = found
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(found, expected, "{source}");
}

#[test]
fn references_are_found_with_their_place() {
    check_references("in.a.b > 3", &[("in.a.b", "in.a.b")]);
    check_references("'ü' == in.text", &[("in.text", "in.text")]);
    check_references("'ü' in vars.x && in", &[("vars.x", "vars.x"), ("in", "in")]);
    check_references(
        "nodes[\"odd id\"].output == nodes.b.output",
        &[
            ("nodes[\"odd id\"].output", "nodes[\"odd id\"].output"),
            ("nodes.b.output", "nodes.b.output"),
        ],
    );
    check_references(
        "has(in.x) && in.y.contains('a')",
        &[("in.x", "in.x"), ("in.y", "in.y")],
    );
    check_references("in.a[0].b == 1", &[("in.a[0].b", "in.a[0].b")]);
    check_references(
        "vars.list[index].x == 1",
        &[("index", "index"), ("vars.list", "vars.list")],
    );
    check_references(
        "in.items.exists(item, item.p > vars.q)",
        &[("in.items", "in.items"), ("vars.q", "vars.q")],
    );
    check_references("in.?a.?b.hasValue()", &[("in.a.b", "in.?a.?b")]);
    check_references("true", &[]);
}

#[test]
fn only_what_is_mentioned_is_looked_at() {
    let too_deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let input = json!({"deep": too_deep, "a": {"b": 1, "deep": too_deep.clone()}});
    let scope = Scope::of_input(&input);
    let evaluate = |source: &str| Condition::parse(source).unwrap().evaluate(&scope);
    assert_eq!(evaluate("in.a.b == 1"), Ok(true));
    assert!(matches!(
        evaluate("in.a.deep == 1"),
        Err(ExprError::ValueTooDeep { .. })
    ));
}

#[test]
fn loops_over_loops_over_large_lists_are_stopped() {
    let input = json!({"list": (0..5_000).collect::<Vec<_>>(), "text": "x".repeat(1_000_000)});
    let evaluate = |source: &str| {
        Condition::parse(source)
            .unwrap()
            .evaluate(&Scope::of_input(&input))
    };
    let spent = Err(ExprError::TooMuchWork {
        what: Language::Condition,
        max: EXPRESSION_WORK_MAX,
    });
    assert_eq!(evaluate("in.list.all(a, a >= 0)"), Ok(true));
    assert_eq!(evaluate("size(in.text) == 1000000"), Ok(true));
    let pairs = "in.list.all(a, in.list.all(b, in.list.all(c, a + b + c >= 0)))";
    assert_eq!(evaluate(pairs), spent);
    assert_eq!(evaluate("in.list.all(a, in.text.contains('x'))"), spent);
    assert_eq!(evaluate("size(in.list.map(a, in.text)) > 0"), spent);
    assert_eq!(
        evaluate(&format!("size({}) > 0", vec!["in.text"; 60].join(" + "))),
        spent
    );
}

#[test]
fn the_budget_is_the_limit_itself() {
    let meter = |budget| {
        let meter = meter::Meter::new(budget);
        let input = json!({"list": [1, 2, 3]});
        let condition = Condition::parse("size(in.list) == 3").unwrap();
        let mut context = Context::with_env(Arc::clone(&ENV));
        meter.register(&mut context).unwrap();
        condition
            .0
            .mentions
            .bind(&Scope::of_input(&input), &mut context)
            .unwrap();
        let result = Value::resolve_val(&condition.0.expression, &context);
        (result.is_ok(), meter.is_spent())
    };
    // The list and its three numbers, and the number that `size` gives to `==`; the last unit is
    // the sign that nothing was left.
    assert_eq!(meter(5 * meter::VALUE_UNITS), (false, true));
    assert_eq!(meter(5 * meter::VALUE_UNITS + 1), (true, false));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |levels: usize| format!("{}true{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Condition::parse(&nested(EXPRESSION_DEPTH_MAX)).is_ok());
    assert!(matches!(
        Condition::parse(&nested(EXPRESSION_DEPTH_MAX + 1)),
        Err(ExprError::TooDeep {
            max: EXPRESSION_DEPTH_MAX,
            ..
        })
    ));
    let many = vec!["in.score == 4"; 400].join(" && ");
    check(&many, true);
}
