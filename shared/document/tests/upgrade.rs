//! Corners of the upgrade that a fixture per type does not reach.

#![allow(clippy::unwrap_used, clippy::panic)]

use lattice_document::{Document, Reading, codes, read, write};
use lattice_model::limits::{DOCUMENT_BYTES_MAX, JSON_DEPTH_MAX};
use serde_json::{Value, json};

fn open(document: &Value) -> (Document, Reading) {
    let reading = read(document.to_string().as_bytes());
    let errors: Vec<_> = reading
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    (reading.document.clone().unwrap(), reading)
}

/// A node between `before` and one end per port, in the earlier shape; gives its type, its
/// settings and the ports that its edges leave from.
fn upgrade(kind: &str, config: Value, handles: &[Value]) -> (String, Value, Vec<String>) {
    let mut edges = vec![json!({"id": "e", "source": "before", "target": "n"})];
    for (index, handle) in handles.iter().enumerate() {
        edges.push(json!({"id": format!("e{index}"), "source": "n", "target": "z", "sourceHandle": handle}));
    }
    let (document, _) = open(&json!({
        "id": "w", "name": "W", "version": "1.0.0", "edges": edges,
        "nodes": [
            {"id": "before", "type": "prompt", "config": {"prompt": "p", "variables": {"size": 1}}},
            {"id": "n", "type": kind, "config": config},
            {"id": "z", "type": "end", "config": {}},
        ],
    }));
    let ports = document
        .edges
        .iter()
        .skip(1)
        .map(|edge| edge.from_port.clone())
        .collect();
    let node = document.nodes.into_iter().nth(1).unwrap();
    (node.kind, Value::Object(node.settings), ports)
}

#[test]
fn branches_by_their_conditions() {
    let yes_no = |condition: &str| {
        json!({"evaluationTarget": "{{nodes.before.output}}", "branches": [
            {"label": "Yes", "condition": condition}, {"label": "No", "condition": "Otherwise"},
        ]})
    };
    let pair = |first: Value, second: Value| json!({"branches": [first, second]});
    for (kind, config, handles, settings, ports) in [
        // A sentence is judged by a model, and its handles are the two branches.
        (
            "conditionalBranch",
            json!({"condition": "It is long"}),
            [json!("true"), json!("false")],
            yes_no("It is long"),
            ["branch-0", "branch-1"],
        ),
        // An expression over a declared name is an expression.
        (
            "ifElse",
            json!({"condition": "size >= 10"}),
            [json!("branch-0"), json!("branch-1")],
            json!({"condition": "vars.size >= 10"}),
            ["true", "false"],
        ),
        (
            "ifElse",
            pair(
                json!({"label": "Big", "condition": "{{size}} > 9"}),
                json!({"label": "Small"}),
            ),
            [json!("Small"), json!("Big")],
            json!({"condition": "vars.size > 9"}),
            ["false", "true"],
        ),
        // No handles at all: the order of the edges.
        (
            "ifElse",
            json!({"condition": "$vars.size"}),
            [json!(null), json!(null)],
            json!({"condition": "vars.size"}),
            ["true", "false"],
        ),
        // A value that is a text stays one.
        (
            "ifElse",
            pair(json!({"value": "red"}), json!({"value": "blue"})),
            [json!("red"), json!("blue")],
            json!({"condition": "nodes.before.output == \"red\""}),
            ["true", "false"],
        ),
    ] {
        let expected = (
            "ifElse".to_owned(),
            settings,
            ports.map(str::to_owned).to_vec(),
        );
        assert_eq!(upgrade(kind, config, &handles), expected, "{kind}");
    }
}

#[test]
fn a_switch_compares_only_what_is_a_value() {
    let config = json!({"evaluationTarget": "the colour", "branches": [{"value": "red"}, {"value": "blue"}]});
    let (_, settings, ports) = upgrade("switch", config, &[json!("blue"), json!("error")]);
    let target = "the colour\n\n{{nodes.before.output}}";
    assert_eq!(
        settings,
        json!({"evaluationTarget": target, "branches": [
            {"label": "red", "condition": "red"}, {"label": "blue", "isDefault": true},
        ]})
    );
    assert_eq!(ports, ["branch-1", "error"]);
}

#[test]
fn questions_by_the_kind_of_answer() {
    let options = json!([{"id": "o1", "label": "A"}, {"label": "B"}]);
    for (config, handle, settings, port) in [
        (
            json!({"questionText": "Q", "options": options, "multiSelect": true}),
            "branch-0",
            json!({"questionText": "Q", "options": [{"label": "A"}, {"label": "B"}], "multiSelect": true}),
            "out",
        ),
        (
            json!({"questionText": "Q", "options": [], "useAiSuggestions": true}),
            "output",
            json!({"questionText": "Q", "freeText": true}),
            "out",
        ),
        (
            json!({"questionText": "Q", "options": options}),
            "o1",
            json!({"questionText": "Q", "options": [{"label": "A"}, {"label": "B"}]}),
            "branch-0",
        ),
    ] {
        let (_, found, ports) = upgrade("askUserQuestion", config, &[json!(handle)]);
        assert_eq!((found, ports), (settings, vec![port.to_owned()]));
    }
    let gate = |handle: &str| {
        upgrade(
            "humanInTheLoopGate",
            json!({"timeout": 5}),
            &[json!(handle)],
        )
    };
    assert_eq!(gate("timeout").1["timeoutMs"], 5);
    assert_eq!(gate("approved").1.get("timeoutMs"), None);
    let form = json!({"fields": [{"label": "Size", "options": ["S", "M"]}]});
    let (kind, settings, ports) = upgrade("inputForm", form, &[json!("M")]);
    assert_eq!(kind, "askUserQuestion");
    assert_eq!(
        settings,
        json!({"questionText": "Size", "options": [{"label": "S"}, {"label": "M"}]})
    );
    assert_eq!(ports, ["branch-1"]);
}

#[test]
fn an_unknown_type_stays_what_it_was() {
    let config = json!({"label": "C", "prompt": "Say {{size}} to {{who}}", "sandbox": "read-only"});
    let (kind, settings, ports) = upgrade("codex", config, &[json!("weird")]);
    assert_eq!(kind, "codex");
    let prompt = "Say {{vars.size}} to {{in.who}}";
    assert_eq!(settings, json!({"prompt": prompt, "sandbox": "read-only"}));
    assert_eq!(ports, ["weird"]);
}

#[test]
fn models_have_classes() {
    for (old, new) in [
        ("haiku", json!("small")),
        ("claude-sonnet", json!("medium")),
        ("opus", json!("large")),
        ("gpt-4o", json!("gpt-4o")),
        ("inherit", Value::Null),
    ] {
        let (_, settings, _) = upgrade("subAgent", json!({"prompt": "p", "model": old}), &[]);
        assert_eq!(settings.get("model").unwrap_or(&Value::Null), &new, "{old}");
    }
}

#[test]
fn ids_that_are_not_legal_are_changed_everywhere_and_kept() {
    let (document, reading) = open(&json!({
        "id": "my workflow!", "name": "W",
        "nodes": [
            {"id": "a b", "type": "prompt", "data": {"prompt": "p"}},
            {"id": "a-b", "type": "prompt", "data": {"prompt": "q"}, "parentId": "the box"},
            {"id": "the box", "type": "group", "data": {}},
        ],
        "connections": [
            {"id": "x>y", "from": "a b", "to": "a-b", "fromPort": "output", "toPort": "input"},
            {"id": "x>y", "from": "a-b", "to": "gone"},
        ],
    }));
    assert_eq!(document.id.as_str(), "my-workflow-");
    let ids: Vec<_> = document.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["a-b-2", "a-b", "the-box"]);
    assert_eq!(
        document.nodes[1].parent.as_ref().unwrap().as_str(),
        "the-box"
    );
    assert_eq!(document.edges[0].from.as_str(), "a-b-2");
    assert_eq!(document.edges[1].to.as_str(), "gone");
    assert_ne!(document.edges[0].id, document.edges[1].id);
    let text = write(&document);
    for old in ["my workflow!", "a b", "the box", "x>y"] {
        assert!(text.contains(&format!("\"{old}\"")), "{old} is lost");
        assert!(
            reading
                .changes
                .iter()
                .any(|change| change.text.contains(&format!("`{old}`"))),
            "{old}"
        );
    }
}

#[test]
fn two_nodes_with_one_id_are_a_problem() {
    let node = json!({"id": "a", "type": "prompt", "data": {}});
    let document = json!({"nodes": [node, node], "connections": []});
    let problems = read(document.to_string().as_bytes()).problems;
    assert_eq!(problems[0].code, codes::DUPLICATE_ID);
    assert_eq!(problems[0].pointer, "/nodes/1/id");
}

#[test]
fn an_end_that_names_no_node_never_comes_to_mean_another() {
    let document = json!({
        "nodes": [{"id": "a-b", "type": "note", "data": {}}, {"id": "", "type": "", "data": {}}],
        "connections": [{"id": "e", "from": "a b", "to": "a-b"}],
    });
    let said = read(document.to_string().as_bytes()).problems;
    let said: Vec<_> = said
        .iter()
        .map(|said| (said.code, said.pointer.as_str()))
        .collect();
    let expected = [
        (codes::OUT_OF_RANGE, "/nodes/1/type"),
        (codes::ILLEGAL_ID, "/connections/0/from"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_document_without_id_and_name_gets_both() {
    let (document, _) = open(&json!({"nodes": [], "connections": []}));
    assert_eq!(
        (document.id.as_str(), &*document.name),
        ("workflow", "Untitled workflow")
    );
    let (document, _) = open(&json!({"name": "My flow", "nodes": [], "connections": []}));
    assert_eq!(document.id.as_str(), "My-flow");
}

#[test]
fn names_mean_what_they_meant() {
    let prompt = "{{topic}} {{user.name}} {{ask.result.items.0}} {{in.kept}} {{env.KEY}} \
                  {{$vars.loose}} {{my-name}} {{#each x}} {{open";
    let (document, _) = open(&json!({
        "nodes": [
            {"id": "start", "type": "start", "data": {"inputSchema": {"properties": {"user": {}}}}},
            {"id": "ask", "type": "prompt", "data": {"prompt": prompt, "variables": {"topic": "t"}}},
            {"id": "next", "type": "prompt", "data": {"prompt": "{{topic}} {{ask}}"}},
        ],
        "connections": [],
    }));
    let text = |index: usize| {
        document.nodes[index].settings["prompt"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let expected = "{{vars.topic}} {{in.user.name}} {{nodes.ask.output.items[0]}} {{in.kept}} \
                    {{secret.KEY}} {{in.loose}} {{in[\"my-name\"]}} {{#each x}} {{open";
    assert_eq!(text(1), expected);
    assert_eq!(text(2), "{{vars.topic}} {{nodes.ask.output}}");
    assert_eq!(document.settings.variables["topic"], "t");
}

#[test]
fn triggers_take_the_settings_of_today() {
    let (_, hook, _) = upgrade(
        "webhookTrigger",
        json!({"webhookUrl": "https://example.com/h", "authentication": {"type": "apiKey", "token":
            "{{env.KEY}}", "headerName": "X-Key"}, "methods": ["post"], "payloadFormat": "RAW",
            "payloadSchema": {"const": "{{x}}"}}),
        &[json!(null)],
    );
    let expected = json!({
        "authentication": {"type": "api-key", "secret": "{{secret.KEY}}", "header": "X-Key"},
        "allowedMethods": ["POST"], "payloadFormat": "text", "schema": {"const": "{{x}}"},
    });
    assert_eq!(hook, expected);
    let (_, other, _) = upgrade(
        "webhookTrigger",
        json!({"authentication": {"type": "none", "user": "u"}, "payloadFormat": "xml"}),
        &[json!(null)],
    );
    // What is not known stays, so that the compiler names it.
    let expected = json!({"authentication": {"type": "none", "user": "u"}, "payloadFormat": "xml"});
    assert_eq!(other, expected);
    let (_, clock, _) = upgrade(
        "scheduleTrigger",
        json!({"cron": "0 7 * * *", "tz": "UTC", "payload": {"a": 1}}),
        &[json!(null)],
    );
    let expected = json!({"expression": "0 7 * * *", "timezone": "UTC", "input": {"a": 1}});
    assert_eq!(clock, expected);
}

#[test]
fn what_a_trigger_gave_is_a_part_of_the_input() {
    let prompt = "{{hook.result.ref}} {{hook}} {{hook.headers.host}} {{clock.topic}} {{start.a}}";
    let (document, _) = open(&json!({
        "nodes": [
            {"id": "start", "type": "start", "data": {}},
            {"id": "hook", "type": "webhookTrigger", "data": {}},
            {"id": "clock", "type": "scheduleTrigger", "data": {}},
            {"id": "ask", "type": "prompt", "data": {"prompt": prompt}},
        ],
        "connections": [],
    }));
    let expected = "{{in.body.ref}} {{in.body}} {{in.headers.host}} {{in.topic}} {{in.a}}";
    assert_eq!(document.nodes[3].settings["prompt"], expected);
}

#[test]
fn variables_get_legal_names_and_keep_apart() {
    let store =
        |id: &str, name: &str| json!({"id": id, "type": "variableStore", "data": {"key": name}});
    let prompt = |id: &str, value: i32| {
        let variables = json!({"a-b": value, "topic": "t"});
        let text = "{{$vars.best.draft}} {{best.draft}} {{a-b}} {{a_b}} {{$vars.topic}}";
        json!({"id": id, "type": "prompt", "data": {"prompt": text, "variables": variables}})
    };
    let (document, _) = open(&json!({"connections": [], "nodes": [
        store("s1", "best.draft"), store("s2", "a_b"), prompt("p1", 1), prompt("p2", 2),
    ]}));
    let name = |index: usize| &document.nodes[index].settings["variableName"];
    assert_eq!((name(0), name(1)), (&json!("best_draft"), &json!("a_b")));
    let text = |own: &str| {
        let best = "{{vars.best_draft}} {{vars.best_draft}}";
        json!(format!(
            "{best} {{{{vars.{own}}}}} {{{{vars.a_b}}}} {{{{vars.topic}}}}"
        ))
    };
    assert_eq!(document.nodes[2].settings["prompt"], text("a_b_2"));
    assert_eq!(document.nodes[3].settings["prompt"], text("a_b_3"));
    let defaults = json!({"a_b_2": 1, "a_b_3": 2, "topic": "t"});
    assert_eq!(json!(document.settings.variables), defaults);
}

#[test]
fn an_upgraded_document_can_be_read_again() {
    let nested = |depth: usize| {
        let value = (0..depth).fold(json!(1), |inner, _| json!([inner]));
        json!({"nodes": [{"id": "a", "type": "mcp", "data": {"label": "A", "x": value}}], "connections": []})
    };
    // The list of nodes, the node, its settings and the document are four levels.
    let (document, _) = open(&nested(JSON_DEPTH_MAX - 5));
    assert!(read(write(&document).as_bytes()).problems.is_empty());
    let problems = read(nested(JSON_DEPTH_MAX - 4).to_string().as_bytes()).problems;
    assert_eq!(problems[0].code, codes::TOO_DEEP);

    let text = "x".repeat(DOCUMENT_BYTES_MAX / 2);
    let node = json!({"id": "a", "type": "prompt", "data": {"text": text}});
    let reading = read(
        json!({"nodes": [node], "connections": []})
            .to_string()
            .as_bytes(),
    );
    assert_eq!(
        (reading.document, reading.problems[0].code),
        (None, codes::TOO_LARGE)
    );
}
