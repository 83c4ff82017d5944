//! `lattice dev` as a test has it, asked over plain HTTP.

use super::{Done, LONG, Live, Place};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// A server that runs.
pub struct Dev {
    pub port: u16,
    /// What it said when it was ready.
    pub hello: String,
    live: Live,
    rest: std::thread::JoinHandle<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Dev {
    /// Starts it on a free port and waits until it is ready.
    pub fn start(place: &Place, more: &[&str]) -> Self {
        let mut words = vec!["dev", "--no-open", "--port", "0"];
        words.extend(more);
        let mut live = place.start(&words);
        let mut out = BufReader::new(live.take_out());
        let mut hello = String::new();
        for _ in 0..2 {
            out.read_line(&mut hello).unwrap();
        }
        let address = hello
            .lines()
            .next()
            .and_then(|line| line.rsplit(':').next());
        let Some(port) = address.and_then(|port| port.parse().ok()) else {
            panic!("`{hello}`: {:?}", live.end());
        };
        // Read on, so that it never waits for us.
        let rest = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = out.read_to_string(&mut text);
            text
        });
        Self {
            port,
            hello,
            live,
            rest,
        }
    }

    /// Asks it to stop, and waits.
    pub fn stop(self) -> Done {
        self.live.signal("-TERM");
        let mut done = self.live.end();
        done.out = self.hello + &self.rest.join().unwrap();
        done
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            head += &format!(
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            );
        }
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::read(&String::from_utf8(bytes).unwrap())
    }

    /// Sends a request and closes the connection at once.
    pub fn send_and_leave(&self, method: &str, path: &str, body: &Value) {
        let (port, body) = (self.port, body.to_string());
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        // Long enough to be read, too short to be answered.
        std::thread::sleep(std::time::Duration::from_micros(400));
    }

    /// The question of the run, once it asks.
    pub fn question(&self, run: &str) -> Value {
        let began = Instant::now();
        loop {
            let waits = self.get("/v1/waits").json();
            let mut waits = waits["waits"].as_array().unwrap().iter();
            if let Some(wait) = waits.find(|wait| wait["runId"] == run) {
                return wait.clone();
            }
            assert!(began.elapsed() < LONG, "{run} asks nothing");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        let mut answer = Self {
            status,
            headers: lines.map(header).collect(),
            text: body.to_owned(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.text = unchunked(body);
        }
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

fn unchunked(mut rest: &str) -> String {
    let mut text = String::new();
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        text += &behind[..size];
        rest = behind.get(size + 2..).unwrap_or_default();
        if size == 0 {
            break;
        }
    }
    text
}
