//! Scripts in, plans out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use lattice_expr::{Rendered, Schema};
use lattice_ir::ModelRequest;
use lattice_model::{Secret, StageId};
use proptest::prelude::*;
use serde_json::{Value, json};

struct Question {
    stage: StageId,
    attempt: u32,
    prompt: String,
    request: ModelRequest,
    timeout_ms: u64,
}

fn question(stage: &str, attempt: u32, prompt: &str) -> Question {
    let request = ModelRequest {
        model: "small".to_owned(),
        system: None,
        prompt: Rendered::of_text(prompt),
        output_schema: None,
        max_output_tokens: None,
        temperature_milli: None,
    };
    let prompt = prompt.to_owned();
    Question {
        stage: StageId::new(stage),
        attempt,
        prompt,
        request,
        timeout_ms: 1_000,
    }
}

impl Question {
    fn ask(&self) -> Ask<'_> {
        Ask {
            stage: &self.stage,
            attempt: self.attempt,
            key: Hash::ZERO,
            timeout: Duration::from_millis(self.timeout_ms),
            model: "mock-small".to_owned(),
            system: None,
            prompt: Secret::new(self.prompt.clone()),
            request: &self.request,
        }
    }
}

fn mock(script: Value) -> Mock {
    Mock::new(1, Script::parse("s.json", &script.to_string()).unwrap())
}

/// The planned outcome in a few words.
fn says(mock: &Mock, question: &Question) -> String {
    match mock.plan(&question.ask()).end {
        PlannedEnd::Stall => "stall".to_owned(),
        PlannedEnd::Outcome(Ok(done)) => done.text,
        PlannedEnd::Outcome(Err((failure, _))) => failure.kind.to_string(),
    }
}

#[test]
fn entries_are_taken_by_stage_prompt_and_attempt() {
    let mock = mock(json!({"stages": {
        "triage": [
            {"when": "refund", "json": {"category": "billing"}},
            {"fault": "timeout", "times": 1},
            {"fault": "rate_limit", "times": 2, "text": "at last"},
        ],
        "triage.repair": [{"answers": [{"text": "one"}, {"json": [2]}]}],
        "*": [{"when": "only this", "text": "found"}],
    }}));
    for (stage, attempt, prompt, wanted) in [
        ("triage", 1, "a refund please", r#"{"category":"billing"}"#),
        ("triage", 1, "hello", "timeout"),
        ("triage", 2, "hello", "rate_limit"),
        ("triage", 3, "hello", "rate_limit"),
        ("triage", 4, "hello", "at last"),
        ("triage@2/1", 4, "hello", "at last"),
        ("triage.judge", 4, "hello", "at last"),
        ("triage.repair", 1, "hello", "one"),
        ("triage.repair", 2, "hello", "[2]"),
        ("triage.repair", 9, "hello", "[2]"),
        ("other", 1, "only this", "found"),
    ] {
        assert_eq!(
            says(&mock, &question(stage, attempt, prompt)),
            wanted,
            "{stage} {attempt}"
        );
    }
    assert!(says(&mock, &question("other", 1, "that")).starts_with("Mock answer"));
}

#[test]
fn every_fault_becomes_its_failure() {
    for (fault, wanted) in [
        ("auth", "auth"),
        ("rate_limit", "rate_limit"),
        ("timeout", "timeout"),
        ("network", "network"),
        ("malformed_output", "malformed_output"),
        ("context_length", "context_length"),
        ("refused", "refused"),
        ("provider_unavailable", "provider_unavailable"),
        ("unknown", "unknown"),
        ("stall", "stall"),
        ("cut", "network"),
    ] {
        let mock = mock(json!({"stages": {"a": [{"fault": fault, "retryAfterMs": 7}]}}));
        assert_eq!(says(&mock, &question("a", 1, "x")), wanted);
    }
}

#[test]
fn a_cut_counts_what_had_come() {
    let mock =
        mock(json!({"stages": {"a": [{"fault": "cut", "text": "x".repeat(80), "chunks": 4}]}}));
    let PlannedEnd::Outcome(Err((failure, usage))) =
        mock.plan(&question("a", 1, "12345").ask()).end
    else {
        panic!("no failure");
    };
    assert!(failure.retryable && failure.message.contains("`a`"));
    assert_eq!(
        usage,
        Usage {
            input_tokens: 2,
            output_tokens: 10
        }
    );
}

#[test]
fn wrong_scripts_say_where() {
    for (text, pointer, word) in [
        (
            r#"{"stages": {"a": [{"fault": "sleepy"}]}}"#,
            "/stages/a/0/fault",
            "sleepy",
        ),
        (
            r#"{"stages": {"a/b": [{}, {"txt": "x"}]}}"#,
            "/stages/a~1b/1",
            "txt",
        ),
        (
            r#"{"stages": {"a": [{"text": "x", "json": 1}]}}"#,
            "/stages/a/0",
            "not several",
        ),
        (
            r#"{"stages": {"a": [{"answers": []}]}}"#,
            "/stages/a/0/answers",
            "empty",
        ),
        (
            r#"{"stages": {"a": [{"times": 1}]}}"#,
            "/stages/a/0/times",
            "fault",
        ),
        (
            r#"{"stages": {"a": [{"retryAfterMs": 1}]}}"#,
            "/stages/a/0/retryAfterMs",
            "fault",
        ),
        (
            r#"{"stages": {"a": [{"fault": "auth", "text": "x"}]}}"#,
            "/stages/a/0/fault",
            "never",
        ),
        (
            r#"{"stages": {"a": [{"fault": "auth", "times": 0}]}}"#,
            "/stages/a/0",
            "at least 1",
        ),
        (r#"{"stages": {}} 1"#, "", "trailing"),
        ("nonsense", "", "expected"),
    ] {
        let error = Script::parse("s.json", text).unwrap_err().to_string();
        assert!(
            error.contains("`s.json`") && error.contains(word),
            "{error}"
        );
        assert!(error.contains(&format!("at `{pointer}")), "{error}");
    }
}

#[test]
fn a_script_file_is_read_up_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.json");
    let missing = Script::read(&file).unwrap_err().to_string();
    assert!(
        missing.contains("s.json") && missing.contains("LATTICE_MOCK_SCRIPT"),
        "{missing}"
    );
    let limit = lattice_model::limits::MOCK_SCRIPT_BYTES_MAX;
    let head = r#"{"stages": {}}"#;
    std::fs::write(&file, format!("{head}{}", " ".repeat(limit - head.len()))).unwrap();
    assert_eq!(Script::read(&file).unwrap(), Script::default());
    std::fs::write(&file, " ".repeat(limit + 1)).unwrap();
    assert!(matches!(
        Script::read(&file),
        Err(ScriptError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn latency_and_stall_keep_the_deadline() {
    let mock = mock(json!({"stages": {
        "slow": [{"text": "late", "latencyMs": 40}],
        "slower": [{"text": "never", "latencyMs": 80}],
        "stuck": [{"fault": "stall"}],
    }}));
    let started = Instant::now();
    let mut patient = question("slow", 1, "x");
    patient.timeout_ms = 60_000;
    let done = mock
        .answer(&patient.ask(), &mut Telling::nobody())
        .await
        .unwrap();
    assert_eq!((done.text.as_str(), done.latency_ms), ("late", 40));
    assert!(started.elapsed() >= Duration::from_millis(40));
    for stage in ["slower", "stuck"] {
        let started = Instant::now();
        let mut hasty = question(stage, 1, "x");
        hasty.timeout_ms = 80;
        let (failure, _) = mock
            .answer(&hasty.ask(), &mut Telling::nobody())
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert!(started.elapsed() >= Duration::from_millis(80));
    }
}

#[test]
fn an_answer_is_told_evenly_in_its_pieces() {
    let script = json!({"stages": {
        "slow": [{"text": "über alles", "latencyMs": 90, "chunks": 3}],
        "many": [{"text": "ab", "latencyMs": 10, "chunks": 99}],
        "cut": [{"fault": "cut", "text": "12345678", "latencyMs": 10, "chunks": 4}],
        "stuck": [{"fault": "stall", "latencyMs": 10}],
        "quick": [{"text": "at once"}],
    }});
    let mock = mock(script);
    for (stage, wanted) in [
        (
            "slow",
            &[(30, "übe"), (60, "über a"), (90, "über alles")][..],
        ),
        ("many", &[(5, "a"), (10, "ab")]),
        ("cut", &[(5, "12"), (10, "1234")]),
        ("stuck", &[]),
        ("quick", &[]),
        ("unscripted", &[]),
    ] {
        let plan = mock.plan(&question(stage, 1, "x").ask());
        let told = plan
            .tellings()
            .map(|(after, text)| (after.as_millis(), text));
        assert_eq!(told.collect::<Vec<_>>(), wanted, "{stage}");
    }
}

#[test]
fn made_up_answers_repeat_and_differ_by_seed_stage_and_prompt() {
    let text = |seed, stage, attempt, prompt| {
        says(
            &Mock::new(seed, Script::default()),
            &question(stage, attempt, prompt),
        )
    };
    let first = text(
        1,
        "a",
        1,
        "Sort the ticket about a broken lamp by colour and size",
    );
    assert!(
        first.contains("\"Sort the ticket about a broken lamp by\""),
        "{first}"
    );
    assert_eq!(
        first,
        text(
            1,
            "a",
            2,
            "Sort the ticket about a broken lamp by colour and size"
        )
    );
    assert_ne!(
        first,
        text(
            2,
            "a",
            1,
            "Sort the ticket about a broken lamp by colour and size"
        )
    );
    assert_ne!(
        first,
        text(
            1,
            "b",
            1,
            "Sort the ticket about a broken lamp by colour and size"
        )
    );
    assert_ne!(
        first,
        text(
            1,
            "a",
            1,
            "Sort the ticket about a broken lamp by colour and weight"
        )
    );
}

#[test]
fn a_schema_that_nothing_fits_is_a_configuration_failure() {
    let mut question = question("a", 1, "x");
    question.request.output_schema = Some(json!({"allOf": [{"type": "string"}, {"type": "null"}]}));
    assert_eq!(says(&Mock::default(), &question), "configuration");
}

proptest! {
    #[test]
    fn a_made_up_value_fits_its_schema(schema in crate::sample::tests::schemas(), seed: u64) {
        let mut question = question("a", 1, "x");
        question.request.output_schema = Some(schema.clone());
        let text = says(&Mock::new(seed, Script::default()), &question);
        let value: Value = serde_json::from_str(&text).expect(&text);
        prop_assert_eq!(Schema::parse(&schema).unwrap().validate(&value), Ok(()));
    }
}
