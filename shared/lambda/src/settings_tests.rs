//! Environments that are right, and every way in which one is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use lattice_effects::ProviderKind;

fn environment(role: Role) -> Environment {
    let mut pairs = vec![
        ("LATTICE_TABLE", "t"),
        ("LATTICE_BUCKET", "b"),
        ("LATTICE_QUEUE_URL", "https://sqs.example/1/steps"),
        ("LATTICE_STAGE", "dev"),
        ("LATTICE_KEEP_DAYS", "7"),
        ("LATTICE_SECRETS_PREFIX", "lattice/dev"),
    ];
    if role.has_callers() {
        pairs.extend([
            ("LATTICE_JWT_ISSUER", "https://issuer.example"),
            ("LATTICE_JWT_AUDIENCE", "lattice"),
            ("LATTICE_JWKS_URL", "https://issuer.example/jwks.json"),
        ]);
    }
    if role == Role::Start {
        pairs.extend([
            ("LATTICE_SCHEDULE_GROUP", "g"),
            ("LATTICE_SCHEDULE_ROLE_ARN", "arn:aws:iam::1:role/r"),
            ("LATTICE_START_ARN", "arn:aws:lambda:x:1:function:start"),
        ]);
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    pairs.into_iter().map(owned).collect()
}

const ROLES: [Role; 6] = [
    Role::Compile,
    Role::Start,
    Role::Signal,
    Role::Stream,
    Role::Step,
    Role::Sweep,
];

#[test]
fn each_function_reads_what_it_needs_and_no_more() {
    for role in ROLES {
        let settings = Settings::read(role, &environment(role)).unwrap();
        assert_eq!(settings.callers.is_some(), role.has_callers(), "{role:?}");
        assert_eq!(settings.schedules.is_some(), role == Role::Start);
        assert_eq!((settings.keep_days, settings.log.as_str()), (7, "info"));
    }
}

#[test]
fn every_variable_that_is_missing_is_named_at_once_with_what_to_set() {
    for role in ROLES {
        let error = Settings::read(role, &Environment::new()).unwrap_err();
        let said = error.to_string();
        let needed: Vec<String> = environment(role)
            .into_keys()
            .filter(|name| name != "LATTICE_KEEP_DAYS")
            .collect();
        assert_eq!(error.0.len(), needed.len(), "{said}");
        for name in needed {
            assert!(said.contains(&format!("`{name}`")), "{name}: {said}");
        }
    }
}

#[test]
fn one_variable_that_is_missing_or_blank_is_named_alone() {
    for role in ROLES {
        for name in environment(role).into_keys() {
            let mut without = environment(role);
            without.insert(name.clone(), " ".to_owned());
            let read = Settings::read(role, &without);
            match name.as_str() {
                "LATTICE_KEEP_DAYS" => assert_eq!(read.unwrap().keep_days, KEEP_DAYS_DEFAULT),
                _ => {
                    let problems = read.unwrap_err().0;
                    assert_eq!(problems.len(), 1, "{problems:?}");
                    assert!(problems[0].contains(&name), "{problems:?}");
                }
            }
        }
    }
}

#[test]
fn values_that_cannot_be_are_refused() {
    let wrong = [
        ("LATTICE_STAGE", "production"),
        ("LATTICE_KEEP_DAYS", "0"),
        ("LATTICE_KEEP_DAYS", "3651"),
        ("LATTICE_KEEP_DAYS", "a week"),
        ("LATTICE_JWKS_URL", "http://issuer.example/jwks.json"),
        (
            "LATTICE_JWKS_URL",
            "http://127.0.0.1.evil.example/jwks.json",
        ),
        ("LATTICE_JWKS_URL", "issuer.example"),
        ("LATTICE_JWKS_URL", "https://"),
    ];
    for (name, value) in wrong {
        let mut environment = environment(Role::Signal);
        environment.insert(name.to_owned(), value.to_owned());
        let problems = Settings::read(Role::Signal, &environment).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{name}={value}: {problems:?}");
        assert!(problems[0].contains(&format!("`{name}` is `{value}`")));
    }
    let mut environment = environment(Role::Signal);
    environment.insert("LATTICE_KEEP_DAYS".to_owned(), "3650".to_owned());
    for url in [
        "http://127.0.0.1:4/k",
        "http://[::1]:4/k",
        "http://localhost",
    ] {
        environment.insert("LATTICE_JWKS_URL".to_owned(), url.to_owned());
        assert!(Settings::read(Role::Signal, &environment).is_ok(), "{url}");
    }
}

#[test]
fn keys_as_a_text_come_before_an_address() {
    let mut environment = environment(Role::Stream);
    environment.insert("LATTICE_JWKS".to_owned(), "{}".to_owned());
    let settings = Settings::read(Role::Stream, &environment).unwrap();
    assert_eq!(settings.callers.unwrap().keys, Keys::Text("{}".to_owned()));
}

#[test]
fn the_providers_key_comes_from_the_secret_store_only() {
    let mut environment = Environment::new();
    environment.insert("LATTICE_PROVIDER".to_owned(), "openai".to_owned());
    let said = provider(&environment, None).unwrap_err().to_string();
    assert!(said.contains("`LATTICE_PROVIDER_KEY_SECRET`"), "{said}");
    let key = Secret::new("sk-1\n".to_owned());
    let config = provider(&environment, Some(key)).unwrap();
    assert!(matches!(config.kind, ProviderKind::OpenAi { .. }));
    assert_eq!(config.api_key.unwrap().expose(), "sk-1");
    environment.insert("OPENAI_API_KEY".to_owned(), "sk-2".to_owned());
    let said = provider(&environment, None).unwrap_err().to_string();
    assert!(said.contains("Secrets Manager") && !said.contains("sk-2"));
}
