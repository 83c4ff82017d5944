//! The report as a table for people.

use super::Report;
use std::fmt::Write;

pub fn table(report: &Report) -> String {
    let mut out = String::new();
    // INVARIANT: writing to a String cannot fail.
    let _ = print(report, &mut out);
    out
}

fn print(report: &Report, out: &mut String) -> std::fmt::Result {
    let machine = &report.machine;
    let load = machine
        .load_1_min
        .map_or("unknown".to_owned(), |load| format!("{load:.2}"));
    writeln!(
        out,
        "machine: {} cores, load {load} at the start",
        machine.cores
    )?;
    writeln!(
        out,
        "\ndurable steps, synchronous=FULL, 10 steps a run, floor = SQLite alone"
    )?;
    writeln!(
        out,
        "{:>5} {:>10} {:>10} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}",
        "runs",
        "steps/s",
        "floor/s",
        "ratio",
        "run p50",
        "floor p50",
        "run p99",
        "CPU/step",
        "group",
        "memory"
    )?;
    for row in &report.durable {
        let ratio = row.floor_steps_per_s / row.steps_per_s.max(1.0);
        writeln!(
            out,
            "{:>5} {:>10.0} {:>10.0} {:>5.2}x {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>6} us {:>7.1} {:>4} MB",
            format!("c={}", row.concurrency),
            row.steps_per_s,
            row.floor_steps_per_s,
            ratio,
            row.run_ms_p50,
            row.floor_run_ms_p50,
            row.run_ms_p99,
            whole(row.cpu_us_per_step),
            row.commits_per_group,
            whole(row.resident_mb),
        )?;
    }
    writeln!(out, "\nruns that pile up in one file, 1 step each, c=64")?;
    writeln!(
        out,
        "{:>8} {:>10} {:>9} {:>7}",
        "stored", "steps/s", "run p50", "memory"
    )?;
    for row in &report.stored {
        let memory = whole(row.resident_mb);
        writeln!(
            out,
            "{:>8} {:>10.0} {:>6.2} ms {:>4} MB",
            row.runs, row.steps_per_s, row.run_ms_p50, memory
        )?;
    }
    writeln!(out, "\ncompiling, from bytes to Program")?;
    writeln!(
        out,
        "{:>8} {:>8} {:>9} {:>12}",
        "nodes", "edges", "time", "per node"
    )?;
    for row in &report.compile {
        let per_node = row.ms * 1_000.0 / row.nodes.max(1) as f64;
        writeln!(
            out,
            "{:>8} {:>8} {:>6.1} ms {per_node:>9.1} us",
            row.nodes, row.edges, row.ms
        )?;
    }
    Ok(())
}

fn whole(figure: Option<f64>) -> String {
    figure.map_or("?".to_owned(), |figure| format!("{figure:.0}"))
}
