//! Explores every state that two or three workers can bring one run into.
//!
//! Reading order: `world` (a state), `model` (what can happen), `steps` and `carry` (what it does), `log`
//! and `rules` (what must hold), `programs` and `configurations` (what is explored), `explore`, `teeth`.

mod carry;
pub mod configurations;
pub mod explore;
pub mod log;
pub mod memo;
pub mod model;
pub mod programs;
pub mod rules;
pub mod steps;
pub mod teeth;
pub mod world;
