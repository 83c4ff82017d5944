//! The mock behind the port: chosen by settings, scripted by a file, redacted like the real ones.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Asking, outcome};
use lattice_effects::{EnvSecrets, Provider, ProviderConfig};
use lattice_expr::Part;
use std::collections::BTreeMap;

fn provider(env: &[(&str, &str)]) -> Provider<EnvSecrets> {
    let env: BTreeMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let config = ProviderConfig::from_settings(&env, None).unwrap();
    Provider::new(config, EnvSecrets::new(&env)).unwrap()
}

#[tokio::test]
async fn with_nothing_set_every_class_answers() {
    let provider = provider(&[]);
    let done = outcome(&provider, Asking::new("Name a colour").model("large"))
        .await
        .unwrap();
    assert!(done.text.contains("\"Name a colour\""), "{}", done.text);
    assert_eq!(done.model, "mock-large");
}

#[tokio::test]
async fn a_secret_in_a_prompt_stays_a_reference() {
    let provider = provider(&[("LATTICE_SECRET_SHOP", "c4nary-value")]);
    let parts = vec![
        Part::Text("key ".to_owned()),
        Part::Secret("SHOP".to_owned()),
    ];
    let done = outcome(&provider, Asking::parts(parts)).await.unwrap();
    assert!(done.text.contains("key {{secret.SHOP}}"), "{}", done.text);
}

#[tokio::test]
async fn a_script_file_is_followed_and_its_secrets_are_redacted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.json");
    let token = format!("{}{}", "npm_", "a1B2".repeat(9));
    std::fs::write(
        &file,
        format!(r#"{{"stages": {{"ask": [{{"text": "take {token}"}}]}}}}"#),
    )
    .unwrap();
    let provider = provider(&[
        ("LATTICE_PROVIDER", "mock"),
        ("LATTICE_MOCK_SCRIPT", file.to_str().unwrap()),
    ]);
    let done = outcome(&provider, Asking::new("x")).await.unwrap();
    assert_eq!(done.text, "take [redacted:npm-token]");
}
