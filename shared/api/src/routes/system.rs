//! The server about itself.

use crate::service::{Done, json, openapi_text};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use lattice_wire::shapes::Health;

/// The server is there.
pub fn health() -> Done {
    let health = Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    json(StatusCode::OK, &health)
}

/// The OpenAPI file.
pub fn openapi() -> Done {
    let mut response = Response::new(Body::from(openapi_text()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}
