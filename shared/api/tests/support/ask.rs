//! A request and its answer.

use super::token::{HOST, Issuer};
use super::{HERE, Reader};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;
use std::convert::Infallible;

/// A request; the token of the tenant `HERE` with every right goes with it, unless it says otherwise.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: String,
    /// The path with its id filled in.
    pub path: String,
    /// The id that is named, in the path or in the body.
    pub id: Option<String>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub token: Token,
    pub body: Sent,
}

#[derive(Debug, Clone)]
pub enum Token {
    /// A good one of this tenant.
    Of(&'static str),
    /// These `Authorization` headers.
    Raw(Vec<String>),
}

#[derive(Debug, Clone)]
pub enum Sent {
    Nothing,
    /// With its length.
    Whole(Vec<u8>),
    /// Without.
    Pieces(Vec<Vec<u8>>),
}

impl Ask {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            id: None,
            query: Vec::new(),
            headers: Vec::new(),
            token: Token::Of(HERE),
            body: Sent::Nothing,
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).json(body)
    }

    /// Stores a document under its id, where there is none.
    pub fn create(document: &Value) -> Self {
        Self::put(document).header("if-none-match", "*")
    }

    /// Stores a document over a revision.
    pub fn replace(document: &Value, etag: &str) -> Self {
        Self::put(document).header("if-match", etag)
    }

    /// Stores a document under its id, blindly.
    pub fn put(document: &Value) -> Self {
        let id = document["id"].as_str().unwrap();
        let path = format!("/v1/workflows/{id}");
        Self::new("PUT", &path).json(document).id(id)
    }

    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let same = |(found, _): &(String, String)| found.eq_ignore_ascii_case(name);
        self.headers.retain(|header| !same(header));
        self
    }

    #[must_use]
    pub fn of(mut self, tenant: &'static str) -> Self {
        self.token = Token::Of(tenant);
        self
    }

    #[must_use]
    pub fn authorization(mut self, values: &[&str]) -> Self {
        self.token = Token::Raw(values.iter().map(|value| (*value).to_owned()).collect());
        self
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        let ask = self.without("content-type");
        ask.header("content-type", "application/json")
            .bytes(body.to_string().into_bytes())
    }

    #[must_use]
    pub fn bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Sent::Whole(bytes.into());
        self
    }

    /// The same body in several pieces, its length unsaid.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        let pieces = self.text().chunks(60_000).map(<[u8]>::to_vec).collect();
        self.body = Sent::Pieces(pieces);
        self
    }

    /// Blanks behind the body until it is so long.
    #[must_use]
    pub fn padded(self, bytes: usize) -> Self {
        let mut body = self.text();
        assert!(body.len() <= bytes, "the body is too long to be padded");
        body.resize(bytes, b' ');
        self.bytes(body)
    }

    /// The same request for another thing.
    #[must_use]
    pub fn naming(mut self, other: &str) -> Self {
        let id = self.id.replace(other.to_owned()).unwrap();
        self.path = self.path.replace(&id, other);
        let text = String::from_utf8(self.text()).unwrap();
        if !text.is_empty() {
            self.body = Sent::Whole(text.replace(&id, other).into_bytes());
        }
        self
    }

    pub fn text(&self) -> Vec<u8> {
        match &self.body {
            Sent::Nothing => Vec::new(),
            Sent::Whole(bytes) => bytes.clone(),
            Sent::Pieces(pieces) => pieces.concat(),
        }
    }

    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.text()).unwrap()
    }

    pub(super) fn request(&self, issuer: &Issuer) -> Request<Body> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.query)
            .finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}{mark}{query}", self.path));
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let tokens = match &self.token {
            Token::Of(tenant) => vec![format!("Bearer {}", issuer.token(tenant))],
            Token::Raw(values) => values.clone(),
        };
        for token in tokens {
            request = request.header("authorization", token);
        }
        let body = match &self.body {
            Sent::Nothing => Body::empty(),
            Sent::Whole(bytes) => {
                request = request.header("content-length", bytes.len());
                Body::from(bytes.clone())
            }
            Sent::Pieces(pieces) => {
                let pieces = pieces.clone().into_iter().map(Bytes::from);
                let pieces = pieces.map(Ok::<_, Infallible>);
                Body::from_stream(futures::stream::iter(pieces))
            }
        };
        request.body(body).unwrap()
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub(super) async fn read(response: Response<Body>) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_stream = media(&headers) == lattice_wire::sse::MEDIA_TYPE;
        let body = match is_stream {
            true => Reader::new(response).first().await,
            false => response.into_body().collect().await.unwrap().to_bytes(),
        };
        Self {
            status,
            headers,
            body,
        }
    }

    /// The media type without its parameters; empty if there is none.
    pub fn media(&self) -> &str {
        media(&self.headers)
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(HeaderName::try_from(name).unwrap());
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// All that a caller can see, with an id taken out.
    pub fn without(&self, id: &str) -> (u16, Vec<(String, String)>, String) {
        let text = |value: &HeaderValue| value.to_str().unwrap().replace(id, "ID");
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
        let body = String::from_utf8(self.body.to_vec()).unwrap();
        // A length tells how long the id is, which its sender knows.
        let headers = headers.filter(|(name, _)| name != "content-length");
        (self.status, headers.collect(), body.replace(id, "ID"))
    }
}

fn media(headers: &HeaderMap) -> &str {
    let value = headers.get("content-type");
    let value = value.map_or("", |value| value.to_str().unwrap());
    value.split(';').next().unwrap_or_default()
}
