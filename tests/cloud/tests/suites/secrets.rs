//! Secrets of tenants.

use crate::bench::{Place, runtime};
use lattice_aws::AwsSecrets;
use lattice_model::Tenant;
use lattice_ports::suites::{KNOWN_SECRET, KNOWN_VALUE};
use lattice_ports::{PortError, Secrets};

async fn create(place: &Place, name: &str, value: &str) {
    let client = aws_sdk_secretsmanager::Client::new(place.clients.sdk());
    let create = client
        .create_secret()
        .name(format!("{}/{name}", place.name));
    create.secret_string(value).send().await.unwrap();
    place.clients.counter().reset();
}

fn with_secrets(check: impl AsyncFnOnce(AwsSecrets)) {
    runtime().block_on(async {
        let place = Place::bare();
        create(&place, &format!("local/{KNOWN_SECRET}"), KNOWN_VALUE).await;
        check(place.clients.secrets(&place.name)).await;
    });
}

lattice_ports::run_suite!(secrets, with_secrets);

/// The same name is another secret for another tenant, and a name never leaves his folder.
#[test]
fn a_tenant_gets_his_own_secret_only() {
    runtime().block_on(async {
        let place = Place::bare();
        create(&place, "acme/HOOK", "of acme").await;
        create(&place, "zeta/HOOK", "of zeta").await;
        let secrets = place.clients.secrets(format!("{}/", place.name));
        let tenant = |name: &str| name.parse::<Tenant>().unwrap();
        for (name, value) in [("acme", "of acme"), ("zeta", "of zeta")] {
            let secret = secrets.resolve(&tenant(name), "HOOK").await.unwrap();
            assert_eq!(secret.expose(), value);
        }
        for (owner, name) in [
            ("beta", "HOOK"),
            ("acme", "../zeta/HOOK"),
            ("..", "acme/HOOK"),
            ("acme", ""),
        ] {
            let error = secrets.resolve(&tenant(owner), name).await.unwrap_err();
            assert!(
                matches!(error, PortError::Missing { .. }),
                "{owner} {name}: {error}"
            );
        }
        let error = secrets.resolve(&tenant("beta"), "HOOK").await.unwrap_err();
        let command = format!("create-secret --name {}/beta/HOOK", place.name);
        assert!(error.to_string().contains(&command), "{error}");
    });
}

/// A secret is fetched once in a while, not once for each effect; one that is missing as well.
#[test]
fn a_secret_is_remembered_for_a_while() {
    runtime().block_on(async {
        let place = Place::bare();
        create(&place, "local/A", "one").await;
        let secrets = place.clients.secrets(&place.name);
        for _ in 0..5 {
            secrets.resolve(&Tenant::local(), "A").await.unwrap();
            secrets.resolve(&Tenant::local(), "B").await.unwrap_err();
        }
        let counted = place.clients.counter().reset();
        assert_eq!(counted.calls_of("secretsmanager.GetSecretValue"), 2);
        secrets.forget();
        secrets
            .named(&format!("{}/local/A", place.name))
            .await
            .unwrap();
        let counted = place.clients.counter().reset();
        assert_eq!(counted.calls_of("secretsmanager.GetSecretValue"), 1);
    });
}
