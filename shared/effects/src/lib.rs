//! Real calls out. A `Provider` performs model effects: it puts secrets in, asks the chosen model
//! provider, and redacts what comes back, answer or failure, before anyone sees it.
//!
//! `config` chooses the provider from settings, `provider` dispatches, `mock` answers without a
//! network, `openai` speaks the chat completions protocol, `telling` shows an answer that is still
//! coming to whoever watches, `secrets` reads secrets from settings.

pub mod config;
pub mod mock;
pub mod openai;
mod outcome;
pub mod provider;
pub mod sample;
pub mod secrets;
mod telling;

pub use config::{ChosenBy, ConfigError, Models, ProviderConfig, ProviderKind};
pub use mock::{Mock, Script, ScriptError};
pub use openai::{Dialect, OpenAi};
pub use outcome::Ask;
pub use provider::Provider;
pub use sample::sample;
pub use secrets::EnvSecrets;
pub use telling::Telling;
