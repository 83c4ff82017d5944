//! What a function is told through its environment. Every problem is named at once, each with its
//! variable and what to set it to.

use lattice_effects::{ConfigError, ProviderConfig};
use lattice_model::Secret;
use std::collections::BTreeMap;
use std::fmt;

/// Variables, as the process was given them.
pub type Environment = BTreeMap<String, String>;

/// The functions, by their folders in `functions/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Compiles documents.
    Compile,
    /// Starts runs and stores workflows.
    Start,
    /// Answers, cancels, reads.
    Signal,
    /// Streams events.
    Stream,
    /// Carries runs on.
    Step,
    /// Finds what nobody looks at.
    Sweep,
}

impl Role {
    /// The name of its folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Start => "start",
            Self::Signal => "signal",
            Self::Stream => "stream",
            Self::Step => "step",
            Self::Sweep => "sweep",
        }
    }

    /// Whether it answers requests of people, who have to say who they are.
    const fn has_callers(self) -> bool {
        matches!(
            self,
            Self::Compile | Self::Start | Self::Signal | Self::Stream
        )
    }
}

/// What every function is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The table.
    pub table: String,
    /// The bucket.
    pub bucket: String,
    /// The queue of steps.
    pub queue_url: String,
    /// `dev`, `staging` or `prod`.
    pub deployment: String,
    /// For how long a run is kept after it ends.
    pub keep_days: u32,
    /// What the names of tenants' secrets begin with.
    pub secrets_prefix: String,
    /// How much is logged, as `tracing` filters say it.
    pub log: String,
    /// Who may call; of functions that answer requests.
    pub callers: Option<Callers>,
    /// How schedules are armed; of the function that stores workflows.
    pub schedules: Option<ScheduleSettings>,
}

/// Which tokens are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callers {
    /// Who must have issued a token.
    pub issuer: String,
    /// Whom a token must be for.
    pub audience: String,
    /// The claim that names the tenant.
    pub tenant_claim: String,
    /// The issuer's keys.
    pub keys: Keys,
}

/// Where the issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Here: the text of a JSON Web Key Set.
    Text(String),
    /// There.
    Url(String),
}

/// How schedules are armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// The group that they are in.
    pub group: String,
    /// The role under which they call the target.
    pub role_arn: String,
    /// What they call: the function `start`.
    pub target_arn: String,
    /// Where firings go that nobody took.
    pub dead_letter_arn: Option<String>,
}

/// What is wrong with the environment, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError(pub Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the function cannot start: {}", self.0.join("; "))
    }
}

const DEPLOYMENTS: [&str; 3] = ["dev", "staging", "prod"];
const KEEP_DAYS_DEFAULT: u32 = 30;
const KEEP_DAYS_MAX: u32 = 3_650;
const TENANT_CLAIM_DEFAULT: &str = "tenant";

impl Settings {
    /// Reads what a function of this role needs.
    pub fn read(role: Role, environment: &Environment) -> Result<Self, SettingsError> {
        let mut reader = Reader {
            environment,
            problems: Vec::new(),
        };
        let settings = Self {
            table: reader.required("LATTICE_TABLE", "the name of the stack's DynamoDB table"),
            bucket: reader.required("LATTICE_BUCKET", "the name of the stack's S3 bucket"),
            queue_url: reader.required("LATTICE_QUEUE_URL", "the URL of the stack's queue `steps`"),
            deployment: reader.deployment(),
            keep_days: reader.keep_days(),
            secrets_prefix: reader.required(
                "LATTICE_SECRETS_PREFIX",
                "what the names of the tenants' secrets begin with",
            ),
            log: reader
                .optional("LATTICE_LOG")
                .unwrap_or_else(|| "info".to_owned()),
            callers: role.has_callers().then(|| reader.callers()),
            schedules: (role == Role::Start).then(|| ScheduleSettings {
                group: reader.required("LATTICE_SCHEDULE_GROUP", "the stack's schedule group"),
                role_arn: reader.required(
                    "LATTICE_SCHEDULE_ROLE_ARN",
                    "the role under which schedules call the function `start`",
                ),
                target_arn: reader.required("LATTICE_START_ARN", "the ARN of the function `start`"),
                dead_letter_arn: reader.optional("LATTICE_SCHEDULE_DEAD_ARN"),
            }),
        };
        match reader.problems.is_empty() {
            true => Ok(settings),
            false => Err(SettingsError(reader.problems)),
        }
    }
}

/// The name of the secret that holds the model provider's key, if one is set.
pub fn key_secret(environment: &Environment) -> Option<String> {
    let reader = Reader {
        environment,
        problems: Vec::new(),
    };
    reader.optional("LATTICE_PROVIDER_KEY_SECRET")
}

/// The model provider, as on a laptop, but for its key: that comes from the secret store, and is
/// never in the environment.
pub fn provider(
    environment: &Environment,
    key: Option<Secret<String>>,
) -> Result<ProviderConfig, SettingsError> {
    let mut environment = environment.clone();
    if environment.remove("OPENAI_API_KEY").is_some() {
        return Err(SettingsError(vec![
            "`OPENAI_API_KEY` stands in the environment, where everybody who may look at the \
             function sees it; take it out, keep the key in Secrets Manager, and set \
             `LATTICE_PROVIDER_KEY_SECRET` to the secret's name"
                .to_owned(),
        ]));
    }
    if let Some(key) = key {
        environment.insert("OPENAI_API_KEY".to_owned(), key.expose().trim().to_owned());
    }
    ProviderConfig::from_settings(&environment, None).map_err(|error| {
        let said = match &error {
            ConfigError::Missing {
                name: "OPENAI_API_KEY",
                ..
            } => "the model provider `openai` needs a key; keep it in Secrets Manager, and set \
                  `LATTICE_PROVIDER_KEY_SECRET` to the secret's name"
                .to_owned(),
            other => other.to_string(),
        };
        SettingsError(vec![said])
    })
}

struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        let value = self.environment.get(name).map(|value| value.trim());
        value
            .filter(|value| !value.is_empty())
            .map(ToOwned::to_owned)
    }

    fn required(&mut self, name: &str, what: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems
                .push(format!("`{name}` is not set; set it to {what}"));
            String::new()
        })
    }

    fn deployment(&mut self) -> String {
        let found = self.required("LATTICE_STAGE", "`dev`, `staging` or `prod`");
        if !found.is_empty() && !DEPLOYMENTS.contains(&found.as_str()) {
            self.problems.push(format!(
                "`LATTICE_STAGE` is `{found}`; set it to `dev`, `staging` or `prod`"
            ));
        }
        found
    }

    fn keep_days(&mut self) -> u32 {
        let Some(text) = self.optional("LATTICE_KEEP_DAYS") else {
            return KEEP_DAYS_DEFAULT;
        };
        let days = text.parse().ok();
        let days = days.filter(|days| (1..=KEEP_DAYS_MAX).contains(days));
        days.unwrap_or_else(|| {
            self.problems.push(format!(
                "`LATTICE_KEEP_DAYS` is `{text}`; set it to a number of days from 1 to {KEEP_DAYS_MAX}"
            ));
            KEEP_DAYS_DEFAULT
        })
    }

    fn callers(&mut self) -> Callers {
        let issuer = self.required(
            "LATTICE_JWT_ISSUER",
            "who issues your callers' tokens (`iss`)",
        );
        let audience = self.required(
            "LATTICE_JWT_AUDIENCE",
            "whom your callers' tokens are for (`aud`)",
        );
        let tenant_claim = self
            .optional("LATTICE_JWT_TENANT_CLAIM")
            .unwrap_or_else(|| TENANT_CLAIM_DEFAULT.to_owned());
        Callers {
            issuer,
            audience,
            tenant_claim,
            keys: self.keys(),
        }
    }

    fn keys(&mut self) -> Keys {
        let url = match (
            self.optional("LATTICE_JWKS"),
            self.optional("LATTICE_JWKS_URL"),
        ) {
            (Some(text), _) => return Keys::Text(text),
            (None, url) => url.unwrap_or_default(),
        };
        if url.is_empty() {
            self.problems.push(
                "neither `LATTICE_JWKS_URL` nor `LATTICE_JWKS` is set; set the first to the \
                 address of your issuer's `jwks.json`"
                    .to_owned(),
            );
        } else if !is_trusted(&url) {
            self.problems.push(format!(
                "`LATTICE_JWKS_URL` is `{url}`; keys that travel unencrypted can be exchanged on \
                 their way, so set it to an `https` address"
            ));
        }
        Keys::Url(url)
    }
}

/// Whether what comes from there is what was sent: encrypted, or from this very machine.
fn is_trusted(url: &str) -> bool {
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(six) => six.split(']').next(),
            None => authority.split(':').next(),
        };
        host.unwrap_or_default().to_owned()
    };
    match url.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => matches!(host(rest).as_str(), "localhost" | "127.0.0.1" | "::1"),
        _ => false,
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
