//! A reader that takes one byte a second, until the server cuts it off; then it resumes with the
//! real client behind the last whole frame that it got.

use crate::crowd::{Place, given_up};
use lattice_served::{Read, Reader, ServedError, io};
use std::io::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{timeout, timeout_at};

/// Bytes that the system takes in for it (the kernel doubles the figure).
const RECEIVE_BYTES: u32 = 4 * 1024;
/// Silence after which the server has said all it wanted to.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the server may take to cut it off, the time included that the run needs to be long
/// enough.
const CUT_WITHIN: Duration = Duration::from_secs(90);

/// What became of it.
#[derive(Debug, Clone, Default)]
pub struct Slow {
    /// Bytes that it read at its own pace, from the end of the head to the cut.
    pub taken: u64,
    /// Bytes that lay in the buffers of the system then.
    pub lay: u64,
    /// Whether the server ended the connection.
    pub cut: bool,
    /// What it saw, the time after the cut included.
    pub read: Read,
}

/// Reads slowly until `cuts` says that this many readers are cut off, then like everybody.
pub async fn read_slowly(
    place: Place,
    address: SocketAddr,
    cuts: watch::Receiver<u64>,
    all: u64,
) -> Result<Slow, ServedError> {
    let crawl = crawl(&place, address, cuts, all);
    let Ok(crawled) = timeout(CUT_WITHIN, crawl).await else {
        let read = given_up(0);
        return Ok(Slow {
            read,
            ..Slow::default()
        });
    };
    let (mut slow, body) = crawled.map_err(io("the slow reader's connection"))?;
    frames(&body, &mut slow.read);
    let reader = Reader {
        from: slow.read.last(),
        ..Reader::default()
    };
    let rest = reader.read(&place.server, &place.run, |_| {});
    let rest = timeout_at(place.deadline, rest).await;
    let rest = rest.unwrap_or_else(|_| given_up(slow.read.last()));
    slow.read.join(rest);
    Ok(slow)
}

async fn crawl(
    place: &Place,
    address: SocketAddr,
    mut cuts: watch::Receiver<u64>,
    all: u64,
) -> Result<(Slow, Vec<u8>), Error> {
    let mut stream = connect(place, address).await?;
    let mut slow = Slow::default();
    let mut body = Vec::new();
    while *cuts.borrow_and_update() < all {
        let mut byte = [0];
        if let Ok(0) | Err(_) = stream.read(&mut byte).await {
            slow.cut = true;
            return Ok((slow, body));
        }
        body.extend(byte);
        slow.taken += 1;
        let _ = timeout(Duration::from_secs(1), cuts.wait_for(|cuts| *cuts >= all)).await;
    }
    // What lies in the buffers cannot be taken back; the end of it is the cut.
    let mut lay = Vec::new();
    let ended = timeout(SILENCE, stream.read_to_end(&mut lay)).await;
    slow.cut = ended.is_ok();
    slow.lay = lay.len() as u64;
    body.extend(lay);
    Ok((slow, body))
}

/// Asks for the stream, as HTTP/1.0 so that the body comes bare, and reads the head.
async fn connect(place: &Place, address: SocketAddr) -> Result<TcpStream, Error> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    let mut stream = socket.connect(address).await?;
    let run = &place.run;
    let request = format!("GET /v1/runs/{run}/stream HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    match head.starts_with(b"HTTP/1.0 200") || head.starts_with(b"HTTP/1.1 200") {
        true => Ok(stream),
        false => {
            let head = String::from_utf8_lossy(&head).into_owned();
            Err(Error::other(head))
        }
    }
}

/// Notes the whole frames of stored events.
fn frames(body: &[u8], read: &mut Read) {
    let text = String::from_utf8_lossy(body);
    let whole = text.rfind("\n\n").map_or("", |end| text.split_at(end).0);
    for frame in whole.split("\n\n") {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
            read.event(id.parse().unwrap_or_default(), data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_frames_count() {
        let body = b"retry: 1000\n\nid: 1\nevent: a\ndata: {}\n\nevent: llm.chunk\ndata: {}\n\n\
            : still here\n\nid: 2\nevent: b\ndata: {\"x\":1}\n\nid: 3\nevent: c\ndata: {";
        let mut read = Read::default();
        frames(body, &mut read);
        assert_eq!((read.last(), read.gaps, read.repeats), (2, 0, 0));
        let mut nothing = Read::default();
        frames(b"retry: 10", &mut nothing);
        assert_eq!(nothing.last(), 0);
    }
}
