//! Secrets from settings named `LATTICE_SECRET_<NAME>`, as a laptop keeps them.

use lattice_model::{Secret, Tenant};
use lattice_ports::{PortError, Secrets};
use std::collections::BTreeMap;

const PREFIX: &str = "LATTICE_SECRET_";

/// The secrets of one environment.
#[derive(Debug, Clone, Default)]
pub struct EnvSecrets {
    values: BTreeMap<String, Secret<String>>,
}

impl EnvSecrets {
    /// Takes what is named `LATTICE_SECRET_<NAME>` out of the settings. An empty one is not there.
    pub fn new(env: &BTreeMap<String, String>) -> Self {
        let values = env
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(key, value)| {
                let name = key.strip_prefix(PREFIX).filter(|name| !name.is_empty())?;
                Some((name.to_owned(), Secret::new(value.clone())))
            })
            .collect();
        Self { values }
    }

    /// The values, for the redactor.
    pub fn values(&self) -> impl Iterator<Item = Secret<String>> {
        self.values.values().cloned()
    }

    /// The names, for people.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

impl Secrets for EnvSecrets {
    async fn resolve(&self, _tenant: &Tenant, name: &str) -> Result<Secret<String>, PortError> {
        self.values
            .get(name)
            .cloned()
            .ok_or_else(|| PortError::Missing {
                port: "secret store",
                name: name.to_owned(),
                help: format!("set the environment variable `{PREFIX}{name}`"),
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> EnvSecrets {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        EnvSecrets::new(&pairs.iter().map(owned).collect())
    }

    #[tokio::test]
    async fn a_secret_is_found_by_its_name() {
        let secrets = secrets(&[("LATTICE_SECRET_SHOP_KEY", "canary"), ("SHOP_KEY", "other")]);
        assert_eq!(
            secrets
                .resolve(&Tenant::local(), "SHOP_KEY")
                .await
                .unwrap()
                .expose(),
            "canary"
        );
        assert_eq!(secrets.values().count(), 1);
        assert_eq!(secrets.names().collect::<Vec<_>>(), ["SHOP_KEY"]);
    }

    #[tokio::test]
    async fn a_missing_secret_says_how_to_set_it() {
        let secrets = secrets(&[
            ("LATTICE_SECRET_EMPTY", ""),
            ("LATTICE_SECRET_", "nameless"),
        ]);
        let error = secrets
            .resolve(&Tenant::local(), "EMPTY")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`EMPTY`") && error.contains("`LATTICE_SECRET_EMPTY`"),
            "{error}"
        );
        assert_eq!(secrets.values().count(), 0);
    }
}
