//! Requests in, responses out, over one connection at a time.

use crate::behaviour::Behaviour;
use crate::{State, chat};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A question as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Value,
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

const HEAD_BYTES_MAX: usize = 64 * 1024;
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Whether the connection can carry another request.
#[derive(PartialEq)]
enum After {
    Keep,
    Close,
}

/// Serves one connection until it ends.
pub(crate) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let mut buffer = Vec::new();
    // A broken connection is the client's choice; there is nobody to tell.
    while let Ok(Some(request)) = read(&mut stream, &mut buffer).await {
        match answer(&mut stream, &state, request).await {
            Ok(After::Keep) => {}
            Ok(After::Close) | Err(_) => break,
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let (mut request, head) = loop {
        if let Some(parsed) = parse(buffer)? {
            break parsed;
        }
        if buffer.len() > HEAD_BYTES_MAX || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let length = request
        .headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let end = head + length.unwrap_or(0_usize).min(BODY_BYTES_MAX);
    while buffer.len() < end {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer.drain(..end).skip(head).collect();
    Ok(Some(request))
}

/// The request without its body, and how long its head is; `None` if the head is not complete.
fn parse(buffer: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head) = status else {
        return Ok(None);
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = parsed.headers.iter();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        headers: headers
            .map(|header| (header.name.to_lowercase(), text(header.value)))
            .collect(),
        body: Vec::new(),
    };
    Ok(Some((request, head)))
}

async fn answer(stream: &mut TcpStream, state: &State, request: Request) -> io::Result<After> {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/counts") => plain(stream, 200, &[], &state.counts_json()).await,
        ("GET", "/v1/models") => {
            let models = json!({"object": "list", "data": [{"id": "test", "object": "model"}]});
            plain(stream, 200, &[], &models.to_string()).await
        }
        ("POST", "/v1/chat/completions") => {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            state.see(Seen {
                headers: request.headers.clone(),
                body: body.clone(),
            });
            let key = request
                .headers
                .get("idempotency-key")
                .map_or("", String::as_str);
            chat(stream, state, key, &body).await
        }
        _ => plain(stream, 404, &[], r#"{"error":{"message":"no such route"}}"#).await,
    }
}

async fn chat(
    stream: &mut TcpStream,
    state: &State,
    key: &str,
    question: &Value,
) -> io::Result<After> {
    use Behaviour as Do;
    let behaviour = state.next_behaviour();
    if let Do::Status(status, headers, body) = &behaviour {
        return plain(stream, *status, headers, body).await;
    }
    let wanted = match &behaviour {
        Do::Text(text) | Do::OneByte(text) | Do::Whole(text) | Do::Bare(text) => text.clone(),
        Do::StallMidStream(text) | Do::CutMidStream(text) | Do::EndMidStream(text) => text.clone(),
        Do::Length(text) | Do::HangUp(text) => text.clone(),
        Do::Huge(bytes) => "huge ".repeat(bytes / 5 + 1),
        _ => chat::made_answer(question),
    };
    let text = state.apply(key, wanted);
    tokio::time::sleep(state.options.latency).await;
    let half = || {
        let pieces = chat::pieces(question, &text);
        let half = pieces.len().div_ceil(2);
        pieces.into_iter().take(half).collect::<Vec<_>>()
    };
    match behaviour {
        Do::Made | Do::Text(_) | Do::Huge(_) if question["stream"] != true => {
            plain(stream, 200, &[], &chat::whole(question, &text)).await
        }
        Do::Made | Do::Text(_) | Do::Huge(_) => {
            streamed(stream, &chat::stream(question, &text, "stop"), 0).await
        }
        Do::Length(_) => streamed(stream, &chat::stream(question, &text, "length"), 0).await,
        Do::HangUp(_) => {
            streamed(stream, &chat::stream(question, &text, "stop"), 0).await?;
            Ok(After::Close)
        }
        Do::OneByte(_) => streamed(stream, &chat::stream(question, &text, "stop"), 1).await,
        Do::Whole(_) => plain(stream, 200, &[], &chat::whole(question, &text)).await,
        Do::Bare(_) => {
            let mut events = chat::pieces(question, &text);
            events.push(chat::delta(question, &json!({}), Some("stop")));
            streamed(stream, &events, 0).await
        }
        Do::Status(..) | Do::Close => Ok(After::Close),
        Do::StallBeforeHeaders => stall().await,
        Do::StallMidStream(_) => {
            begin(stream).await?;
            send(stream, &half(), 0).await?;
            stall().await
        }
        Do::CutMidStream(_) => {
            begin(stream).await?;
            send(stream, &half(), 0).await?;
            Ok(After::Close)
        }
        Do::EndMidStream(_) => streamed(stream, &half(), 0).await,
        Do::GarbageBody => plain(stream, 200, &[], "{\"choices\": [oops").await,
        Do::GarbageSse => streamed(stream, &["data: oops\n\n".to_owned()], 0).await,
        Do::ErrorInStream(error) => {
            let mut events = half();
            events.push(chat::event(&json!({ "error": error })));
            streamed(stream, &events, 0).await
        }
        Do::ContentFilter => {
            streamed(stream, &chat::stream(question, "", "content_filter"), 0).await
        }
        Do::Refusal(words) => {
            let mut events = vec![chat::delta(question, &json!({ "refusal": words }), None)];
            events.extend(chat::stream(question, "", "stop"));
            streamed(stream, &events, 0).await
        }
    }
}

async fn stall() -> io::Result<After> {
    std::future::pending().await
}

async fn plain(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> io::Result<After> {
    let more: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{more}\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    Ok(After::Keep)
}

async fn begin(stream: &mut TcpStream) -> io::Result<()> {
    stream
        .write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        )
        .await
}

/// Sends events as HTTP chunks: one each, or of `size` bytes if it is not 0.
async fn send(stream: &mut TcpStream, events: &[String], size: usize) -> io::Result<()> {
    for event in events {
        for piece in event
            .as_bytes()
            .chunks(if size == 0 { event.len() } else { size })
        {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(piece);
            chunk.extend_from_slice(b"\r\n");
            stream.write_all(&chunk).await?;
        }
    }
    stream.flush().await
}

async fn streamed(stream: &mut TcpStream, events: &[String], size: usize) -> io::Result<After> {
    begin(stream).await?;
    send(stream, events, size).await?;
    stream.write_all(b"0\r\n\r\n").await?;
    Ok(After::Keep)
}
