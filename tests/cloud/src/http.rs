//! HTTP with nothing in between: one request, one connection. What a test says is what is sent.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any function may run, and than a long poll lasts.
const PATIENCE: Duration = Duration::from_secs(130);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not one.
    #[error("`{0}` is not an address such as `http://127.0.0.1:4566`")]
    Address(String),
    /// Nobody listens there.
    #[error("nobody listens at `{authority}`: {source}")]
    Connect {
        /// Where.
        authority: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// No answer in time.
    #[error("no answer within {PATIENCE:?}")]
    Late,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, by lower-case name; of several the last.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// `host:port` of a base address.
pub fn authority(base: &str) -> Result<String, HttpError> {
    let bad = || HttpError::Address(base.to_owned());
    let rest = base.strip_prefix("http://").ok_or_else(bad)?;
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.split_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            Ok(authority.to_owned())
        }
        _ => Err(bad()),
    }
}

/// Sends a request to `authority`; the answer's body is still to come.
pub async fn open(
    authority: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, HttpError> {
    let stream = TcpStream::connect(authority).await;
    let stream = stream.map_err(|source| HttpError::Connect {
        authority: authority.to_owned(),
        source,
    })?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the answer's body, or when that is dropped.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// Sends a request to `authority` and takes the whole answer.
pub async fn send(authority: &str, request: Request<Full<Bytes>>) -> Result<Answer, HttpError> {
    let whole = async {
        let (head, body) = open(authority, request).await?.into_parts();
        let headers = head.headers.iter();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: headers
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.as_str().to_owned(), value.into_owned())
                })
                .collect(),
            body: body.collect().await?.to_bytes(),
        })
    };
    timeout(PATIENCE, whole)
        .await
        .map_err(|_| HttpError::Late)?
}

/// A request with a body. Paths and headers are made here, so what cannot be sent is left out.
pub fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = method.parse().unwrap_or_default();
    *request.uri_mut() = path.parse().unwrap_or_default();
    for (name, value) in headers {
        let name = hyper::header::HeaderName::try_from(*name);
        let value = hyper::header::HeaderValue::try_from(*value);
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    request
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(authority("http://127.0.0.1:1/x").unwrap(), "127.0.0.1:1");
        for bad in [
            "127.0.0.1:1",
            "https://a:1",
            "http://a",
            "http://:1",
            "http://a:b",
        ] {
            assert!(authority(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_is_what_was_said() {
        let made = request("PUT", "/a?b=c", &[("x-a", "1"), ("x-a", "2")], "body");
        assert_eq!(made.method(), "PUT");
        assert_eq!(made.uri(), "/a?b=c");
        assert_eq!(made.headers().get_all("x-a").iter().count(), 2);
    }
}
