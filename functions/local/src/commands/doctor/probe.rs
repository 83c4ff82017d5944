//! Whether the model provider is set and answers.

use super::Finding;
use crate::app::App;
use crate::cli::ProviderChoice;
use lattice_effects::{Provider, ProviderConfig, ProviderKind};
use lattice_model::limits::PROBE_MS_MAX;
use reqwest::{Client, StatusCode, redirect};
use std::time::Duration;

const CHECK: &str = "provider";

/// Checks the settings, then asks the server for its models.
pub async fn provider(app: &App) -> Vec<Finding> {
    let choice = ProviderChoice {
        provider: None,
        script: None,
    };
    let config = match app.provider(&choice, None) {
        Ok(config) => config,
        Err(error) => return vec![Finding::of_error(CHECK, error)],
    };
    let mut findings = vec![Finding::good(CHECK, App::describe(&config))];
    // The same that `run` does before anything is sent: the script is read, the client is made.
    if let Err(error) = Provider::new(config.clone(), app.secrets()) {
        findings.push(Finding::of_error(CHECK, error));
        return findings;
    }
    if let ProviderKind::OpenAi { base_url } | ProviderKind::OpenAiCompatible { base_url } =
        &config.kind
    {
        findings.extend(classes(&config));
        findings.push(models(base_url, &config).await);
    }
    findings
}

/// A class without a model is only a problem for workflows that ask for it.
fn classes(config: &ProviderConfig) -> Option<Finding> {
    let missing: Vec<String> = ["small", "medium", "large"]
        .iter()
        .filter_map(|class| config.models.resolve(class).err())
        .map(|failure| failure.message)
        .collect();
    let first = missing.first()?;
    let (text, help) = first.split_once("; ").unwrap_or((first, ""));
    Some(Finding::warn("models", text, help))
}

async fn models(base_url: &str, config: &ProviderConfig) -> Finding {
    let url = format!("{}/models", base_url.trim_end_matches('/'));
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_millis(PROBE_MS_MAX));
    let client = match url.starts_with("http:") {
        // No certificate is looked at, and a server on this machine is reached without a proxy.
        true => client.no_proxy().tls_certs_only([]),
        false => client,
    };
    let mut request = match client.build() {
        Ok(client) => client.get(&url),
        Err(error) => return Finding::broken(CHECK, format!("no HTTP client: {error}"), ""),
    };
    if let Some(key) = &config.api_key {
        request = request.bearer_auth(key.expose());
    }
    match request.send().await.map(|response| response.status()) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Finding::broken(
            CHECK,
            format!("`{url}` refuses the key"),
            "check `OPENAI_API_KEY`",
        ),
        Ok(status) if status.is_success() => Finding::good(CHECK, format!("`{url}` answers")),
        Ok(status) => Finding::warn(
            CHECK,
            format!("`{url}` answers with status {}", status.as_u16()),
            "check that `LATTICE_BASE_URL` goes up to `/v1`; some servers do not list models",
        ),
        Err(error) if error.is_timeout() => {
            let text = format!("`{url}` does not answer within {PROBE_MS_MAX} ms");
            Finding::broken(
                CHECK,
                text,
                "check `LATTICE_BASE_URL` and that the server runs",
            )
        }
        Err(_) => {
            let text = format!("`{url}` cannot be reached");
            Finding::broken(
                CHECK,
                text,
                "check `LATTICE_BASE_URL` and that the server runs",
            )
        }
    }
}
