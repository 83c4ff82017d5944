//! All that a path needs: the stack, callers, the model server, and the runs that were acknowledged.

use super::client::Api;
use super::processes;
use super::wrong::{Wrong, must, want, wrong};
use crate::clock::Clock;
use crate::deploy::{ALL_SCOPES, Admin, Issuer, Stack};
use crate::proxy::Proxy;
use lattice_journal::Event;
use lattice_model::limits::PAGE_EVENTS_MAX;
use lattice_model_server::ModelServer;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The provider's key: only the functions may read it, and only out of its secret.
pub const PROVIDER_KEY: &str = "cloud-test-provider-key";
/// The tenant of almost everything.
pub const TENANT: &str = "acme";
/// How long a run may take to get somewhere, with all the processes that start for it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks. The template allows 50 requests a second.
const POLL: Duration = Duration::from_millis(100);

/// The stack under test and all around it.
#[derive(Debug)]
pub struct World {
    /// An operator of the account.
    pub admin: Admin,
    /// What is deployed.
    pub stack: Stack,
    /// A caller with every scope.
    pub api: Api,
    /// Who issues tokens.
    pub issuer: Issuer,
    /// Between the functions and the engine.
    pub proxy: Proxy,
    /// Who answers model calls.
    pub models: ModelServer,
    /// The program of the stream function.
    pub stream_program: PathBuf,
    /// The clock of the engine and its functions, if it can be set.
    pub clock: Option<Clock>,
    /// The table's name.
    pub table: String,
    /// The URL of the queue of steps.
    pub queue: String,
    /// Where its given-up messages go.
    pub dead: String,
    runs: Mutex<Vec<String>>,
}

/// What is put together elsewhere.
#[derive(Debug)]
pub struct Parts {
    /// See [`World`].
    pub admin: Admin,
    /// See [`World`].
    pub stack: Stack,
    /// See [`World`].
    pub issuer: Issuer,
    /// See [`World`].
    pub proxy: Proxy,
    /// See [`World`].
    pub models: ModelServer,
    /// See [`World`].
    pub stream_program: PathBuf,
    /// See [`World`].
    pub clock: Option<Clock>,
}

impl World {
    /// Puts it together, and looks up where things are.
    pub async fn new(parts: Parts) -> Result<Self, Wrong> {
        let Parts {
            admin,
            stack,
            issuer,
            proxy,
            models,
            stream_program,
            clock,
        } = parts;
        let environment = stack.environment("step").await?;
        let read = |name: &str| environment.get(name).cloned().unwrap_or_default();
        let (table, queue) = (read("LATTICE_TABLE"), read("LATTICE_QUEUE_URL"));
        let asked = json!({"AttributeNames": ["RedrivePolicy"]});
        let attributes = admin.queue("GetQueueAttributes", &queue, asked).await?;
        let policy = attributes["Attributes"]["RedrivePolicy"].as_str();
        let policy: Value = serde_json::from_str(policy.unwrap_or_default()).unwrap_or_default();
        let dead = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
        let dead = dead.rsplit(':').next().unwrap_or_default();
        let asked = json!({ "QueueName": dead });
        let dead = admin.json("AmazonSQS.GetQueueUrl", &asked).await?;
        let dead = dead["QueueUrl"].as_str().unwrap_or_default().to_owned();
        let port = admin.authority().rsplit(':').next().unwrap_or_default();
        let host = stack.only("AWS::ApiGatewayV2::Api")?;
        let host = format!("{host}.execute-api.localhost:{port}");
        let api = Api::new(admin.authority(), &host);
        Ok(Self {
            api: api.with_token(&issuer.token(TENANT, ALL_SCOPES)?),
            admin,
            stack,
            issuer,
            proxy,
            models,
            stream_program,
            clock,
            table,
            queue,
            dead,
            runs: Mutex::default(),
        })
    }

    /// The runs that were acknowledged, in order.
    pub fn runs(&self) -> Vec<String> {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.clone()
    }

    /// A run was acknowledged: from now on it has to be there.
    pub fn acknowledged(&self, run: &str) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if !runs.iter().any(|known| known == run) {
            runs.push(run.to_owned());
        }
    }

    /// Stores a workflow under the id that it names; the answer.
    pub async fn store(&self, document: &Value) -> Result<Value, Wrong> {
        let id = document["id"].as_str().unwrap_or_default();
        let path = format!("/v1/workflows/{id}");
        let answer = self.api.put_new(&path, &document.to_string()).await?;
        want(201, &format!("storing `{id}`"), &answer)
    }

    /// Starts a run.
    pub async fn start(&self, workflow: &str, key: &str) -> Result<String, Wrong> {
        let body = json!({"workflowId": workflow, "idempotencyKey": key, "input": {}});
        let answer = self.api.post("/v1/runs", &body).await?;
        let started = want(201, "starting a run", &answer)?;
        let run = text(&started, "runId")?;
        self.acknowledged(&run);
        Ok(run)
    }

    /// Stores a workflow and starts a run of it.
    pub async fn run(&self, document: &Value) -> Result<String, Wrong> {
        self.store(document).await?;
        let id = document["id"].as_str().unwrap_or_default();
        self.start(id, &format!("key-{id}")).await
    }

    /// Waits until a run stands so.
    pub async fn until(&self, run: &str, status: &str) -> Result<(), Wrong> {
        let path = format!("/v1/runs/{run}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.api.get(&path).await?;
            let found = want(200, "reading a run", &answer)?;
            let found = text(&found, "status")?;
            let over = ["completed", "failed", "cancelled"].contains(&found.as_str());
            if found == status {
                return Ok(());
            }
            if over || Instant::now() > deadline {
                let why = self.events(run).await.map(|events| {
                    let last = events
                        .last()
                        .map(|event| serde_json::to_string(event).unwrap_or_default());
                    last.unwrap_or_default()
                });
                return wrong(format!(
                    "`{run}` is {found}, not {status}; its last event: {why:?}"
                ));
            }
            sleep(POLL).await;
        }
    }

    /// Answers a question with one of its options.
    pub async fn answer(&self, run: &str, value: &str, key: &str) -> Result<bool, Wrong> {
        let body = json!({"node": "ask", "value": value, "idempotencyKey": key});
        let answer = self
            .api
            .post(&format!("/v1/runs/{run}/signal"), &body)
            .await?;
        match answer.status {
            202 => Ok(false),
            200 => Ok(true),
            _ => want(202, "answering", &answer).map(|_| false),
        }
    }

    /// The whole log of a run as anybody may read it.
    pub async fn events(&self, run: &str) -> Result<Vec<Event>, Wrong> {
        match self.log(run).await? {
            Some(events) => Ok(events),
            None => wrong(format!("`{run}` is not there")),
        }
    }

    /// The same; `None` if there is no such run.
    pub async fn log(&self, run: &str) -> Result<Option<Vec<Event>>, Wrong> {
        let mut events: Vec<Event> = Vec::new();
        loop {
            let last = events.last().map_or(0, |event| event.seq.get());
            let path = format!("/v1/runs/{run}/events?lastSeq={last}&limit={PAGE_EVENTS_MAX}");
            let answer = self.api.get(&path).await?;
            if answer.status == 404 && events.is_empty() {
                return Ok(None);
            }
            let page = want(200, "reading a log", &answer)?;
            let read: Vec<Event> = serde_json::from_value(page["events"].clone())
                .map_err(|error| Wrong::Found(format!("a page of events: {error}")))?;
            must(!read.is_empty() || page["more"] != true, || {
                "a page without events says that there are more".to_owned()
            })?;
            events.extend(read);
            if page["more"] != true {
                return Ok(Some(events));
            }
        }
    }

    /// Kills the processes of a function; how many there were.
    pub fn kill(&self, function: &str) -> Result<usize, Wrong> {
        processes::kill(self.stack.function(function)?, &self.table)
    }

    /// Waits until something holds.
    pub async fn wait(
        &self,
        what: &str,
        mut holds: impl AsyncFnMut() -> Result<bool, Wrong>,
    ) -> Result<(), Wrong> {
        let deadline = Instant::now() + PATIENCE;
        while !holds().await? {
            if Instant::now() > deadline {
                return wrong(format!("{what} did not come about within {PATIENCE:?}"));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Messages in a queue, those out for delivery and delayed ones too.
    pub async fn waiting(&self, queue: &str) -> Result<u64, Wrong> {
        let asked = json!({"AttributeNames": ["All"]});
        let found = self.admin.queue("GetQueueAttributes", queue, asked).await?;
        let names = ["", "NotVisible", "Delayed"];
        let count = |name: &&str| {
            let name = format!("ApproximateNumberOfMessages{name}");
            let count = found["Attributes"][name].as_str();
            count.and_then(|count| count.parse::<u64>().ok())
        };
        Ok(names.iter().filter_map(count).sum())
    }

    /// Sets attributes of the queue of steps.
    pub async fn tune(&self, attributes: Value) -> Result<(), Wrong> {
        let body = json!({ "Attributes": attributes });
        self.admin
            .queue("SetQueueAttributes", &self.queue, body)
            .await?;
        Ok(())
    }

    /// An attribute of the queue of steps.
    pub async fn tuned(&self, name: &str) -> Result<String, Wrong> {
        let asked = json!({"AttributeNames": [name]});
        let found = self
            .admin
            .queue("GetQueueAttributes", &self.queue, asked)
            .await?;
        text(&found["Attributes"], name)
    }
}

/// A text that an answer has to have.
pub fn text(value: &Value, name: &str) -> Result<String, Wrong> {
    match value[name].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => wrong(format!("there is no `{name}` in `{value}`")),
    }
}
