//! A process of Lambda: what is made once, before the first event is asked for.

use crate::counts::{Counts, Teller};
use crate::invocation::{self, Invocation};
use crate::logs::{self, Labels};
use crate::queue::Traced;
use crate::settings::{Environment, Role, Settings, SettingsError, key_secret, provider};
use crate::trace::Trace;
use crate::watch::CommitLog;
use lambda_runtime::Context;
use lattice_aws::{
    AwsSecrets, AwsSettings, AwsStore, Clients, Http, SqsQueue, StoreSettings, SystemClock,
};
use lattice_driver::{Driver, Observer, Settings as DriverSettings};
use lattice_effects::Provider;
use lattice_model::BootId;
use lattice_policy::Redactor;
use lattice_ports::{Clock, Performer, PortError};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The driver of the functions that carry runs on.
pub type CloudDriver<P = Provider<AwsSecrets>> = Driver<AwsStore, Traced<SqsQueue>, P, SystemClock>;

/// Why a function cannot start. Lambda shows it in the log and tries again.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is not right.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Lambda's own part of the environment is not there.
    #[error(
        "the function cannot start: `{0}` is not set; Lambda sets it, elsewhere set it yourself"
    )]
    Lambda(&'static str),
    /// The provider's key cannot be read.
    #[error("the model provider's key cannot be read")]
    Key(#[source] PortError),
    /// The provider cannot be made ready.
    #[error("the model provider cannot be made ready")]
    Provider(#[from] lattice_effects::ConfigError),
    /// The system gives no clock or no chance.
    #[error("the system gives no random numbers")]
    Clock(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something that only this function needs.
    #[error("the function cannot start: {0}")]
    Own(String),
    /// The runtime broke off.
    #[error("the Lambda runtime broke off")]
    Runtime(#[source] lambda_runtime::Error),
}

/// What a process is made of.
pub struct Process {
    /// Its environment.
    pub environment: Environment,
    /// What its environment says.
    pub settings: Settings,
    /// Connections to AWS.
    pub clients: Clients,
    /// The connections themselves, for requests that are not to AWS.
    pub http: Http,
    /// The clock.
    pub clock: Arc<SystemClock>,
    /// What is counted.
    pub counts: Arc<Counts>,
    /// Takes secrets out of whatever is stored or logged.
    pub redactor: Arc<Redactor>,
}

impl Process {
    /// Reads the environment and starts logging. Nobody is called yet.
    pub fn start(role: Role) -> Result<Self, StartError> {
        let environment: Environment = std::env::vars().collect();
        Self::with(role, environment)
    }

    fn with(role: Role, environment: Environment) -> Result<Self, StartError> {
        let settings = Settings::read(role, &environment)?;
        let aws = AwsSettings::read(|name| environment.get(name).cloned());
        let aws = aws.map_err(StartError::Lambda)?;
        let labels = Labels {
            function: role.as_str(),
            deployment: settings.deployment.clone(),
        };
        let redactor = Arc::new(Redactor::new());
        logs::start(labels.clone(), &settings.log, &redactor);
        let http = Http::new();
        let clock = SystemClock::new().map_err(|error| StartError::Clock(error.into()))?;
        Ok(Self {
            clients: Clients::new(&aws, http.clone()),
            clock: Arc::new(clock),
            counts: Arc::new(Counts::new(labels)),
            http,
            environment,
            settings,
            redactor,
        })
    }

    /// Everything durable.
    pub fn store(&self) -> AwsStore {
        self.clients.store(&StoreSettings {
            table: self.settings.table.clone(),
            bucket: self.settings.bucket.clone(),
            keep_days: self.settings.keep_days,
        })
    }

    /// The tenants' secrets.
    pub fn secrets(&self) -> AwsSecrets {
        self.clients.secrets(self.settings.secrets_prefix.clone())
    }

    /// The model provider, with its key if it has one.
    pub async fn provider(&self) -> Result<Provider<AwsSecrets>, StartError> {
        let secrets = self.secrets();
        let key = match key_secret(&self.environment) {
            Some(name) => Some(secrets.named(&name).await.map_err(StartError::Key)?),
            None => None,
        };
        let config = provider(&self.environment, key)?;
        Ok(Provider::new(config, secrets)?)
    }

    /// A driver over everything, with this performer, watched by these.
    pub fn driver<P: Performer>(
        &self,
        performer: P,
        watchers: Vec<Arc<dyn Observer>>,
    ) -> CloudDriver<P> {
        let own: [Arc<dyn Observer>; 2] = [
            Arc::clone(&self.counts) as Arc<dyn Observer>,
            Arc::new(CommitLog),
        ];
        let watchers: Vec<_> = own.into_iter().chain(watchers).collect();
        let boot = u128::from_be_bytes(self.clock.fresh());
        let queue = self.clients.queue(self.settings.queue_url.clone());
        Driver::new(
            (Arc::new(self.store()), Arc::new(Traced(queue))),
            (Arc::new(performer), Arc::clone(&self.clock)),
            Arc::clone(&self.redactor),
            Arc::new(watchers),
            DriverSettings::new(BootId::new(format!("{boot:032x}"))),
        )
    }

    /// Tells what an invocation counted, with the calls to AWS beside it.
    pub fn teller(&self) -> Teller {
        let counter = self.clients.counter().clone();
        let beside = move || match serde_json::to_value(counter.reset()) {
            Ok(Value::Object(mut counted)) => {
                counted.retain(|_, counted| counted.as_object().is_some_and(|all| !all.is_empty()));
                counted
            }
            _ => Map::new(),
        };
        Teller::new(Arc::clone(&self.counts), Box::new(beside))
    }

    /// An invocation begins, as a part of this trace or of a new one.
    pub fn begin(&self, context: &Context, trace: Option<Trace>) {
        begin(&*self.clock, &context.request_id, trace);
    }

    /// The monotonic moment at which the invocation ends.
    pub fn until_ms(&self, context: &Context) -> u64 {
        let left_ms = context.deadline.saturating_sub(self.clock.now().get());
        self.clock.monotonic_ms().saturating_add(left_ms)
    }
}

/// An invocation begins, as a part of this trace or of a new one.
pub fn begin(clock: &impl Clock, request_id: &str, trace: Option<Trace>) {
    let trace = match trace {
        Some(trace) => trace.next(clock.fresh()),
        None => Trace::begin(clock.fresh()),
    };
    invocation::begin(Invocation {
        request_id: request_id.to_owned(),
        trace: Some(trace),
    });
}

/// Says in the log why a function did not start or broke off, and gives the code to leave with.
pub fn leave(ended: Result<(), StartError>) -> std::process::ExitCode {
    let Err(error) = ended else {
        return std::process::ExitCode::SUCCESS;
    };
    let mut said = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    // Logging may not have begun, and Lambda shows what stands on standard error.
    eprintln!("{said}");
    std::process::ExitCode::FAILURE
}
