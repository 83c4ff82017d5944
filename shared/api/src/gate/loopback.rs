//! A server on a person's own machine: refuses what a page from elsewhere makes a browser ask.

use crate::refuse::Refused;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use lattice_wire::codes::FOREIGN;

/// The names under which the server may be asked.
#[derive(Debug)]
pub struct Loopback {
    authorities: [String; 3],
    port: u16,
}

impl Loopback {
    /// A server on this port.
    pub fn new(port: u16) -> Self {
        let authorities = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
        Self { authorities, port }
    }

    // A name that leads here by somebody else's DNS shows in `Host`, a foreign page in `Origin`.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(HOST).unwrap_or_default();
        if !self.knows(host) {
            return Err(self.foreign(format!("the host `{host}` is not this machine")));
        }
        let Some(origin) = text(ORIGIN) else {
            return Ok(());
        };
        match origin
            .strip_prefix("http://")
            .is_some_and(|origin| self.knows(origin))
        {
            true => Ok(()),
            false => Err(self.foreign(format!("a page of `{origin}` asks"))),
        }
    }

    fn knows(&self, authority: &str) -> bool {
        let known = |known: &String| known.eq_ignore_ascii_case(authority);
        self.authorities.iter().any(known)
    }

    fn foreign(&self, detail: String) -> Refused {
        let help = format!(
            "open http://127.0.0.1:{} on the machine that serves it",
            self.port
        );
        Refused::new(FOREIGN, detail, help)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_this_machine_and_its_own_pages_may_ask() {
        let loopback = Loopback::new(4870);
        let check = |host: Option<&str>, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            host.map(|host| headers.insert(HOST, host.parse().unwrap()));
            origin.map(|origin| headers.insert(ORIGIN, origin.parse().unwrap()));
            loopback.check(&headers).is_ok()
        };
        for host in [
            "127.0.0.1:4870",
            "localhost:4870",
            "LOCALHOST:4870",
            "[::1]:4870",
        ] {
            assert!(check(Some(host), None), "{host}");
            assert!(check(Some(host), Some("http://localhost:4870")), "{host}");
        }
        let foreign = [
            "127.0.0.1:1",
            "evil.example:4870",
            "127.0.0.1",
            "127.0.0.1.evil.example:4870",
            "",
        ];
        for host in foreign {
            assert!(!check(Some(host), None), "{host}");
        }
        assert!(!check(None, None));
        for origin in [
            "http://evil.example",
            "null",
            "https://localhost:4870",
            "http://localhost",
            "http://localhost:4871",
        ] {
            assert!(!check(Some("localhost:4870"), Some(origin)), "{origin}");
        }
    }
}
