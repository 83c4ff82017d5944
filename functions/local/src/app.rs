//! What every command knows: the environment, the settings file, the screen, the redactor.

use crate::cli::{Data, ProviderChoice};
use crate::error::CliError;
use crate::screen::Screen;
use lattice_effects::{ChosenBy, EnvSecrets, ProviderConfig, ProviderKind};
use lattice_model::Secret;
use lattice_policy::Redactor;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DATA_DIR: &str = ".lattice";
const SETTINGS_FILE: &str = "lattice.toml";
const SECTIONS: [&str; 2] = ["provider", "models"];

/// What every command knows.
#[derive(Debug)]
pub struct App {
    env: BTreeMap<String, String>,
    toml: Option<String>,
    /// Where lines go.
    pub screen: Screen,
    /// Knows the declared secrets.
    pub redactor: Arc<Redactor>,
}

impl App {
    /// Reads the environment and the settings file of the current directory.
    pub fn read(json: bool) -> Result<Self, CliError> {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let env: BTreeMap<String, String> = texts.collect();
        let key = env.get("OPENAI_API_KEY").cloned().map(Secret::new);
        let redactor = Arc::new(Redactor::with_values(
            EnvSecrets::new(&env).values().chain(key),
        ));
        let screen = Screen::new(json, Arc::clone(&redactor));
        Ok(Self {
            toml: read_settings()?,
            env,
            screen,
            redactor,
        })
    }

    /// A variable of the environment that is set to something.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The secrets that effects may ask for.
    pub fn secrets(&self) -> EnvSecrets {
        EnvSecrets::new(&self.env)
    }

    /// The data directory that is meant.
    pub fn data_dir(&self, data: &Data) -> PathBuf {
        let set = || self.get("LATTICE_DATA").map(PathBuf::from);
        data.dir
            .clone()
            .or_else(set)
            .unwrap_or_else(|| PathBuf::from(DATA_DIR))
    }

    /// What stands behind commands that are shown, so that they mean the same data.
    pub fn flags(&self, data: &Data) -> Flags {
        let dir = data
            .dir
            .as_deref()
            .map(|dir| flag("data", &dir.to_string_lossy()));
        let data = dir.unwrap_or_default();
        Flags {
            resume: data.clone(),
            data,
        }
    }

    /// The same, and for `resume` the same provider.
    pub fn flags_of_run(
        &self,
        data: &Data,
        choice: &ProviderChoice,
        config: &ProviderConfig,
    ) -> Flags {
        let mut flags = self.flags(data);
        if let Some(provider) = &choice.provider {
            flags.resume.push_str(&flag("provider", provider));
        }
        if let ProviderKind::Mock {
            script: Some(script),
            ..
        } = &config.kind
        {
            flags
                .resume
                .push_str(&flag("script", &script.to_string_lossy()));
        }
        flags
    }

    /// How large the data may grow, if that is limited.
    pub fn data_bytes_max(&self) -> Result<Option<u64>, CliError> {
        let parse = |text: &str| {
            text.parse().map(Some).map_err(|_| {
                let text = format!("`{text}` is not a number of bytes");
                CliError::said(
                    text,
                    "set `LATTICE_DATA_BYTES_MAX` to a whole number, or unset it",
                )
            })
        };
        self.get("LATTICE_DATA_BYTES_MAX").map_or(Ok(None), parse)
    }

    /// The provider in one line, for people; how to choose another where nobody chose.
    pub fn describe(config: &ProviderConfig) -> String {
        match (&config.kind, config.chosen_by) {
            (
                ProviderKind::Mock {
                    script: Some(script),
                    ..
                },
                ChosenBy::Default,
            ) => format!(
                "model provider: mock, answers from `{}`; set `LATTICE_PROVIDER` to `openai` or \
                 `openai-compatible` for a real one",
                script.display()
            ),
            _ => config.describe(),
        }
    }

    /// The provider that the words and the settings choose. A mock without a script follows
    /// `<name>.mock.json` beside the workflow, if that is there.
    pub fn provider(
        &self,
        choice: &ProviderChoice,
        workflow: Option<&Path>,
    ) -> Result<ProviderConfig, CliError> {
        let mut env = self.env.clone();
        if let Some(name) = &choice.provider {
            env.insert("LATTICE_PROVIDER".to_owned(), name.clone());
        }
        let mut config = ProviderConfig::from_settings(&env, self.toml.as_deref())?;
        check_sections(self.toml.as_deref().unwrap_or_default())?;
        let ProviderKind::Mock { script, .. } = &mut config.kind else {
            return match &choice.script {
                None => Ok(config),
                Some(_) => Err(CliError::said(
                    "`--script` is for the mock provider, and another one is set",
                    "add `--provider mock`, or leave `--script` out",
                )),
            };
        };
        let beside = || {
            workflow
                .map(|file| sibling(file, "mock"))
                .filter(|file| file.is_file())
        };
        *script = choice
            .script
            .clone()
            .or_else(|| script.take())
            .or_else(beside);
        Ok(config)
    }
}

/// What stands behind commands that are shown.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// Behind any command.
    pub data: String,
    /// Behind `resume`.
    pub resume: String,
}

fn flag(name: &str, value: &str) -> String {
    format!(" --{name} {}", crate::text::shell_word(value))
}

/// `dir/name.<what>.json` for `dir/name.json`.
pub fn sibling(file: &Path, what: &str) -> PathBuf {
    file.with_extension(format!("{what}.json"))
}

/// A section that nobody reads is a slip of the pen: its settings would silently not hold.
fn check_sections(toml: &str) -> Result<(), CliError> {
    let table: toml::Table = toml.parse().unwrap_or_default();
    match table.keys().find(|name| !SECTIONS.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(CliError::said(
            format!("nothing reads `{name}` in `{SETTINGS_FILE}`"),
            "its sections are `[provider]` and `[models]`",
        )),
    }
}

fn read_settings() -> Result<Option<String>, CliError> {
    match std::fs::read_to_string(SETTINGS_FILE) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::said(
            format!("`{SETTINGS_FILE}` cannot be read: {error}"),
            "make it a readable text file, or remove it",
        )),
    }
}
