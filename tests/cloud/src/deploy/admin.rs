//! Speaks to the engine as an operator of the account would: stacks, functions, queues, logs. The
//! engine does not look at signatures, only at the service that they name.

use crate::http::{self, Answer, HttpError};
use serde_json::{Value, json};
use std::fmt::Write;

/// Some answers repeat the whole request.
const SAID_CHARS_MAX: usize = 1_000;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The engine cannot be reached.
    #[error("the engine does not answer: {0}")]
    Http(#[from] HttpError),
    /// The engine says no.
    #[error("`{asked}` was answered with {status}: {said}")]
    Refused {
        /// What was asked.
        asked: String,
        /// The status.
        status: u16,
        /// The answer.
        said: String,
    },
}

/// An operator at the engine.
#[derive(Debug, Clone)]
pub struct Admin {
    authority: String,
}

impl Admin {
    /// An operator at the engine at this address.
    pub fn new(endpoint: &str) -> Result<Self, HttpError> {
        let authority = http::authority(endpoint)?;
        Ok(Self { authority })
    }

    /// `host:port` of the engine.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// An operation of a service with the JSON protocol; `target` as its `X-Amz-Target`.
    pub async fn json(&self, target: &str, body: &Value) -> Result<Value, AdminError> {
        let service = match target.split(['.', '_']).next().unwrap_or_default() {
            "DynamoDB" => "dynamodb",
            "AmazonSQS" => "sqs",
            "Logs" => "logs",
            _ => "secretsmanager",
        };
        let content = "application/x-amz-json-1.0";
        let headers = [("x-amz-target", target), ("content-type", content)];
        let answer = self
            .send(service, "POST", "/", &headers, body.to_string())
            .await?;
        Ok(answer.json())
    }

    /// An operation of SQS on this queue.
    pub async fn queue(
        &self,
        operation: &str,
        url: &str,
        mut body: Value,
    ) -> Result<Value, AdminError> {
        body["QueueUrl"] = json!(url);
        self.json(&format!("AmazonSQS.{operation}"), &body).await
    }

    /// An operation of a service with the query protocol; its XML.
    pub async fn query(
        &self,
        service: &str,
        fields: &[(&str, &str)],
    ) -> Result<String, AdminError> {
        let mut form = String::from("Version=2010-05-15");
        for (name, value) in fields {
            // INVARIANT: writing to a String cannot fail.
            let _ = write!(form, "&{}={}", escaped(name), escaped(value));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send(service, "POST", "/", &headers, form).await?;
        Ok(answer.text())
    }

    /// An operation of a service with the REST protocol.
    pub async fn rest(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, AdminError> {
        let headers = [("content-type", "application/json")];
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = self.send(service, method, path, &headers, body).await?;
        Ok(answer.json())
    }

    /// Puts an object; without a key, makes the bucket.
    pub async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), AdminError> {
        self.send("s3", "PUT", path, &[], bytes).await?;
        Ok(())
    }

    async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<hyper::body::Bytes>,
    ) -> Result<Answer, AdminError> {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let mut all = vec![("host", self.authority.as_str())];
        all.push(("authorization", &signature));
        all.extend_from_slice(headers);
        let answer = http::send(&self.authority, http::request(method, path, &all, body)).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let target = headers.iter().find(|(name, _)| *name == "x-amz-target");
        let asked = target.map_or_else(
            || format!("{service} {method} {path}"),
            |(_, target)| (*target).to_owned(),
        );
        Err(AdminError::Refused {
            asked,
            status: answer.status,
            said: answer.text().chars().take(SAID_CHARS_MAX).collect(),
        })
    }
}

/// A value as a form has it (application/x-www-form-urlencoded).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            // INVARIANT: writing to a String cannot fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

/// The texts of all elements of this name, in order. Enough for the flat answers read here.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let after = xml.split(open.as_str()).skip(1);
    after
        .filter_map(|rest| rest.split_once(close.as_str()))
        .map(|(text, _)| plain(text))
        .collect()
}

/// The text behind the five entities of XML.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_and_read() {
        let xml = "<a><b>1</b><b>x &amp;lt; y</b><c>2</c></a>";
        assert_eq!(elements(xml, "b"), ["1", "x &lt; y"]);
        assert!(elements(xml, "d").is_empty());
    }

    #[test]
    fn a_form_holds_any_text() {
        assert_eq!(escaped("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
