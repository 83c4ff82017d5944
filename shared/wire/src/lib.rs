//! What goes over the wire: routes, bodies, problems and stream frames, and the OpenAPI file that is
//! made of them.
//!
//! `routes` lists every route with who may use it and what it takes; `shapes` are the bodies;
//! `problem` is what every error looks like and `codes` lists them; `sse` renders frames; `openapi`
//! writes the file. The server serves exactly the list, so nothing here can be forgotten there.

pub mod codes;
mod openapi;
mod problem;
mod routes;
pub mod shapes;
pub mod sse;

pub use codes::ErrorCode;
pub use openapi::openapi;
pub use problem::ApiProblem;
pub use routes::{
    Answer, BodyKind, BodySpec, Function, In, Method, Operation, Param, ParamKind, ROUTES, Route,
    Scope, TARGETS,
};
