//! Throw-away folders: a project with an export in it, and a home in which nothing of the machine's
//! user stands. A client that runs there reaches nothing but this machine.

use crate::Failure;
use lattice_export::Target;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Longer than any client needs for one answer of the mock.
const PATIENCE: Duration = Duration::from_secs(90);

/// A project and a home, removed when dropped.
pub struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    env: Vec<(String, String)>,
}

/// What a command said.
pub struct Said {
    /// Whether it ended well.
    pub is_ok: bool,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Place {
    /// Writes the files into a new repository, and sets the client up to ask the mock at `model`.
    pub async fn new(
        target: Target,
        tools: &Path,
        model: &str,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let (project, home) = (folder.path().join("project"), folder.path().join("home"));
        std::fs::create_dir_all(home.join("tmp"))?;
        std::fs::create_dir_all(&project)?;
        for (path, bytes) in files {
            write(&project.join(path), bytes)?;
        }
        let program = program(target, tools);
        let mut place = Self {
            folder,
            program,
            env: Vec::new(),
        };
        place.set_up(target, model, &home)?;
        let git = place
            .command(Path::new("git"), &["init", "--quiet"])
            .status()
            .await?;
        git.success()
            .then_some(())
            .ok_or("git made no repository")?;
        Ok(place)
    }

    /// The project's folder.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Runs the client.
    pub async fn run(&self, words: &[&str]) -> Result<Said, Failure> {
        self.run_other(&self.program, words).await
    }

    /// Runs another program in the same place.
    pub async fn run_other(&self, program: &Path, words: &[&str]) -> Result<Said, Failure> {
        let output = self.command(program, words).output();
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .map_err(|_| format!("`{} {}` did not end", program.display(), words.join(" ")))??;
        Ok(Said {
            is_ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.project()).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn set_up(&mut self, target: Target, model: &str, home: &Path) -> Result<(), Failure> {
        let at = |name: &str| home.join(name).display().to_string();
        let mut env = vec![
            ("HOME", home.display().to_string()),
            ("TMPDIR", at("tmp")),
            ("XDG_CONFIG_HOME", at(".config")),
            ("XDG_DATA_HOME", at(".local/share")),
            ("XDG_CACHE_HOME", at(".cache")),
            ("XDG_STATE_HOME", at(".local/state")),
            ("CI", "1".to_owned()),
            ("NO_COLOR", "1".to_owned()),
            // Nothing listens there, so that no request leaves the machine.
            ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
            ("HTTP_PROXY", "http://127.0.0.1:9".to_owned()),
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ];
        let project = self.project().canonicalize()?.display().to_string();
        let on = || "1".to_owned();
        match target {
            Target::ClaudeCode => {
                env.push(("ANTHROPIC_BASE_URL", model.to_owned()));
                env.push(("ANTHROPIC_API_KEY", "none".to_owned()));
                env.push(("DISABLE_AUTOUPDATER", on()));
                env.push(("DISABLE_TELEMETRY", on()));
                env.push(("DISABLE_ERROR_REPORTING", on()));
                env.push(("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", on()));
                let trust = serde_json::json!({"hasCompletedOnboarding": true, "projects": {project: {
                    "hasTrustDialogAccepted": true, "enabledMcpjsonServers": ["web", "tracker"]}}});
                write(&home.join(".claude.json"), trust.to_string().as_bytes())?;
            }
            Target::Codex => {
                let text = format!(
                    "model = \"gpt-5.2\"\nmodel_provider = \"mock\"\n[model_providers.mock]\nname = \"mock\"\n\
                     base_url = \"{model}/v1\"\nwire_api = \"responses\"\n[projects.{project:?}]\n\
                     trust_level = \"trusted\"\n[analytics]\nenabled = false\n"
                );
                write(&home.join(".codex/config.toml"), text.as_bytes())?;
            }
            Target::OpenCode => {
                let provider = serde_json::json!({"model": "mock/mock", "small_model": "mock/mock",
                    "provider": {"mock": {"npm": "@ai-sdk/openai-compatible", "name": "mock",
                        "options": {"baseURL": format!("{model}/v1"), "apiKey": "none"},
                        "models": {"mock": {"name": "mock"}}}}});
                env.push(("OPENCODE_CONFIG_CONTENT", provider.to_string()));
                for name in [
                    "OPENCODE_DISABLE_AUTOUPDATE",
                    "OPENCODE_DISABLE_MODELS_FETCH",
                    "OPENCODE_DISABLE_LSP_DOWNLOAD",
                    "OPENCODE_DISABLE_SHARE",
                ] {
                    env.push((name, on()));
                }
            }
            Target::Copilot => {
                env.push(("COPILOT_OFFLINE", "true".to_owned()));
                env.push(("COPILOT_PROVIDER_BASE_URL", format!("{model}/v1")));
                env.push(("COPILOT_MODEL", "mock".to_owned()));
                env.push(("COPILOT_AUTO_UPDATE", "false".to_owned()));
            }
        }
        self.env = env
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Ok(())
    }
}

/// Where a client's program is.
fn program(target: Target, tools: &Path) -> PathBuf {
    let name = match target {
        Target::ClaudeCode => "claude",
        Target::Codex => "codex",
        Target::OpenCode => "opencode",
        Target::Copilot => "copilot",
    };
    tools
        .join(target.word())
        .join("node_modules/.bin")
        .join(name)
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}
