//! Reads what a request brings: query parameters, headers and bodies, each strictly.

use crate::refuse::Refused;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use lattice_journal::RunStatus;
use lattice_model::limits::{
    BODY_DRAIN_BYTES_MAX, BODY_DRAIN_MS_MAX, JSON_INTEGER_MAX, REQUEST_BODY_MS_MAX,
};
use lattice_model::{Hash, Millis, Seq};
use lattice_wire::codes::{
    BODY_BROKEN, BODY_SHAPE, BODY_SLOW, BODY_TOO_LARGE, CONTENT_TYPE as WRONG_TYPE, HEADER,
    NOT_JSON, QUERY,
};
use lattice_wire::{BodyKind, BodySpec, In, ParamKind, Route};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The query parameters of a request, known to be those of the route, each once.
#[derive(Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the parameters; one that the route does not have is refused, because it would be ignored.
    pub fn read(route: &Route, uri: &Uri) -> Result<Self, Refused> {
        let known: Vec<&str> = route
            .params
            .iter()
            .filter(|param| param.at == In::Query)
            .map(|param| param.name)
            .collect();
        let mut found = BTreeMap::new();
        if route
            .params
            .iter()
            .any(|param| param.kind == ParamKind::Free)
        {
            // They are the sender's own, and whoever takes them reads them as they came.
            return Ok(Self::default());
        }
        let query = uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, value) = (name.into_owned(), value.into_owned());
            if !known.contains(&name.as_str()) {
                let help = match known.is_empty() {
                    true => "this path takes none".to_owned(),
                    false => format!("this path takes {}", known.join(", ")),
                };
                let name = clip(&name);
                return Err(wrong(format!("there is no query parameter `{name}`"), help));
            }
            if found.insert(name.clone(), value).is_some() {
                return Err(wrong(
                    format!("the query parameter `{name}` stands twice"),
                    "send it once",
                ));
            }
        }
        Ok(Self(found))
    }

    /// A parameter as it is.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A seq.
    pub fn seq(&self, name: &str) -> Result<Option<Seq>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        seq(text)
            .map(Some)
            .ok_or_else(|| bad(name, text, "a whole number from 0"))
    }

    /// The seq of an event that is there.
    pub fn place(&self, name: &str) -> Result<Option<Seq>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let place = seq(text).filter(|seq| *seq > Seq::ZERO);
        place
            .map(Some)
            .ok_or_else(|| bad(name, text, "a whole number from 1"))
    }

    /// How many at most, by the route's own ceiling and default.
    pub fn limit(&self, route: &Route) -> Result<usize, Refused> {
        let bounds = route.params.iter().find_map(|param| match param.kind {
            ParamKind::Limit(max, default) => Some((max, default)),
            _ => None,
        });
        let (max, default) = bounds.unwrap_or((1, 1));
        let Some(text) = self.text("limit") else {
            return Ok(default);
        };
        let number = digits(text).filter(|number| (1..=max as u64).contains(number));
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| bad("limit", text, &format!("a whole number from 1 to {max}")))
    }

    /// How a run stands.
    pub fn status(&self, name: &str) -> Result<Option<RunStatus>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let found = RunStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == text);
        let words = RunStatus::ALL.map(RunStatus::as_str).join(", ");
        found
            .map(Some)
            .ok_or_else(|| bad(name, text, &format!("one of {words}")))
    }

    /// A moment.
    pub fn moment(&self, name: &str) -> Result<Option<Millis>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let moment = Millis::from_rfc3339(text);
        let like = "a moment in UTC such as 2026-01-31T12:00:00Z";
        moment.map(Some).ok_or_else(|| bad(name, text, like))
    }

    /// A version.
    pub fn version(&self, name: &str) -> Result<Option<Hash>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let version = Hash::try_from(text.to_owned()).ok();
        version
            .map(Some)
            .ok_or_else(|| bad(name, text, "64 hexadecimal digits"))
    }

    /// An id as ids are written, or the cursor that is one.
    pub fn id(&self, name: &str) -> Result<Option<&str>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match lattice_document::id_is_legal(text) {
            true => Ok(Some(text)),
            false => Err(bad(name, text, "letters, digits, `_`, `.` or `-`")),
        }
    }
}

/// A seq in a text: digits only, as an SSE id or a query has it.
pub fn seq(text: &str) -> Option<Seq> {
    let number = digits(text).filter(|number| *number <= JSON_INTEGER_MAX);
    number.map(Seq::from_stored)
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn wrong(detail: impl Into<String>, help: impl Into<String>) -> Refused {
    Refused::new(QUERY, detail, help)
}

fn bad(name: &str, text: &str, wanted: &str) -> Refused {
    let text = clip(text);
    wrong(format!("`{name}` is `{text}`"), format!("give {wanted}"))
}

/// What somebody sent, cut for a sentence.
fn clip(text: &str) -> String {
    text.chars().take(100).collect()
}

/// One header as a text; several of one name are refused.
pub fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refused> {
    let mut all = headers.get_all(name).iter();
    let first = all.next().map(|value| value.to_str());
    match (first, all.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => {
            let detail = format!("the header `{name}` stands twice or is not a plain text");
            Err(Refused::new(HEADER, detail, "send it once"))
        }
    }
}

/// Reads the body of a request, within its size and time. `None` if there is none and none is needed.
pub async fn body(
    spec: &BodySpec,
    headers: &HeaderMap,
    mut body: Body,
) -> Result<Option<Bytes>, Refused> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_raw = matches!(spec.kind, BodyKind::Raw);
    let typed = is_raw || is_json(headers);
    let limit = Duration::from_millis(REQUEST_BODY_MS_MAX);
    let collected = match length.is_some_and(|length| length > spec.bytes_max as u64) {
        true => Ok(Ok(None)),
        false => tokio::time::timeout(limit, collect(&mut body, spec.bytes_max)).await,
    };
    let bytes = match collected {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => {
            drain(body).await;
            return Err(too_large(spec));
        }
        Ok(Err(error)) => {
            let code = if is_raw { BODY_BROKEN } else { NOT_JSON };
            let detail = format!("the body broke off: {error}");
            return Err(Refused::new(code, detail, "send it again, whole"));
        }
        Err(_) => {
            let detail = format!("the body did not come within {REQUEST_BODY_MS_MAX} ms");
            let help = "send it again, faster";
            return Err(Refused::new(BODY_SLOW, detail, help).header("connection", "close"));
        }
    };
    if bytes.is_empty() && !spec.required && !is_raw {
        return Ok(None);
    }
    if !typed {
        let help = "send JSON with `Content-Type: application/json`";
        return Err(Refused::new(
            WRONG_TYPE,
            "the body is not declared as JSON",
            help,
        ));
    }
    Ok(Some(bytes))
}

/// The whole body; `None` if it is longer than `most`.
async fn collect(body: &mut Body, most: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Some(bytes.freeze()))
}

/// Reads on for a while and throws it away: many clients hear an answer only once they have sent all.
async fn drain(mut body: Body) {
    let reading = async {
        let mut left = BODY_DRAIN_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(bytes);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(BODY_DRAIN_MS_MAX), reading).await;
}

fn too_large(spec: &BodySpec) -> Refused {
    let detail = format!("the body has more than {} bytes", spec.bytes_max);
    Refused::new(BODY_TOO_LARGE, detail, "send less").header("connection", "close")
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(text)), None) = (types.next().map(|value| value.to_str()), types.next()) else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|part| part.is_empty() || part.eq_ignore_ascii_case("charset=utf-8"))
}

/// Nesting at which the JSON reader stops.
const JSON_READ_DEPTH: usize = 128;

/// The body as JSON.
pub fn value(bytes: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The only thing that the reader says of JSON that is JSON.
        if error.to_string().starts_with("recursion limit") {
            let detail = format!("the body is nested deeper than {JSON_READ_DEPTH} levels");
            return Refused::new(BODY_SHAPE, detail, "flatten it");
        }
        Refused::new(
            NOT_JSON,
            format!("the body is not JSON: {error}"),
            "send one JSON value",
        )
    })
}

/// The body as what the route takes.
pub fn shape<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let value = value(bytes)?;
    // A list would be taken for the fields in their order.
    if !value.is_object() {
        let help = "`GET /openapi.json` describes the body";
        return Err(Refused::new(
            BODY_SHAPE,
            "the body is not a JSON object",
            help,
        ));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let said = error.into_inner();
        let detail = match path.as_str() {
            "." => format!("the body does not fit: {said}"),
            path => format!("the body does not fit at `{path}`: {said}"),
        };
        Refused::new(
            BODY_SHAPE,
            clip_long(&detail),
            "`GET /openapi.json` describes the body",
        )
    })
}

fn clip_long(text: &str) -> String {
    text.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_is_digits_and_nothing_else() {
        assert_eq!(seq("0"), Some(Seq::ZERO));
        assert_eq!(seq("12"), Some(Seq::from_stored(12)));
        for wrong in ["", "-1", "+1", "1.0", "1e3", " 1", "x", "9007199254740992"] {
            assert_eq!(seq(wrong), None, "{wrong}");
        }
    }
}
