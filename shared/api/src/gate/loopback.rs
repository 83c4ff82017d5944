//! A server on a person's own machine: refuses what a page from elsewhere makes a browser ask.

use crate::refuse::Refused;
use axum::http::HeaderMap;
use lattice_wire::codes::FOREIGN;

/// The port that addresses leave out.
const HTTP_PORT: u16 = 80;

/// The names under which the server may be asked.
#[derive(Debug)]
pub struct Loopback {
    authorities: Vec<String>,
    port: u16,
}

impl Loopback {
    /// A server on this port.
    pub fn new(port: u16) -> Self {
        let hosts = ["127.0.0.1", "localhost", "[::1]"];
        let mut authorities: Vec<String> =
            hosts.iter().map(|host| format!("{host}:{port}")).collect();
        if port == HTTP_PORT {
            // Browsers leave it out.
            authorities.extend(hosts.map(str::to_owned));
        }
        Self { authorities, port }
    }

    // A name that leads here by somebody else's DNS shows in `Host`, a foreign page in `Origin`, and
    // what a foreign page merely embeds in `Sec-Fetch-Site`.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let host = only(headers, "host").unwrap_or_default();
        if !self.knows(host) {
            return Err(self.foreign(format!("the host `{host}` is not this machine")));
        }
        let embedded = only(headers, "sec-fetch-site") == Some("cross-site")
            && only(headers, "sec-fetch-mode") != Some("navigate");
        if embedded {
            return Err(self.foreign("a page from elsewhere embeds this".to_owned()));
        }
        let Some(origin) = only(headers, "origin") else {
            return Ok(());
        };
        let known = origin.strip_prefix("http://");
        match known.is_some_and(|origin| self.knows(origin)) {
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

/// The header as a text; one that stands twice, or is no plain text, is no name that is known.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    match all.next() {
        None => Some(first.to_str().unwrap_or("?")),
        Some(_) => Some("?"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use axum::http::header::{HOST, ORIGIN};

    #[test]
    fn what_a_foreign_page_embeds_is_refused_and_a_link_to_here_is_not() {
        let check = |mode: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1".parse().unwrap());
            headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
            headers.insert("sec-fetch-mode", mode.parse().unwrap());
            Loopback::new(80).check(&headers).is_ok()
        };
        assert!(check("navigate"));
        assert!(!check("no-cors") && !check("cors"));
    }

    #[test]
    fn a_name_that_stands_twice_is_not_known() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, "127.0.0.1:4870".parse().unwrap());
        assert!(Loopback::new(4870).check(&headers).is_ok());
        headers.append(HOST, "127.0.0.1:4870".parse().unwrap());
        assert!(Loopback::new(4870).check(&headers).is_err());
    }

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
