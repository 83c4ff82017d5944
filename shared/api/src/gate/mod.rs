//! Who asks, and what they may: the one place where tenant and scope come from.

mod jwt;
mod loopback;

pub use jwt::{JwtError, JwtRules};

use crate::refuse::Refused;
use axum::http::HeaderMap;
use jwt::Verifier;
use lattice_model::Tenant;
use lattice_wire::codes::{FORBIDDEN, UNAUTHENTICATED};
use lattice_wire::{Route, Scope};
use loopback::Loopback;
use std::collections::BTreeSet;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose workflows and runs they see.
    pub tenant: Tenant,
    /// What they may.
    pub scopes: BTreeSet<Scope>,
}

/// How callers are known.
#[derive(Debug)]
pub struct Gate(Kind);

#[derive(Debug)]
enum Kind {
    Loopback(Loopback),
    Jwt(Box<Verifier>),
}

impl Gate {
    /// A server on a person's own machine: whoever reaches it is that person. Requests that a page
    /// or a name from elsewhere makes in their browser are refused.
    pub fn loopback(port: u16) -> Self {
        Self(Kind::Loopback(Loopback::new(port)))
    }

    /// A server for many: each request carries a token of the issuer.
    pub fn jwt(rules: &JwtRules) -> Result<Self, JwtError> {
        Ok(Self(Kind::Jwt(Box::new(Verifier::new(rules)?))))
    }

    /// Whether the request's token is signed with a key that this gate does not know, so that the
    /// issuer may have a new one.
    pub fn lacks_key(&self, headers: &HeaderMap) -> bool {
        match &self.0 {
            Kind::Loopback(_) => false,
            Kind::Jwt(verifier) => verifier.lacks_key(headers),
        }
    }

    /// Takes the issuer's keys as they are now; of a set that cannot be used nothing is taken.
    pub fn renew(&self, keys: &str) -> Result<(), JwtError> {
        match &self.0 {
            Kind::Loopback(_) => Ok(()),
            Kind::Jwt(verifier) => verifier.renew(keys),
        }
    }

    /// What every request has to pass, also one for a path that is not there.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refused> {
        match &self.0 {
            Kind::Loopback(loopback) => loopback.check(headers),
            Kind::Jwt(_) => Ok(()),
        }
    }

    /// Who asks for this route; `None` where anybody may.
    pub fn admit(&self, route: &Route, headers: &HeaderMap) -> Result<Option<Caller>, Refused> {
        let Some(scope) = route.scope else {
            return Ok(None);
        };
        let caller = match &self.0 {
            Kind::Loopback(_) => Caller {
                tenant: Tenant::local(),
                scopes: Scope::ALL.into(),
            },
            Kind::Jwt(verifier) => verifier.caller(headers)?,
        };
        if caller.scopes.contains(&scope) {
            return Ok(Some(caller));
        }
        let scope = scope.as_str();
        let refused = Refused::new(
            FORBIDDEN,
            format!("the token lacks the scope `{scope}`"),
            "ask the issuer for a token with it",
        );
        let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
        Err(refused.header("www-authenticate", &challenge))
    }
}

/// No token, or one that is not good.
fn unauthenticated(detail: impl Into<String>) -> Refused {
    let help = "send `Authorization: Bearer <token>` with a token of this service's issuer";
    Refused::new(UNAUTHENTICATED, detail, help)
        .header("www-authenticate", r#"Bearer error="invalid_token""#)
}
