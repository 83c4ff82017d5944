//! Webhooks and schedules.

use super::callers::coded;
use crate::deploy::now_s;
use crate::drive::documents;
use crate::drive::world::{TENANT, World, text};
use crate::drive::wrong::{Wrong, must, want};
use crate::http::Answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lattice_model::limits::BODY_BYTES_MAX;
use ring::hmac;
use serde_json::{Value, json};

/// What both sides of the webhook know.
const KEY: &[u8] = b"a key of thirty-two bytes, at last";
const JSON: &str = "application/json";
/// Older than the five minutes within which a signature counts.
const STALE_S: u64 = 400;

/// A sender of webhooks, as the Standard Webhooks specification has it.
struct Sender<'a> {
    world: &'a World,
    path: String,
}

impl Sender<'_> {
    /// A delivery that is right, but for what is changed here.
    async fn send(
        &self,
        delivery: &str,
        at: u64,
        content: &str,
        signed: &str,
        body: &str,
    ) -> Result<Answer, Wrong> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
        let tag = hmac::sign(&key, format!("{delivery}.{at}.{signed}").as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(tag));
        let at = at.to_string();
        let headers = [
            ("content-type", content),
            ("webhook-id", delivery),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let api = self.world.api.without_token();
        api.send("POST", &self.path, &headers, body.to_owned())
            .await
    }
}

/// What both sides know, as the specification writes it.
pub(super) fn shared_secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

pub(super) async fn webhook(world: &World) -> Result<String, Wrong> {
    let saved = world.store(&hooked("hooked", "HOOK_KEY")).await?;
    let sender = Sender {
        world,
        path: text(&saved["hooks"][0], "path")?,
    };
    let body = r#"{"ticket": 7, "text": "late again"}"#;
    let now = now_s();
    // Nobody is let in before the owner has made the secret.
    let early = sender.send("msg-0", now, JSON, body, body).await?;
    coded(401, "LAT-A060", "without a secret", &early)?;
    let prefix = world.stack.environment("start").await?;
    let prefix = prefix
        .get("LATTICE_SECRETS_PREFIX")
        .cloned()
        .unwrap_or_default();
    let name = format!("{prefix}/{TENANT}/HOOK_KEY");
    let secret = shared_secret();
    let asked = json!({"Name": name, "SecretString": secret, "ClientRequestToken": "0123456789012345678901234567890123"});
    world
        .admin
        .json("secretsmanager.CreateSecret", &asked)
        .await?;
    // What is missing may be remembered for a short while.
    let mut good = sender.send("msg-1", now, JSON, body, body).await?;
    world
        .wait("the secret", async || {
            if good.status == 401 {
                good = sender.send("msg-1", now, JSON, body, body).await?;
            }
            Ok(good.status != 401)
        })
        .await?;
    let run = text(&want(202, "a good webhook", &good)?, "runId")?;
    world.acknowledged(&run);
    world.until(&run, "completed").await?;
    refused(world, &sender, body, now).await?;
    let retried = sender.send("msg-1", now + 1, JSON, body, body).await?;
    let retried = want(200, "a delivery that is sent again", &retried)?;
    must(retried["runId"] == run.as_str(), || {
        "one delivery, two runs".to_owned()
    })?;
    Ok("202, its run ended; sent again 200; 9 others refused".to_owned())
}

/// Every delivery that must not start anything.
async fn refused(world: &World, sender: &Sender<'_>, body: &str, now: u64) -> Result<(), Wrong> {
    let replayed = sender.send("msg-1", now, JSON, body, body).await?;
    coded(401, "LAT-A062", "a replayed webhook", &replayed)?;
    let other = r#"{"ticket":7,"text":"late again"}"#;
    let encoded = sender.send("msg-2", now, JSON, body, other).await?;
    coded(401, "LAT-A060", "a re-encoded webhook", &encoded)?;
    for at in [now - STALE_S, now + STALE_S] {
        let stale = sender.send("msg-3", at, JSON, body, body).await?;
        coded(401, "LAT-A061", "a stale webhook", &stale)?;
    }
    let typed = sender.send("msg-4", now, "text/plain", body, body).await?;
    coded(415, "LAT-A063", "a webhook of another type", &typed)?;
    let huge = format!("\"{}\"", "x".repeat(BODY_BYTES_MAX));
    let large = sender.send("msg-5", now, JSON, &huge, &huge).await?;
    coded(413, "LAT-A003", "a webhook of 1 MB and two bytes", &large)?;
    let api = world.api.without_token();
    let headers = [("content-type", JSON)];
    let unsigned = api
        .send("POST", &sender.path, &headers, body.to_owned())
        .await?;
    coded(401, "LAT-A060", "an unsigned webhook", &unsigned)?;
    let path = "/v1/hooks/tr_aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let nowhere = api.send("POST", path, &headers, body.to_owned()).await?;
    coded(404, "LAT-A024", "a webhook to nowhere", &nowhere)
}

/// A workflow that a webhook starts.
fn hooked(id: &str, secret: &str) -> Value {
    let authentication = json!({
        "type": "standard-webhooks", "secret": format!("{{{{secret.{secret}}}}}"),
    });
    let first = json!({"id": "hook", "type": "webhookTrigger", "settings": {
        "authentication": authentication,
        "schema": {"type": "object", "required": ["ticket"]},
    }});
    documents::from(id, first, vec![documents::prompt("read")])
}

/// How far ahead the schedule is: longer than it takes to arm it.
const SOON_S: u64 = 4;

pub(super) async fn schedule(world: &World) -> Result<String, Wrong> {
    let moment = moment(now_s() + SOON_S);
    let first = json!({"id": "clock", "type": "scheduleTrigger", "settings": {
        "expression": format!("at({moment})"), "input": {"topic": "news"},
    }});
    let document = documents::from("scheduled", first, vec![documents::prompt("read")]);
    let saved = world.store(&document).await?;
    let armed = saved["schedules"].as_array().map_or(0, Vec::len);
    must(armed == 1, || format!("{saved} has no schedule"))?;
    let mut run = String::new();
    world
        .wait("the schedule's run", async || {
            let path = "/v1/runs?workflow=scheduled";
            let runs = want(200, "runs of a schedule", &world.api.get(path).await?)?;
            run = runs["runs"][0]["runId"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            Ok(!run.is_empty())
        })
        .await?;
    world.acknowledged(&run);
    world.until(&run, "completed").await?;
    let runs = world.api.get("/v1/runs?workflow=scheduled").await?.json();
    let runs = runs["runs"].as_array().map_or(0, Vec::len);
    must(runs == 1, || format!("{runs} runs of one moment"))?;
    Ok(format!("at({moment}) started one run"))
}

/// A moment in UTC as EventBridge writes it, to the second.
fn moment(seconds: u64) -> String {
    let at = lattice_model::Millis::new(seconds * 1_000).to_string();
    at.split(['.', 'Z']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_eventbridge_has_it() {
        assert_eq!(moment(1_801_386_000), "2027-01-31T09:00:00");
    }
}
