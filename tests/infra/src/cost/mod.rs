//! What steps cost: counted calls and units, times dated prices. `docs/cost.md` is filled from here.

mod page;
mod prices;
mod sums;

pub use page::{Tables, fill};
pub use prices::{Assumed, Counts, Measured, Prices, Workload};
pub use sums::{Line, beside, month, stage, waiting};

use std::fs;
use std::path::Path;

/// The page as it has to be: its text between the tables as it is, the tables anew.
pub fn page(root: &Path) -> Result<String, String> {
    let read = |path: &str| {
        fs::read_to_string(root.join(path))
            .map_err(|error| format!("cannot read `{path}`: {error}"))
    };
    let prices: Prices = serde_json::from_str(&read("infra/cost/prices.json")?)
        .map_err(|error| format!("`infra/cost/prices.json`: {error}"))?;
    let counts = root.join("infra/cost/counts.json");
    let measured: Option<Measured> = match counts.exists() {
        true => serde_json::from_str(&read("infra/cost/counts.json")?)
            .map_err(|error| format!("`infra/cost/counts.json`: {error}"))?,
        false => None,
    };
    fill(
        &read("docs/cost.md")?,
        &Tables::new(&prices, measured.as_ref())?,
    )
}
