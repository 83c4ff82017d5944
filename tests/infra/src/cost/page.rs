//! Puts the tables into the page, between `<!-- table: NAME -->` and `<!-- end -->`.

use super::prices::{Measured, Prices, Workload};
use super::sums::{Line, beside, month, stage, total, waiting};
use std::collections::BTreeMap;
use std::fmt::Write;

const NOT_COUNTED: &str = "Not counted yet: `cargo xtask cloud-test --counts` writes `infra/cost/counts.json`, \
    then `cargo run -p lattice-infra --bin infra -- write` fills this table.\n";
const END: &str = "<!-- end -->";
const STEPS_PER_DAY: [(f64, &str); 3] = [(1e3, "1,000"), (1e5, "100,000"), (1e7, "10,000,000")];

/// The tables by name.
#[derive(Debug, Clone)]
pub struct Tables(BTreeMap<&'static str, String>);

impl Tables {
    /// All of them; those that need counts say so if there are none.
    pub fn new(prices: &Prices, measured: Option<&Measured>) -> Result<Self, String> {
        let mut tables = BTreeMap::from([
            ("prices", price_table(prices)),
            ("waiting", wait_table(prices)?),
        ]);
        for name in ["stage", "beside", "month"] {
            tables.insert(name, NOT_COUNTED.to_owned());
        }
        if let Some(measured) = measured {
            let chain = stage(prices, &measured.chain)?;
            let hops = stage(prices, &measured.hops)?;
            tables.insert(
                "beside",
                beside_table(prices, &measured.chain, &chain, &hops)?,
            );
            tables.insert("month", month_table(prices, total(&chain))?);
            tables.insert("stage", stage_table(&chain, &hops));
        }
        Ok(Self(tables))
    }
}

fn price_table(prices: &Prices) -> String {
    let mut text = format!(
        "List prices of {}, noted {}.\n\n",
        prices.region, prices.noted
    );
    text.push_str("| what | US$ for a million | page |\n|---|---:|---|\n");
    for price in prices.usd.values() {
        let _ = writeln!(
            text,
            "| {} | {} | <{}> |",
            price.what,
            money(price.each * 1e6),
            price.page
        );
    }
    text
}

/// With as many digits as it takes to tell small sums apart, and thousands set off.
fn money(usd: f64) -> String {
    let plain = match usd {
        usd if usd >= 100.0 => format!("{usd:.0}"),
        usd if usd >= 0.1 => format!("{usd:.2}"),
        usd => format!("{usd:.4}"),
    };
    let (whole, rest) = plain
        .split_once('.')
        .map_or((plain.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match rest {
        "" => grouped,
        rest => format!("{grouped}.{rest}"),
    }
}

fn stage_table(chain: &[Line], hops: &[Line]) -> String {
    let mut text = String::from(
        "| for a stage | | in a chain | US$ a million | behind a hop | US$ a million |\n|---|---|---:|---:|---:|---:|\n",
    );
    for (one, other) in chain.iter().zip(hops) {
        let how = if one.counted { "counted" } else { "assumed" };
        let (units, others) = (amount(one.units), amount(other.units));
        let _ = writeln!(
            text,
            "| {} | {how} | {units} | {} | {others} | {} |",
            one.what,
            money(one.usd),
            money(other.usd)
        );
    }
    let (chain, hops) = (money(total(chain)), money(total(hops)));
    let _ = writeln!(text, "| **all** | | | **{chain}** | | **{hops}** |");
    text
}

fn amount(units: f64) -> String {
    match units {
        0.0 => "0".to_owned(),
        units if units < 0.001 => format!("{units:.1e}"),
        units => format!("{units:.3}"),
    }
}

fn beside_table(
    prices: &Prices,
    workload: &Workload,
    chain: &[Line],
    hops: &[Line],
) -> Result<String, String> {
    let mut text = String::from("| a million stages, waiting aside | US$ |\n|---|---:|\n");
    let ours = [
        (
            format!("Agent Lattice, in chains of {}", workload.stages),
            total(chain),
        ),
        (
            "Agent Lattice, each stage behind a hop".to_owned(),
            total(hops),
        ),
    ];
    let others = beside(prices, workload.stages.max(1.0))?;
    let others = others.into_iter().map(|(name, usd)| (name.to_owned(), usd));
    for (name, usd) in ours.into_iter().chain(others) {
        let _ = writeln!(text, "| {name} | {} |", money(usd));
    }
    Ok(text)
}

fn wait_table(prices: &Prices) -> Result<String, String> {
    let seconds = prices.assumed.wait_ms_per_call / 1e3;
    let mut text = format!("| a million calls of {seconds} s | US$ |\n|---|---:|\n");
    for (name, usd) in waiting(prices)? {
        let _ = writeln!(text, "| {name} | {} |", money(usd));
    }
    Ok(text)
}

fn month_table(prices: &Prices, per_million: f64) -> Result<String, String> {
    let mut text = String::from(
        "| steps a day | always there | steps | waiting | US$ a month |\n|---:|---:|---:|---:|---:|\n",
    );
    for (steps, name) in STEPS_PER_DAY {
        let [always, work, wait] = month(prices, per_million, steps)?;
        let all = money(always + work + wait);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {all} |",
            money(always),
            money(work),
            money(wait)
        );
    }
    Ok(text)
}

/// The page with its tables anew. Every mark needs a table, and every table a mark.
pub fn fill(page: &str, tables: &Tables) -> Result<String, String> {
    let mut left: Vec<&str> = tables.0.keys().copied().collect();
    let mut filled = String::new();
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("<!-- table: ") {
        let (name, behind) = behind
            .split_once(" -->\n")
            .ok_or("a mark of a table is not closed")?;
        let (_, behind) = behind
            .split_once(END)
            .ok_or_else(|| format!("the table `{name}` has no end"))?;
        let table = tables
            .0
            .get(name)
            .ok_or_else(|| format!("there is no table `{name}`"))?;
        left.retain(|one| *one != name);
        filled.push_str(before);
        let _ = write!(filled, "<!-- table: {name} -->\n{table}{END}");
        rest = behind;
    }
    match left.as_slice() {
        [] => Ok(filled + rest),
        missing => Err(format!("the page has no place for {}", missing.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Tables, fill, money};
    use std::collections::BTreeMap;

    #[test]
    fn tables_go_between_their_marks() {
        let tables = Tables(BTreeMap::from([("x", "| 1 |\n".to_owned())]));
        let page = "a\n<!-- table: x -->\nold\n<!-- end -->\nb\n";
        let filled = fill(page, &tables).unwrap();
        assert_eq!(filled, "a\n<!-- table: x -->\n| 1 |\n<!-- end -->\nb\n");
        assert_eq!(fill(&filled, &tables).unwrap(), filled);
        assert!(fill("nothing", &tables).is_err());
        assert!(fill("<!-- table: y -->\n<!-- end -->", &tables).is_err());
        assert!(fill("<!-- table: x -->\n", &tables).is_err());
    }

    #[test]
    fn sums_are_written_with_the_digits_that_matter() {
        let written = [0.0123, 0.5, 12.345, 1_234.5, 12_345_678.0].map(money);
        assert_eq!(written, ["0.0123", "0.50", "12.35", "1,234", "12,345,678"]);
    }
}
