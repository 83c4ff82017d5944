//! One server: its address, the requests that are sent to it, and what its answers mean.

use crate::error::{Problem, Setback, Trouble, WatchError, shown};
use crate::frame::{RawEvent, read_page};
use crate::stream::Frames;
use crate::watch::{WatchOptions, Watcher};
use lattice_model::limits::{
    PAGE_EVENTS_MAX, PROBLEM_BYTES_MAX, STREAM_FRAME_BYTES_MAX, WATCH_CONNECT_MS_MAX,
};
use lattice_model::{RunId, Secret, Seq};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use std::time::Duration;
use tokio::time::timeout;

const EVENT_STREAM: &str = "text/event-stream";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// A server. Copies share what is underneath, so one is enough for any number of watchers.
#[derive(Debug, Clone)]
pub struct Server {
    client: Client,
    base: Url,
}

impl Server {
    /// Makes the client; nothing is sent yet. `base` is what stands before `/v1`.
    pub fn new(base: &str) -> Result<Self, WatchError> {
        let base = base_of(base)?;
        // Another part of the process may have installed one before; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .user_agent(concat!("agent-lattice/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_millis(WATCH_CONNECT_MS_MAX));
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        if base.scheme() == "http" {
            // No certificate is ever looked at, so a machine without any is no obstacle. A plain
            // connection costs little, and one that is kept may be closed by the other side just
            // as it is used again.
            client = client.tls_certs_only([]).pool_max_idle_per_host(0);
        }
        let client = client.build().map_err(WatchError::Client)?;
        Ok(Self { client, base })
    }

    /// A watcher of one run; nothing is sent before it is asked for the first time.
    pub fn watch(&self, run: RunId, options: WatchOptions) -> Result<Watcher, WatchError> {
        let bearer = match &options.token {
            Some(token) => Some(self.bearer(token)?),
            None => None,
        };
        Ok(Watcher::new(
            Asker {
                server: self.clone(),
                run,
                bearer,
                idle: options.idle,
            },
            options,
        ))
    }

    fn bearer(&self, token: &Secret<String>) -> Result<HeaderValue, WatchError> {
        if self.base.scheme() != "https" && !is_loopback(&self.base) {
            let host = self.base.host_str().unwrap_or_default().to_owned();
            return Err(WatchError::TokenInTheClear { host });
        }
        let bearer = format!("Bearer {}", token.expose());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| WatchError::BadToken)?;
        bearer.set_sensitive(true);
        Ok(bearer)
    }
}

fn base_of(text: &str) -> Result<Url, WatchError> {
    let bad = |url: &str, reason: &str| {
        let (url, reason) = (url.to_owned(), reason.to_owned());
        Err(WatchError::BadBase { url, reason })
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return bad(text, &error.to_string()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return bad(
            url.host_str().unwrap_or_default(),
            "it holds a user or a password",
        );
    }
    if !matches!(url.scheme(), "http" | "https") {
        return bad(text, "it begins with neither `http://` nor `https://`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad(text, "it has a `?` or a `#`");
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Asks one server about one run.
#[derive(Debug)]
pub(crate) struct Asker {
    server: Server,
    pub(crate) run: RunId,
    bearer: Option<HeaderValue>,
    idle: Duration,
}

impl Asker {
    fn request(&self, what: &str, query: &[(&str, String)], accept: &str) -> RequestBuilder {
        let mut url = self.server.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(["v1", "runs", self.run.as_str(), what]);
        }
        url.query_pairs_mut().extend_pairs(query);
        let request = self.server.client.get(url).header(ACCEPT, accept);
        match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer.clone()),
            None => request,
        }
    }

    /// Opens the stream behind `after`; nothing comes back where the run is over.
    pub(crate) fn open(
        &self,
        after: Seq,
    ) -> impl Future<Output = Result<Option<Frames>, Setback>> + Send + use<> {
        let query = [("lastSeq", after.to_string())];
        let request = self.request("stream", &query, EVENT_STREAM);
        let idle = self.idle;
        async move {
            let response = answer(request, idle).await?;
            if response.status() == StatusCode::NO_CONTENT {
                return Ok(None);
            }
            let response = expect(response, EVENT_STREAM, idle).await?;
            Ok(Some(Frames::new(response, idle)))
        }
    }

    /// Fetches a page of the events behind `after`.
    pub(crate) fn page(
        &self,
        after: Seq,
    ) -> impl Future<Output = Result<Vec<RawEvent>, Setback>> + Send + use<> {
        let query = [
            ("lastSeq", after.to_string()),
            ("limit", PAGE_EVENTS_MAX.to_string()),
        ];
        let request = self.request("events", &query, JSON);
        let idle = self.idle;
        async move {
            let response = expect(answer(request, idle).await?, JSON, idle).await?;
            let body = body(response, STREAM_FRAME_BYTES_MAX, idle).await?;
            Ok(read_page(&body)?)
        }
    }
}

async fn answer(request: RequestBuilder, idle: Duration) -> Result<Response, Setback> {
    match timeout(idle, request.send()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(Trouble::Unreachable(error.without_url()).into()),
        Err(_) => Err(Trouble::Silent(idle).into()),
    }
}

/// The answer, if it is one to go on with.
async fn expect(
    response: Response,
    wanted: &'static str,
    idle: Duration,
) -> Result<Response, Setback> {
    let found = content_type(&response);
    if response.status() != StatusCode::OK {
        return Err(refusal(response, idle).await);
    }
    if found != wanted {
        let found = shown(&found);
        return Err(Setback::Stop(WatchError::WrongType { found, wanted }));
    }
    Ok(response)
}

/// The type without its parameters, in small letters.
fn content_type(response: &Response) -> String {
    let header = response.headers().get(CONTENT_TYPE);
    let text = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let bare = text.split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

async fn refusal(response: Response, idle: Duration) -> Setback {
    let status = response.status();
    let wait = response.headers().get(RETRY_AFTER);
    let wait = wait
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let problem = match content_type(&response) == PROBLEM {
        // A status says enough where the rest does not come.
        true => body(response, PROBLEM_BYTES_MAX, idle).await.ok(),
        false => None,
    };
    let problem = problem
        .and_then(|body| serde_json::from_slice::<Problem>(&body).ok())
        .map(Box::new);
    let later = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
    );
    let code = status.as_u16();
    match later || status.is_server_error() {
        true => Setback::Again(Trouble::Busy {
            status: code,
            problem,
            wait,
        }),
        false => Setback::Stop(WatchError::Refused {
            status: code,
            problem,
        }),
    }
}

async fn body(mut response: Response, limit: usize, idle: Duration) -> Result<Vec<u8>, Setback> {
    let mut body = Vec::new();
    loop {
        match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(bytes))) if body.len() + bytes.len() > limit => {
                return Err(Setback::Stop(WatchError::TooLong { limit }));
            }
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            Ok(Ok(None)) => return Ok(body),
            Ok(Err(error)) => return Err(Trouble::Cut(error.without_url()).into()),
            Err(_) => return Err(Trouble::Silent(idle).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn watch(base: &str, token: Option<&str>) -> Result<Watcher, WatchError> {
        let options = WatchOptions {
            token: token.map(|token| Secret::new(token.to_owned())),
            ..WatchOptions::default()
        };
        let run = "run_00000000000000000000000000".parse().unwrap();
        Server::new(base)?.watch(run, options)
    }

    #[test]
    fn an_address_is_checked_before_anything_is_sent() {
        for (base, said) in [
            ("not an address", "`not an address` is not the address"),
            ("ftp://x", "begins with neither"),
            ("http://x/?a=b", "has a `?`"),
            (
                "http://me:secret@x",
                "`x` is not the address of a server: it holds",
            ),
        ] {
            let error = watch(base, None).err().unwrap().to_string();
            assert!(error.contains(said), "{base}: {error}");
        }
        assert!(watch("http://example.test/behind/a/proxy/", None).is_ok());
    }

    #[test]
    fn a_token_never_travels_in_the_clear() {
        for base in [
            "https://x",
            "http://127.0.0.1:1",
            "http://[::1]",
            "http://localhost",
        ] {
            assert!(watch(base, Some("t")).is_ok(), "{base}");
        }
        let error = watch("http://x.test", Some("canary")).err().unwrap();
        let said = "a token is sent over `https://` or to this machine only, not to `x.test`";
        assert_eq!(error.to_string(), said);
        let error = watch("https://x.test", Some("canary\n")).err().unwrap();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
