//! Gets a text from the internet with the HTTP client that all calls to AWS go through.

use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::display::DisplayErrorContext;
use lattice_aws::Http;
use lattice_model::limits::KEYS_FETCH_MS_MAX;
use std::time::Duration;

/// Why a text could not be got, in the words of whoever noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// The text at an address, by a plain GET.
pub async fn fetch(http: Http, url: String) -> Result<String, FetchError> {
    let (origin, path) = split(&url);
    let (origin, path) = (origin.to_owned(), path.to_owned());
    let get = Operation::builder()
        .service_name("keys")
        .operation_name("get")
        .http_client(http)
        .endpoint_url(&origin)
        .no_auth()
        .no_retry()
        .serializer(move |(): ()| {
            let mut request = HttpRequest::new(SdkBody::empty());
            request.set_uri(path.as_str())?;
            request.headers_mut().insert("accept", "application/json");
            Ok(request)
        })
        .deserializer(|response: &HttpResponse| {
            read(response).map_err(OrchestratorError::operation)
        })
        .build();
    let limit = Duration::from_millis(KEYS_FETCH_MS_MAX);
    match tokio::time::timeout(limit, get.invoke(())).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(FetchError(DisplayErrorContext(&error).to_string())),
        Err(_) => Err(FetchError(format!(
            "no answer within {KEYS_FETCH_MS_MAX} ms"
        ))),
    }
}

/// An address as the place and what is asked for there.
fn split(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let slash = url.get(authority..).and_then(|rest| rest.find('/'));
    match slash.and_then(|slash| url.split_at_checked(authority + slash)) {
        Some(parts) => parts,
        None => (url, "/"),
    }
}

fn read(response: &HttpResponse) -> Result<String, FetchError> {
    let status = response.status();
    if !status.is_success() {
        let status = status.as_u16();
        return Err(FetchError(format!("the server answered with {status}")));
    }
    let bytes = response.body().bytes().unwrap_or_default();
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|_| FetchError("the server sent no text".to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers one request with these bytes, and says what was asked.
    async fn served(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4_096];
            let read = stream.read(&mut bytes).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&bytes[..read]).into_owned()
        });
        (format!("http://{address}/keys/jwks.json?v=1"), asked)
    }

    #[tokio::test]
    async fn a_text_is_got_from_its_own_path() {
        let (url, asked) =
            served("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}").await;
        assert_eq!(fetch(Http::new(), url).await.unwrap(), r#"{"keys":[]}"#);
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with("GET /keys/jwks.json?v=1 HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
    }

    #[tokio::test]
    async fn what_is_no_good_answer_is_an_error_that_says_what_came() {
        let (url, _) = served("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        let said = fetch(Http::new(), url).await.unwrap_err().to_string();
        assert!(said.contains("404"), "{said}");
        let (url, _) = served("nonsense").await;
        assert!(fetch(Http::new(), url).await.is_err());
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let url = format!("http://{address}/");
        assert!(fetch(Http::new(), url).await.is_err());
    }

    #[test]
    fn an_address_is_a_place_and_a_path() {
        assert_eq!(split("https://a.example"), ("https://a.example", "/"));
        assert_eq!(split("http://[::1]:4/k?x=/"), ("http://[::1]:4", "/k?x=/"));
    }
}
