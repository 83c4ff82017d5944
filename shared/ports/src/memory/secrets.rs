//! Secrets in a map.

use crate::{PortError, Secrets};
use lattice_model::{Secret, Tenant};
use std::collections::BTreeMap;

/// Secrets in a map, fixed when it is made, the same for every tenant.
#[derive(Debug, Clone, Default)]
pub struct MapSecrets {
    secrets: BTreeMap<String, Secret<String>>,
}

impl MapSecrets {
    /// Holds the given names and values.
    pub fn new<N: Into<String>>(secrets: impl IntoIterator<Item = (N, Secret<String>)>) -> Self {
        Self {
            secrets: secrets
                .into_iter()
                .map(|(name, secret)| (name.into(), secret))
                .collect(),
        }
    }
}

impl Secrets for MapSecrets {
    async fn resolve(&self, _tenant: &Tenant, name: &str) -> Result<Secret<String>, PortError> {
        self.secrets
            .get(name)
            .cloned()
            .ok_or_else(|| PortError::Missing {
                port: "secrets",
                name: name.to_owned(),
                help: "give it to the map of secrets when that is made".to_owned(),
            })
    }
}
