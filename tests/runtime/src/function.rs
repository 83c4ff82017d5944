//! A bootstrap as a process.

use crate::api::{Answer, RuntimeApi};
use crate::{RuntimeError, io};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// How long a function may take to ask for its first event, or to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bootstrap at work; it ends with this.
pub struct Function {
    api: RuntimeApi,
    child: Child,
    /// From the start of the process until it asked for its first event.
    pub init: Duration,
}

/// An environment in which every function starts, with nothing behind it: whoever calls AWS in it is
/// refused at once.
pub fn environment() -> BTreeMap<String, String> {
    let pairs = [
        ("AWS_LAMBDA_FUNCTION_NAME", "tried"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("LATTICE_TABLE", "lattice"),
        ("LATTICE_BUCKET", "lattice"),
        ("LATTICE_QUEUE_URL", "http://127.0.0.1:9/1/steps"),
        ("LATTICE_STAGE", "dev"),
        ("LATTICE_SECRETS_PREFIX", "lattice"),
        ("LATTICE_JWT_ISSUER", "https://issuer.example"),
        ("LATTICE_JWT_AUDIENCE", "agent-lattice"),
        ("LATTICE_SCHEDULE_GROUP", "lattice"),
        ("LATTICE_SCHEDULE_ROLE_ARN", "arn:aws:iam::1:role/r"),
        (
            "LATTICE_START_ARN",
            "arn:aws:lambda:eu-west-1:1:function:start",
        ),
        // A public key that nobody has the other half of any more.
        (
            "LATTICE_JWKS",
            r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#,
        ),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    pairs.into_iter().map(owned).collect()
}

impl Function {
    /// Starts a bootstrap with nothing but this environment, and waits until it asks for an event.
    pub async fn start(
        binary: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, RuntimeError> {
        let api = RuntimeApi::bind().await?;
        let began = Instant::now();
        let mut child = Command::new(binary)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(io("the bootstrap cannot be started"))?;
        tokio::select! {
            () = api.polled() => {}
            status = child.wait() => {
                let status = status.map_err(io("the process cannot be waited for"))?;
                return Err(RuntimeError::Ended(status, said(child).await));
            }
            () = tokio::time::sleep(PATIENCE) => {
                return Err(RuntimeError::Late("ask for an event", said(child).await));
            }
        }
        let init = began.elapsed();
        Ok(Self { api, child, init })
    }

    /// Lets it serve an event of an invocation that lasts so long.
    pub async fn invoke(&mut self, event: &str, lasts: Duration) -> Result<Answer, RuntimeError> {
        let answer = timeout(PATIENCE + lasts, self.api.invoke(event, lasts)).await;
        match answer.ok().flatten() {
            Some(answer) => Ok(answer),
            None => Err(RuntimeError::Late("answer", String::new())),
        }
    }

    /// Resident memory, in bytes, as the system counts it.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Ends it, and gives what it said.
    pub async fn stop(self) -> String {
        said(self.child).await
    }
}

/// What a process said until its end, which this is.
async fn said(mut child: Child) -> String {
    // It may have ended by itself.
    let _ = child.start_kill();
    let mut text = String::new();
    if let Some(out) = &mut child.stdout {
        let _ = out.read_to_string(&mut text).await;
    }
    if let Some(errors) = &mut child.stderr {
        let _ = errors.read_to_string(&mut text).await;
    }
    text
}
