//! Webhooks: whoever proves to be the sender that a trigger waits for starts a run.

use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json};
use crate::triggers::{Ready, no_trigger, start_key};
use crate::view::value;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lattice_driver::{DriverError, StartRequest};
use lattice_ir::{TriggerKind, Webhook, WebhookAuth};
use lattice_journal::EventBody;
use lattice_journal::payload::{RunQueued, TriggerFired};
use lattice_model::{RunId, Secret, Seq, TriggerId};
use lattice_ports::{Clock, PortError, RunLog, Secrets, TriggerRow};
use lattice_webhook::{Accepted, ProofError, Request, verify};
use lattice_wire::ErrorCode;
use lattice_wire::codes::{
    BODY_TOO_LARGE, HEADER, HOOK_BODY, HOOK_PROOF, HOOK_REPLAYED, HOOK_STALE, HOOK_TYPE, INPUT,
    KEY_REUSED, NO_METHOD,
};
use lattice_wire::shapes::Started;
use serde_json::Value;

/// Takes a webhook.
pub async fn take<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let turn = api.hooks.try_acquire();
    let _turn = turn.map_err(|_| Refused::busy("too many webhooks come at once"))?;
    let id = TriggerId::new(call.id.as_str());
    let Ready { row, plan, on } = api.ready(&id).await?;
    let TriggerKind::Webhook(webhook) = on else {
        return Err(no_trigger(&call.id));
    };
    let name = webhook.authentication.secret();
    let secret = match api.secrets.resolve(&row.tenant, name).await {
        Ok(secret) => secret,
        Err(PortError::Missing { help, .. }) => {
            warn_owner(&row, name, &help);
            Secret::new(String::new())
        }
        Err(error) => return Err(error.into()),
    };
    let headers = headers(&call.headers);
    let request = Request {
        method: call.route.method.as_str(),
        headers: &headers,
        query: &call.raw_query,
        body: call.body.as_deref().unwrap_or_default(),
    };
    let now = api.driver.clock().now();
    let accepted = verify(&webhook, secret.expose(), &request, now).map_err(|refused| {
        if refused == lattice_webhook::Refused::Proof(ProofError::BadSecret) {
            warn_owner(&row, name, "it is not of the kind that the scheme needs");
        }
        refuse(&refused)
    })?;
    let Accepted {
        input,
        delivery,
        signed_at,
        key,
    } = accepted;
    let fired = TriggerFired {
        node: row.node,
        id: id.clone(),
        delivery,
        at: signed_at,
    };
    let request = StartRequest {
        tenant: row.tenant,
        plan,
        input: input.clone(),
        key: key.map(|key| start_key(&id, &key)),
        trigger: Some(fired.clone()),
    };
    match api.driver.start(request).await {
        Ok(new) if !new.known => started(new.run, false),
        Ok(known) => again(api, known.run, &webhook, &fired, None).await,
        // A repeated delivery may have other headers, and those stand in the input.
        Err(DriverError::KeyReused { run }) => {
            // What is stored is redacted.
            let input = api.driver.redacted(input);
            again(api, run, &webhook, &fired, Some(&input["body"])).await
        }
        Err(error) => Err(error.into()),
    }
}

fn started(run_id: RunId, known: bool) -> Done {
    let status = match known {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    json(status, &Started { run_id, known })
}

/// A delivery whose run is there: sent again by its sender, or by somebody who kept it.
// INVARIANT: what is the same down to the signed moment is a replay. Only a newer signature, or a key
// that the sender chose for repeating, makes it a retry.
async fn again<E: Parts>(
    api: &Api<E>,
    run: RunId,
    webhook: &Webhook,
    fired: &TriggerFired,
    body: Option<&Value>,
) -> Done {
    let first = first(api, &run).await?;
    let signed_before = first.trigger.and_then(|trigger| trigger.at);
    let is_retry = match &webhook.authentication {
        WebhookAuth::HmacSha256 { .. } => false,
        WebhookAuth::StandardWebhooks { .. } => fired.at > signed_before,
        WebhookAuth::ApiKey { .. } => true,
    };
    if !is_retry {
        let detail = "the very same webhook came before, and started its run then";
        let help = "sign each attempt anew, under the same id if it is a repetition";
        return Err(proof(HOOK_REPLAYED, detail, help));
    }
    if let Some(body) = body
        && value(api.store(), &first.input).await?["body"] != *body
    {
        let detail = "the delivery's id belongs to another one, which had another body";
        let help = "give each delivery an id of its own";
        return Err(Refused::new(KEY_REUSED, detail, help));
    }
    started(run, true)
}

/// How a run began.
async fn first<E: Parts>(api: &Api<E>, run: &RunId) -> Result<RunQueued, Refused> {
    let page = api.store().page(run, Seq::ZERO, 1).await?;
    let first = page.into_iter().flat_map(|commit| commit.events).next();
    match first.map(|event| event.body) {
        Some(EventBody::RunQueued(queued)) => Ok(queued),
        _ => Err(Refused::internal(format!("run `{run}` does not begin"))),
    }
}

fn proof(code: ErrorCode, detail: &str, help: &str) -> Refused {
    Refused::new(code, detail, help).header("www-authenticate", "Signature")
}

/// No word of how near it came, nor of whether there is a secret.
fn unproven(said: &str) -> Refused {
    let help = "send the proof that the trigger asks for: `GET /v1/hooks` says which";
    proof(HOOK_PROOF, said, help)
}

fn refuse(refused: &lattice_webhook::Refused) -> Refused {
    use lattice_webhook::Refused as No;
    let said = refused.to_string();
    match refused {
        No::Method { allowed } => {
            let allowed = allowed.join(", ");
            Refused::new(NO_METHOD, said, "let the sender use one of them")
                .header("allow", &allowed)
        }
        No::ContentType { .. } => Refused::new(HOOK_TYPE, said, "let the sender say and send that"),
        No::TooLarge { .. } => Refused::new(BODY_TOO_LARGE, said, "send less"),
        No::Proof(_) => unproven(&said),
        No::Stale => proof(
            HOOK_STALE,
            &said,
            "sign each attempt when it is sent, and look at the clock",
        ),
        No::Delivery { .. } => Refused::new(HEADER, said, "send it once, and not empty"),
        No::Payload { .. } => Refused::new(HOOK_BODY, said, "mend the sender"),
        No::Schema(_) => {
            let help = "what the trigger takes stands under `schema` in its workflow";
            Refused::new(INPUT, said, help)
        }
    }
}

/// Tells the owner of a trigger that nobody can prove anything to it; the sender learns no more than
/// a stranger.
fn warn_owner(row: &TriggerRow, secret: &str, help: &str) {
    let (trigger, tenant) = (&row.id, &row.tenant);
    let (workflow, node) = (&row.workflow, &row.node);
    tracing::error!(
        %trigger, %tenant, %workflow, %node, secret, help,
        "a webhook is refused because its secret cannot be used"
    );
}

/// The header fields as text; a value that is none is refused by whoever needs it.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    headers.iter().map(text).collect()
}
