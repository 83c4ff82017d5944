//! An issuer that changes its keys, under a clock that the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use lambda_http::http::header::AUTHORIZATION;
use lattice_api::JwtRules;
use lattice_issuer::{AUDIENCE, ISSUER, Issuer, TENANT_CLAIM};
use lattice_model::Millis;
use lattice_ports::memory::ManualClock;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex};

struct World {
    gate: Gate,
    clock: ManualClock,
    keys: Keys<ManualClock>,
    published: Arc<StdMutex<Result<String, FetchError>>>,
    asked: Arc<AtomicUsize>,
}

impl World {
    /// A gate that knows the keys of this issuer, which are published too.
    fn new(issuer: &Issuer) -> Self {
        let rules = JwtRules {
            keys: issuer.keys.clone(),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            tenant_claim: TENANT_CLAIM.to_owned(),
        };
        let published = Arc::new(StdMutex::new(Ok(issuer.keys.clone())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (there, count) = (Arc::clone(&published), Arc::clone(&asked));
        let fetch = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = there.lock().unwrap().clone();
            Box::pin(async move { answer }) as BoxFuture<'static, _>
        };
        let clock = ManualClock::new(Millis::new(1_795_341_600_000), 7);
        Self {
            gate: Gate::jwt(&rules).unwrap(),
            keys: Keys::new(Box::new(fetch), Arc::new(clock.clone())),
            clock,
            published,
            asked,
        }
    }

    /// The keys under other names, as an issuer publishes them that has turned to a new one.
    fn publish(&self, keys: &str, name: &str) {
        let mut set: Value = serde_json::from_str(keys).unwrap();
        set["keys"][0]["kid"] = json!(name);
        *self.published.lock().unwrap() = Ok(set.to_string());
    }

    async fn refresh(&self, headers: &HeaderMap) -> usize {
        self.keys.refresh(&self.gate, headers).await;
        self.asked.load(Ordering::SeqCst)
    }
}

/// A request whose token names this key.
fn request(issuer: &Issuer, key: &str) -> HeaderMap {
    let token = issuer.sign_as(Some(key), &json!({})).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers
}

#[tokio::test]
async fn a_key_that_is_not_known_is_asked_for_at_most_once_a_minute() {
    let issuer = Issuer::new().unwrap();
    let world = World::new(&issuer);
    let (known, new) = (
        request(&issuer, lattice_issuer::KEY),
        request(&issuer, "key-2"),
    );
    assert_eq!(world.refresh(&known).await, 0);
    // They were got just now, at the start of the process.
    assert_eq!(world.refresh(&new).await, 0);
    world.clock.advance(KEYS_AGAIN_MS_MIN);
    assert_eq!(world.refresh(&known).await, 0);
    assert_eq!(world.refresh(&new).await, 1);
    assert!(world.gate.lacks_key(&new));
    assert_eq!(world.refresh(&new).await, 1);
    world.publish(&issuer.keys, "key-2");
    world.clock.advance(KEYS_AGAIN_MS_MIN);
    assert_eq!(world.refresh(&new).await, 2);
    assert!(!world.gate.lacks_key(&new));
    assert!(world.gate.lacks_key(&known));
}

#[tokio::test]
async fn many_requests_with_the_same_new_key_ask_once() {
    let issuer = Issuer::new().unwrap();
    let world = World::new(&issuer);
    world.publish(&issuer.keys, "key-2");
    world.clock.advance(KEYS_AGAIN_MS_MIN);
    let new = request(&issuer, "key-2");
    let all = (0..8).map(|_| world.refresh(&new));
    futures::future::join_all(all).await;
    assert_eq!(world.asked.load(Ordering::SeqCst), 1);
    assert!(!world.gate.lacks_key(&new));
}

#[tokio::test]
async fn keys_grow_old_and_one_that_was_taken_back_goes() {
    let issuer = Issuer::new().unwrap();
    let world = World::new(&issuer);
    world.publish(&issuer.keys, "key-2");
    let known = request(&issuer, lattice_issuer::KEY);
    world.clock.advance(KEYS_AGE_MS_MAX - 1);
    assert_eq!(world.refresh(&known).await, 0);
    world.clock.advance(1);
    assert_eq!(world.refresh(&known).await, 1);
    assert!(world.gate.lacks_key(&known));
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_or_publishes_nonsense_changes_nothing() {
    let issuer = Issuer::new().unwrap();
    let world = World::new(&issuer);
    let known = request(&issuer, lattice_issuer::KEY);
    for (at, answer) in [
        Err(FetchError("no answer".to_owned())),
        Ok("{}".to_owned()),
        Ok(r#"{"keys":[]}"#.to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        *world.published.lock().unwrap() = answer;
        world.clock.advance(KEYS_AGE_MS_MAX);
        assert_eq!(world.refresh(&known).await, at + 1);
        assert!(!world.gate.lacks_key(&known));
    }
}
