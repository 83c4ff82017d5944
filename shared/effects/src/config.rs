//! Which model provider answers, read from settings: environment variables first, then
//! `lattice.toml`. Both come in as values, so that the choice can be tested.

use crate::mock::ScriptError;
use lattice_journal::{Failure, FailureKind};
use lattice_model::Secret;
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A chosen provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderConfig {
    /// Which one.
    pub kind: ProviderKind,
    /// Where the choice was made.
    pub chosen_by: ChosenBy,
    /// The key, where one is set.
    pub api_key: Option<Secret<String>>,
    /// The models behind the classes.
    pub models: Models,
}

/// The providers that are supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// Answers without a network, the same each time.
    Mock {
        /// Another seed gives other answers.
        seed: u64,
        /// A file with the answers to give.
        script: Option<PathBuf>,
    },
    /// OpenAI's own service, or a proxy in front of it.
    OpenAi {
        /// Where it is, up to `/v1`.
        base_url: String,
    },
    /// Any server that speaks OpenAI's chat completions: llama.cpp, vLLM, Ollama, a gateway.
    OpenAiCompatible {
        /// Where it is, up to `/v1`.
        base_url: String,
    },
}

/// Where the choice of the provider was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// Nowhere, so the mock answers.
    Default,
    /// By `LATTICE_PROVIDER`.
    Environment,
    /// In `lattice.toml`.
    File,
}

/// The models behind the classes `small`, `medium` and `large`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Cheap and fast.
    pub small: Option<String>,
    /// In between.
    pub medium: Option<String>,
    /// The most able.
    pub large: Option<String>,
}

/// Why no provider could be chosen. Each says what to set.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A word that names no provider.
    #[error(
        "`{0}` is not a model provider; set `LATTICE_PROVIDER` to `mock`, `openai` or `openai-compatible`"
    )]
    UnknownProvider(String),
    /// A provider that is to come.
    #[error(
        "the model provider `{0}` is not yet supported; set `LATTICE_PROVIDER` to `mock`, `openai` or `openai-compatible`"
    )]
    NotYet(String),
    /// The provider needs more than is set.
    #[error("the model provider `{provider}` needs {what}; set `{name}`")]
    Missing {
        /// The provider.
        provider: &'static str,
        /// What it needs.
        what: &'static str,
        /// The variable.
        name: &'static str,
    },
    /// The base URL cannot be used.
    #[error(
        "`{url}` cannot be the base URL of a model provider: {reason}; set `LATTICE_BASE_URL` to something like `http://127.0.0.1:8080/v1`"
    )]
    BadUrl {
        /// As it was set, without what might be secret.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A key would travel in the clear.
    #[error(
        "the key would go to `{0}` unencrypted; set `LATTICE_BASE_URL` to an `https` address, or unset `OPENAI_API_KEY`"
    )]
    KeyInTheClear(String),
    /// The key is no text that a header can hold.
    #[error(
        "`OPENAI_API_KEY` holds characters that a key cannot have; set it again without line breaks"
    )]
    BadKey,
    /// The seed is not a number.
    #[error("`{0}` is not a seed; set `LATTICE_MOCK_SEED` to a whole number")]
    BadSeed(String),
    /// The file cannot be read as settings.
    #[error("`lattice.toml` cannot be read: {0}")]
    Toml(String),
    /// A key stands in the file.
    #[error(
        "`lattice.toml` holds `{0}`, and keys do not belong in files; take it out and set `OPENAI_API_KEY`"
    )]
    KeyInFile(String),
    /// The mock's script is not there or not right.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The HTTP client could not be made.
    #[error("no HTTP client for the model provider: the system's certificates could not be read")]
    Client(#[source] reqwest::Error),
}

const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

#[derive(Debug, Default, Deserialize)]
struct FileSettings {
    #[serde(default)]
    provider: FileProvider,
    #[serde(default)]
    models: Models,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileProvider {
    kind: Option<String>,
    base_url: Option<String>,
    seed: Option<u64>,
    script: Option<PathBuf>,
}

impl ProviderConfig {
    /// Chooses by `LATTICE_PROVIDER`, then by `provider.kind` of `lattice.toml`; with neither the
    /// mock answers. `env` holds environment variables, `toml` the text of the file if there is one.
    pub fn from_settings(
        env: &BTreeMap<String, String>,
        toml: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let get = |name: &str| {
            env.get(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let file = toml.map(read_file).transpose()?.unwrap_or_default();
        let (word, chosen_by) = match (get("LATTICE_PROVIDER"), &file.provider.kind) {
            (Some(word), _) => (word, ChosenBy::Environment),
            (None, Some(word)) => (word.clone(), ChosenBy::File),
            (None, None) => ("mock".to_owned(), ChosenBy::Default),
        };
        let models = Models {
            small: get("LATTICE_MODEL_SMALL").or(file.models.small),
            medium: get("LATTICE_MODEL_MEDIUM").or(file.models.medium),
            large: get("LATTICE_MODEL_LARGE").or(file.models.large),
        };
        let base_url = get("LATTICE_BASE_URL").or(file.provider.base_url);
        let api_key = get("OPENAI_API_KEY").map(Secret::new);
        let kind = match word.as_str() {
            "mock" => ProviderKind::Mock {
                seed: match get("LATTICE_MOCK_SEED") {
                    Some(seed) => seed.parse().map_err(|_| ConfigError::BadSeed(seed))?,
                    None => file.provider.seed.unwrap_or(0),
                },
                script: get("LATTICE_MOCK_SCRIPT")
                    .map(PathBuf::from)
                    .or(file.provider.script),
            },
            "openai" => ProviderKind::OpenAi {
                base_url: base_url.unwrap_or_else(|| OPENAI_BASE_URL.to_owned()),
            },
            "openai-compatible" => ProviderKind::OpenAiCompatible {
                base_url: base_url.ok_or(ConfigError::Missing {
                    provider: "openai-compatible",
                    what: "the address of the server",
                    name: "LATTICE_BASE_URL",
                })?,
            },
            "anthropic" | "bedrock" => return Err(ConfigError::NotYet(word)),
            _ => return Err(ConfigError::UnknownProvider(word)),
        };
        if matches!(kind, ProviderKind::OpenAi { .. }) && api_key.is_none() {
            return Err(ConfigError::Missing {
                provider: "openai",
                what: "a key",
                name: "OPENAI_API_KEY",
            });
        }
        let config = Self {
            kind,
            chosen_by,
            api_key,
            models,
        };
        config.check_url()?;
        Ok(config)
    }

    fn check_url(&self) -> Result<(), ConfigError> {
        let (ProviderKind::OpenAi { base_url } | ProviderKind::OpenAiCompatible { base_url }) =
            &self.kind
        else {
            return Ok(());
        };
        let url = base_url_of(base_url)?;
        if url.scheme() == "http" && !is_loopback(&url) && self.api_key.is_some() {
            return Err(ConfigError::KeyInTheClear(
                url.host_str().unwrap_or_default().to_owned(),
            ));
        }
        Ok(())
    }

    /// The chosen provider in one line, for people; how to choose another where nobody chose.
    pub fn describe(&self) -> String {
        match (&self.kind, self.chosen_by) {
            (ProviderKind::Mock { .. }, ChosenBy::Default) => {
                "model provider: mock (made-up answers); set `LATTICE_PROVIDER` to `openai` or \
                 `openai-compatible` for a real one"
                    .to_owned()
            }
            (
                ProviderKind::Mock {
                    script: Some(script),
                    ..
                },
                _,
            ) => {
                format!("model provider: mock, answers from `{}`", script.display())
            }
            (ProviderKind::Mock { .. }, _) => "model provider: mock (made-up answers)".to_owned(),
            (ProviderKind::OpenAi { base_url }, _) => {
                format!("model provider: openai at {base_url}")
            }
            (ProviderKind::OpenAiCompatible { base_url }, _) => {
                format!("model provider: openai-compatible at {base_url}")
            }
        }
    }
}

impl Models {
    /// The model behind a class; any other word is the name of a model itself.
    pub fn resolve(&self, model: &str) -> Result<String, Failure> {
        let (class, name) = match model {
            "small" => (&self.small, "LATTICE_MODEL_SMALL"),
            "medium" => (&self.medium, "LATTICE_MODEL_MEDIUM"),
            "large" => (&self.large, "LATTICE_MODEL_LARGE"),
            named => return Ok(named.to_owned()),
        };
        class.clone().ok_or_else(|| {
            Failure::new(
                FailureKind::Configuration,
                format!(
                    "no model is set for the class `{model}`; set `{name}`, or `{model}` under \
                     `[models]` in `lattice.toml`, to the name of a model of your provider"
                ),
            )
        })
    }
}

/// Reads and checks a base URL.
pub(crate) fn base_url_of(text: &str) -> Result<Url, ConfigError> {
    let bad = |url: &str, reason: &str| ConfigError::BadUrl {
        url: url.to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| bad(text, &error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad(
            url.host_str().unwrap_or_default(),
            "it holds a user or a password",
        ));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(text, "it begins with neither `http://` nor `https://`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad(text, "it has a `?` or a `#`"));
    }
    Ok(url)
}

/// Whether the address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn read_file(text: &str) -> Result<FileSettings, ConfigError> {
    let bad = |error: toml::de::Error| ConfigError::Toml(error.to_string().trim().to_owned());
    let table: toml::Table = text.parse().map_err(bad)?;
    let provider = table.get("provider").and_then(toml::Value::as_table);
    let mut names = provider.into_iter().flat_map(toml::Table::keys);
    if let Some(name) = names.find(|name| name.contains("key")) {
        return Err(ConfigError::KeyInFile(name.clone()));
    }
    // Other sections belong to others; these two are read strictly.
    table.try_into().map_err(bad)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
