//! The tenants' secrets in Secrets Manager, believed for a minute.

use crate::error::{Resource, SECRETS};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_runtime_api::client::result::SdkError;
use lattice_model::limits::{SECRET_CACHE_MS, SECRET_MISS_CACHE_MS};
use lattice_model::{Secret, Tenant};
use lattice_ports::{PortError, Secrets};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Secrets that a process remembers; over that it forgets them all and asks again.
const KEPT_MAX: usize = 1_000;

/// The tenants' secrets: that of `acme` named `HOOK` stands under `<prefix>/acme/HOOK`.
#[derive(Debug, Clone)]
pub struct AwsSecrets {
    client: Client,
    prefix: String,
    seen: Arc<Mutex<BTreeMap<String, Seen>>>,
}

#[derive(Debug, Clone)]
struct Seen {
    at: Instant,
    value: Option<Secret<String>>,
}

impl AwsSecrets {
    pub(crate) fn new(client: Client, prefix: String) -> Self {
        Self {
            client,
            prefix: prefix.trim_end_matches('/').to_owned(),
            seen: Arc::default(),
        }
    }

    /// A secret by its whole name in Secrets Manager: one that belongs to the deployment and to no
    /// tenant, such as a model provider's key.
    pub async fn named(&self, id: &str) -> Result<Secret<String>, PortError> {
        match self.look(id).await? {
            Some(value) => Ok(value),
            None => Err(missing(id, id)),
        }
    }

    /// Forgets what was read, so that the next one to ask gets it fresh.
    pub fn forget(&self) {
        self.seen().clear();
    }

    async fn look(&self, id: &str) -> Result<Option<Secret<String>>, PortError> {
        let known = self.seen().get(id).filter(|seen| seen.is_fresh()).cloned();
        if let Some(seen) = known {
            return Ok(seen.value);
        }
        let value = self.fetch(id).await?;
        let mut seen = self.seen();
        if seen.len() >= KEPT_MAX {
            seen.clear();
        }
        let now = Seen {
            at: Instant::now(),
            value: value.clone(),
        };
        seen.insert(id.to_owned(), now);
        Ok(value)
    }

    async fn fetch(&self, id: &str) -> Result<Option<Secret<String>>, PortError> {
        let resource = Resource {
            port: SECRETS,
            name: id,
            setting: "LATTICE_SECRETS_PREFIX",
        };
        match self.client.get_secret_value().secret_id(id).send().await {
            // One that was stored as bytes has no text, and is as good as missing.
            Ok(output) => Ok(output.secret_string.map(Secret::new)),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    GetSecretValueError::ResourceNotFoundException(_)
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(resource.error(&error)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn is_fresh(&self) -> bool {
        let ms = match self.value {
            Some(_) => SECRET_CACHE_MS,
            None => SECRET_MISS_CACHE_MS,
        };
        self.at.elapsed() < Duration::from_millis(ms)
    }
}

impl Secrets for AwsSecrets {
    async fn resolve(&self, tenant: &Tenant, name: &str) -> Result<Secret<String>, PortError> {
        let id = format!("{}/{tenant}/{name}", self.prefix);
        let found = match is_name(name) {
            true => self.look(&id).await?,
            false => None,
        };
        found.ok_or_else(|| missing(&id, name))
    }
}

/// What Secrets Manager takes in a name, and no `/`: a tenant's names never leave his folder.
fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=.@-".contains(&byte);
    (1..=256).contains(&name.len()) && name.bytes().all(letter)
}

fn missing(id: &str, name: &str) -> PortError {
    let help = match is_name(name) || id == name {
        true => {
            format!("create it: `aws secretsmanager create-secret --name {id} --secret-string ...`")
        }
        false => "a secret's name has letters, digits and `_+=.@-`".to_owned(),
    };
    PortError::Missing {
        port: SECRETS,
        name: name.to_owned(),
        help,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for good in ["HOOK", "a.b-c_d+e=f@g", &"x".repeat(256)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a/b", "../other/HOOK", "a b", "ä", &"x".repeat(257)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_comes_with_the_command_that_makes_it() {
        let text = missing("lattice/dev/acme/HOOK", "HOOK").to_string();
        assert!(text.contains("`HOOK`"), "{text}");
        assert!(
            text.contains("create-secret --name lattice/dev/acme/HOOK"),
            "{text}"
        );
        let text = missing("lattice/dev/acme/a b", "a b").to_string();
        assert!(!text.contains("create-secret"), "{text}");
    }
}
