//! From the repository to a stack that runs: programs built and packed (`bootstraps`), the template
//! deployed (`stack`) by an operator (`admin`), and somebody who issues tokens (`issuer`).

mod admin;
mod bootstraps;
mod issuer;
mod stack;

pub use admin::{Admin, AdminError};
pub use bootstraps::{Build, FUNCTIONS, PackError, pack};
pub use issuer::{ALL_SCOPES, AUDIENCE, IssueError, Issuer, TENANT_CLAIM, now_s};
pub use stack::{CODE_BUCKET, Resource, Stack, StackError};
