//! Settings in, a choice or a sentence out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn read(env: &[(&str, &str)], toml: Option<&str>) -> Result<ProviderConfig, ConfigError> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    ProviderConfig::from_settings(&env.iter().map(owned).collect(), toml)
}

fn error(env: &[(&str, &str)], toml: Option<&str>) -> String {
    read(env, toml).unwrap_err().to_string()
}

#[test]
fn with_nothing_set_the_mock_answers_and_says_how_to_choose() {
    let config = read(&[("OPENAI_API_KEY", "k")], None).unwrap();
    assert_eq!(
        config.kind,
        ProviderKind::Mock {
            seed: 0,
            script: None
        }
    );
    assert_eq!(config.chosen_by, ChosenBy::Default);
    assert!(config.describe().contains("`LATTICE_PROVIDER`"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let toml = "[provider]\nkind = \"mock\"\nseed = 4\n[models]\nsmall = \"a\"\nlarge = \"b\"\n[other]\nx = 1\n";
    let config = read(&[], Some(toml)).unwrap();
    assert_eq!(
        config.kind,
        ProviderKind::Mock {
            seed: 4,
            script: None
        }
    );
    assert_eq!(config.chosen_by, ChosenBy::File);
    let config = read(
        &[
            ("LATTICE_PROVIDER", " openai-compatible "),
            ("LATTICE_BASE_URL", "http://127.0.0.1:1/v1"),
            ("LATTICE_MODEL_SMALL", "c"),
        ],
        Some(toml),
    )
    .unwrap();
    assert_eq!(config.chosen_by, ChosenBy::Environment);
    assert_eq!(config.models.resolve("small").unwrap(), "c");
    assert_eq!(config.models.resolve("large").unwrap(), "b");
    assert_eq!(config.models.resolve("gpt-x").unwrap(), "gpt-x");
    assert!(config.describe().contains("http://127.0.0.1:1/v1"));
}

#[test]
fn a_class_without_a_model_names_the_variable() {
    let failure = Models::default().resolve("medium").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Configuration);
    assert!(failure.message.contains("`LATTICE_MODEL_MEDIUM`"));
}

#[test]
fn openai_needs_a_key_and_has_an_address() {
    let missing = error(
        &[("LATTICE_PROVIDER", "openai"), ("OPENAI_API_KEY", " ")],
        None,
    );
    assert!(missing.contains("`OPENAI_API_KEY`"), "{missing}");
    let config = read(
        &[("LATTICE_PROVIDER", "openai"), ("OPENAI_API_KEY", "k\n")],
        None,
    )
    .unwrap();
    assert_eq!(
        config.kind,
        ProviderKind::OpenAi {
            base_url: OPENAI_BASE_URL.to_owned()
        }
    );
    assert_eq!(config.api_key.unwrap().expose(), "k");
}

/// Environment, file, and words of the error.
type Wrong = (
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
    &'static [&'static str],
);

const COMPATIBLE: (&str, &str) = ("LATTICE_PROVIDER", "openai-compatible");

#[rustfmt::skip]
const WRONG: &[Wrong] = &[
    (&[("LATTICE_PROVIDER", "gpt")], None, &["`gpt`", "`LATTICE_PROVIDER`"]),
    (&[("LATTICE_PROVIDER", "anthropic")], None, &["`anthropic`", "not yet supported"]),
    (&[("LATTICE_PROVIDER", "bedrock")], None, &["`bedrock`", "not yet supported"]),
    (&[COMPATIBLE], None, &["`LATTICE_BASE_URL`"]),
    (&[COMPATIBLE, ("LATTICE_BASE_URL", "nowhere")], None, &["`nowhere`", "`LATTICE_BASE_URL`"]),
    (&[COMPATIBLE, ("LATTICE_BASE_URL", "ftp://x/v1")], None, &["`http://`"]),
    (&[COMPATIBLE, ("LATTICE_BASE_URL", "http://x/v1?y")], None, &["`?`"]),
    (&[COMPATIBLE, ("LATTICE_BASE_URL", "https://u:hidden@x/v1")], None, &["a password"]),
    (&[COMPATIBLE, ("LATTICE_BASE_URL", "http://models.example/v1"), ("OPENAI_API_KEY", "k")], None, &["`models.example`", "unencrypted"]),
    (&[("LATTICE_MOCK_SEED", "x")], None, &["`x`", "`LATTICE_MOCK_SEED`"]),
    (&[], Some("[provider\n"), &["`lattice.toml`"]),
    (&[], Some("[provider]\nkin = \"mock\"\n"), &["`kin`"]),
    (&[], Some("[provider]\napi_key = \"hidden\"\n"), &["`api_key`", "`OPENAI_API_KEY`"]),
];

#[test]
fn every_wrong_setting_says_what_to_set() {
    for (env, toml, words) in WRONG {
        let message = error(env, *toml);
        for word in *words {
            assert!(message.contains(word), "{message}");
        }
        assert!(!message.contains("hidden"), "{message}");
    }
}

#[test]
fn a_key_may_go_unencrypted_to_this_machine() {
    for url in [
        "http://localhost:1/v1",
        "http://127.0.0.9/v1",
        "http://[::1]:1/v1",
    ] {
        let env = [
            ("LATTICE_PROVIDER", "openai-compatible"),
            ("LATTICE_BASE_URL", url),
            ("OPENAI_API_KEY", "k"),
        ];
        assert!(read(&env, None).is_ok(), "{url}");
    }
}
