//! Secrets: resolved by name, named when missing, never printed.

use crate::{PortError, Secrets};
use lattice_model::Tenant;

/// The name under which an adapter under test holds `KNOWN_VALUE`.
pub const KNOWN_SECRET: &str = "LATTICE_SUITE_SECRET";
/// What it holds there.
pub const KNOWN_VALUE: &str = "canary-5c1f";

/// The secret is there, and does not print itself.
pub async fn a_known_secret_is_resolved(secrets: impl Secrets) {
    let secret = secrets
        .resolve(&Tenant::local(), KNOWN_SECRET)
        .await
        .unwrap();
    assert_eq!(secret.expose(), KNOWN_VALUE);
    assert!(!format!("{secret:?}").contains(KNOWN_VALUE));
}

/// The error names the secret, tells how to provide it, and shows no other secret.
pub async fn an_unknown_secret_is_named_with_a_remedy(secrets: impl Secrets) {
    let Err(PortError::Missing { port, name, help }) =
        secrets.resolve(&Tenant::local(), "LATTICE_NO_SUCH").await
    else {
        panic!("a secret that nobody gave was not missing");
    };
    assert_eq!(name, "LATTICE_NO_SUCH");
    assert!(!help.is_empty() && !port.is_empty());
    assert!(!format!("{port}{help}").contains(KNOWN_VALUE));
}
