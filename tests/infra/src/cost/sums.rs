//! The sums: units of a stage, times prices, for a million stages.

use super::prices::{Assumed, Counts, Prices, Workload};

/// Tables speak of so many stages.
const MILLION: f64 = 1e6;
const MB_PER_GB: f64 = 1024.0;
const BYTES_PER_GB: f64 = 1024.0 * 1024.0 * 1024.0;
const MS_PER_S: f64 = 1e3;
/// A message is sent, received and deleted; the last two alone at worst.
const REQUESTS_PER_MESSAGE: f64 = 3.0;
const MINUTES_PER_DAY: f64 = 1_440.0;
/// Metrics that alarms watch, and alarms over alarms, where objectives are watched.
const ALARMS: f64 = 44.0;
const COMPOSITES: f64 = 4.0;

/// A line of a sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What is paid for.
    pub what: String,
    /// How much of it by stage.
    pub units: f64,
    /// Dollars for a million stages.
    pub usd: f64,
    /// Whether it was counted, or assumed.
    pub counted: bool,
}

/// What a line is made of.
struct Item {
    what: &'static str,
    price: &'static str,
    units: f64,
    counted: bool,
}

/// What a stage costs, line by line, waiting aside.
pub fn stage(prices: &Prices, workload: &Workload) -> Result<Vec<Line>, String> {
    let by_stage = |total: f64| total / workload.stages.max(1.0);
    let both = |units: fn(&Counts) -> f64| by_stage(units(&workload.start) + units(&workload.step));
    let calls = |name: &'static str| {
        let of = |counts: &Counts| counts.calls.get(name).copied().unwrap_or_default();
        by_stage(of(&workload.start) + of(&workload.step))
    };
    let assumed = &prices.assumed;
    let item = |what, price, units| Item {
        what,
        price,
        units,
        counted: true,
    };
    let guess = |what, price, units| Item {
        what,
        price,
        units,
        counted: false,
    };
    let items = [
        item(
            "DynamoDB write units",
            "dynamodb.write_unit",
            both(|counts| counts.write_units),
        ),
        item(
            "DynamoDB read units",
            "dynamodb.read_unit",
            both(|counts| counts.read_units),
        ),
        item(
            "SQS requests",
            "sqs.request",
            by_stage(workload.messages * REQUESTS_PER_MESSAGE),
        ),
        item("S3 writes", "s3.put", calls("s3.PutObject")),
        item("S3 reads", "s3.get", calls("s3.GetObject")),
        item("requests to the API", "http.request", by_stage(1.0)),
        item(
            "invocations",
            "lambda.request",
            by_stage(workload.messages + 1.0),
        ),
        guess("GB seconds of work", "lambda.gb_second", work_gb_s(assumed)),
        guess(
            "GB of logs",
            "logs.gb",
            assumed.log_bytes_per_stage / BYTES_PER_GB,
        ),
    ];
    items.into_iter().map(|item| line(prices, item)).collect()
}

fn line(prices: &Prices, item: Item) -> Result<Line, String> {
    let usd = item.units * prices.of(item.price)? * MILLION;
    let (what, units, counted) = (item.what.to_owned(), item.units, item.counted);
    Ok(Line {
        what,
        units,
        usd,
        counted,
    })
}

fn work_gb_s(assumed: &Assumed) -> f64 {
    assumed.step_memory_mb / MB_PER_GB * assumed.work_ms_per_stage / MS_PER_S
}

/// The dollars of all lines.
pub(super) fn total(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.usd).sum()
}

/// What others ask for a million such stages, waiting aside. Each calls a function for a stage, which
/// works as long as ours.
pub fn beside(prices: &Prices, stages_per_run: f64) -> Result<Vec<(&'static str, f64)>, String> {
    let assumed = &prices.assumed;
    let work = work_gb_s(assumed) * prices.of("lambda.gb_second")?;
    let function = prices.of("lambda.request")? + work;
    let express_s = assumed.express_memory_mb / MB_PER_GB * assumed.work_ms_per_stage / MS_PER_S;
    let express = prices.of("express.request")? / stages_per_run
        + express_s * prices.of("express.gb_second")?;
    let written =
        assumed.result_bytes_per_stage / BYTES_PER_GB * prices.of("durable.written_gb")?;
    // A durable function runs on within one execution while it has something to do.
    let durable = prices.of("durable.operation")?
        + written
        + prices.of("lambda.request")? / stages_per_run
        + work;
    let rows = [
        (
            "Step Functions Standard",
            prices.of("standard.transition")? + function,
        ),
        ("Step Functions Express", express + function),
        ("Lambda durable functions", durable),
    ];
    Ok(rows.map(|(name, each)| (name, each * MILLION)).to_vec())
}

/// What it costs to wait for a million model calls, for each way to do so.
pub fn waiting(prices: &Prices) -> Result<Vec<(String, f64)>, String> {
    let assumed = &prices.assumed;
    let wait_s = assumed.wait_ms_per_call / MS_PER_S;
    let lambda = |memory_mb: f64, at_once: f64| -> Result<f64, String> {
        Ok(memory_mb / MB_PER_GB * wait_s / at_once * prices.of("lambda.gb_second")? * MILLION)
    };
    let memory = assumed.step_memory_mb;
    let express =
        assumed.express_memory_mb / MB_PER_GB * wait_s * prices.of("express.gb_second")? * MILLION;
    let at_once = assumed.calls_at_once_per_execution;
    Ok(vec![
        (
            format!("ours, {at_once} calls in an execution"),
            lambda(memory, at_once)?,
        ),
        (
            "ours, one call in an execution".to_owned(),
            lambda(memory, 1.0)?,
        ),
        (
            "ours, one call, with 512 MB".to_owned(),
            lambda(512.0, 1.0)?,
        ),
        (
            "Step Functions Standard, its function waits".to_owned(),
            lambda(memory, 1.0)?,
        ),
        (
            "Step Functions Express, its function waits, and it too".to_owned(),
            lambda(memory, 1.0)? + express,
        ),
        (
            "Lambda durable functions, one call in an execution".to_owned(),
            lambda(memory, 1.0)?,
        ),
    ])
}

/// What a month costs with so many steps a day: what is always there, the steps, and the waiting.
pub fn month(prices: &Prices, per_million: f64, steps_per_day: f64) -> Result<[f64; 3], String> {
    let assumed = &prices.assumed;
    let sweeps = MINUTES_PER_DAY * assumed.days_per_month;
    let sweep_gb_s = assumed.step_memory_mb / MB_PER_GB * assumed.sweep_ms / MS_PER_S;
    let always = prices.of("kms.key_month")?
        + prices.of("dashboard.month")?
        + ALARMS * prices.of("alarm.month")?
        + COMPOSITES * prices.of("composite.month")?
        + assumed.metrics * prices.of("metric.month")?
        + sweeps * (prices.of("lambda.request")? + sweep_gb_s * prices.of("lambda.gb_second")?);
    let millions = steps_per_day * assumed.days_per_month / MILLION;
    let wait = waiting(prices)?.first().map_or(0.0, |(_, usd)| *usd);
    Ok([always, millions * per_million, millions * wait])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{ALARMS, COMPOSITES, Prices, Workload, beside, month, stage, total, waiting};
    use crate::template::Template;
    use serde_json::json;

    fn prices() -> Prices {
        let text = include_str!("../../../../infra/cost/prices.json");
        serde_json::from_str(text).unwrap()
    }

    fn workload() -> Workload {
        let start = json!({"calls": {"s3.PutObject": 1, "s3.GetObject": 2}, "writeUnits": 8.0, "readUnits": 2.0});
        let step = json!({"calls": {"s3.GetObject": 2}, "writeUnits": 64.0, "readUnits": 2.0, "sqsRequests": 0});
        let all = json!({"stages": 4, "start": start, "step": step, "messages": 2, "more": true});
        serde_json::from_value(all).unwrap()
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9 * other.abs().max(1.0)
    }

    #[test]
    fn a_stage_is_units_times_prices() {
        let lines = stage(&prices(), &workload()).unwrap();
        let of = |what: &str| lines.iter().find(|line| line.what == what).unwrap().clone();
        // 72 units by 4 stages at 0.625 for a million
        assert!(near(of("DynamoDB write units").usd, 18.0 * 0.625));
        assert!(near(of("DynamoDB read units").usd, 0.125));
        assert!(near(of("SQS requests").units, 1.5));
        assert!(near(of("S3 reads").usd, 0.4));
        assert!(near(of("S3 writes").usd, 1.25));
        assert!(near(of("invocations").usd, 0.75 * 0.2));
        // 256 MB for 15 ms
        assert!(near(of("GB seconds of work").usd, 0.25 * 0.015 * 16.6667));
        assert!(total(&lines) > 14.0);
    }

    #[test]
    fn waiting_is_memory_times_time() {
        let rows = waiting(&prices()).unwrap();
        assert!(near(rows[1].1, 0.25 * 5.0 * 16.6667));
        assert!(near(rows[0].1 * 10.0, rows[1].1));
        assert!(near(rows[2].1, 2.0 * rows[1].1));
    }

    #[test]
    fn others_ask_for_their_transitions_and_operations() {
        let rows = beside(&prices(), 32.0).unwrap();
        assert!(rows[0].1 > 25.0 && rows[0].1 < 26.0, "{rows:?}");
        assert!(rows[1].1 < 1.0, "{rows:?}");
        assert!(rows[2].1 > 8.0 && rows[2].1 < 9.0, "{rows:?}");
    }

    #[test]
    fn a_month_grows_with_the_steps_and_not_below_what_is_always_there() {
        let [always, steps, wait] = month(&prices(), 2.0, 1e5).unwrap();
        assert!(near(steps, 6.0));
        assert!(near(wait, 3.0 * 0.125 * 16.6667));
        let [still, none, nothing] = month(&prices(), 2.0, 0.0).unwrap();
        assert_eq!([none, nothing], [0.0, 0.0]);
        assert!(
            near(always, still) && always > 10.0 && always < 30.0,
            "{always}"
        );
    }

    #[test]
    fn alarms_are_counted_as_the_template_has_them() {
        let template = Template::read(include_str!("../../../../infra/expanded.json")).unwrap();
        let watched = template.of("AWS::CloudWatch::Alarm").map(|alarm| {
            let metrics = alarm.list("Metrics").iter();
            metrics
                .filter(|metric| !metric["MetricStat"].is_null())
                .count()
                .max(1)
        });
        let watched: usize = watched.sum();
        let over = template.of("AWS::CloudWatch::CompositeAlarm").count();
        assert_eq!((watched as f64, over as f64), (ALARMS, COMPOSITES));
    }

    #[test]
    fn a_price_that_is_missing_is_named() {
        let mut prices = prices();
        prices.usd.remove("s3.put");
        let error = stage(&prices, &workload()).unwrap_err();
        assert_eq!(error, "`infra/cost/prices.json` has no price of `s3.put`");
    }
}
