//! A small server that speaks the chat completions wire format, for tests: it answers, misbehaves
//! on request, and counts how often each effect was applied.
//!
//! `behaviour` lists what it can do to a client, `chat` writes the bodies, `http` reads requests and
//! writes responses by hand, because a well-behaved server library could not misbehave.

mod behaviour;
mod chat;
mod http;

pub use behaviour::Behaviour;
pub use http::Seen;

use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// How the server is set up.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// A repeated `Idempotency-Key` gets the stored answer, and the effect is applied once.
    pub honour_keys: bool,
    /// From the applied effect to the first byte of the answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            honour_keys: true,
            latency: Duration::ZERO,
        }
    }
}

/// A running server. Dropping it ends it and every connection.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) options: Options,
    script: Mutex<VecDeque<Behaviour>>,
    counts: Mutex<BTreeMap<String, u64>>,
    stored: Mutex<BTreeMap<String, String>>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ModelServer {
    /// Starts on 127.0.0.1.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            options,
            script: Mutex::default(),
            counts: Mutex::default(),
            stored: Mutex::default(),
            seen: Mutex::default(),
            connections: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// The base URL, up to `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Sets what happens to the next questions, one each; after that each gets an answer.
    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        lock(&self.state.script).extend(behaviours);
    }

    /// How often the effect of each key was applied.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.state.counts).clone()
    }

    /// The questions so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// The connections so far.
    pub fn connections(&self) -> u64 {
        *lock(&self.state.connections)
    }

    /// Serves until the process ends.
    pub async fn wait(mut self) {
        // The task ends only with the process; a panic in it ends the waiting too.
        let _ = (&mut self.task).await;
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // Dropped with this task, and with it every connection.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        *lock(&state.connections) += 1;
        connections.spawn(http::serve(stream, Arc::clone(&state)));
    }
}

impl State {
    fn next_behaviour(&self) -> Behaviour {
        lock(&self.script).pop_front().unwrap_or(Behaviour::Made)
    }

    fn see(&self, seen: Seen) {
        lock(&self.seen).push(seen);
    }

    /// Applies the effect: counts it and keeps its answer, or gives the answer that is kept.
    fn apply(&self, key: &str, answer: String) -> String {
        if self.options.honour_keys
            && let Some(stored) = lock(&self.stored).get(key)
        {
            return stored.clone();
        }
        *lock(&self.counts).entry(key.to_owned()).or_default() += 1;
        lock(&self.stored).insert(key.to_owned(), answer.clone());
        answer
    }

    fn counts_json(&self) -> String {
        json!(*lock(&self.counts)).to_string()
    }
}
