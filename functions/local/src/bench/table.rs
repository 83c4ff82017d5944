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
    print_durable(report, out)?;
    print_stored(report, out)?;
    print_branching(report, out)?;
    print_families(report, out)?;
    print_streaming(report, out)?;
    print_compiled(report, out)?;
    print_exported(report, out)
}

fn print_branching(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\nbranches side by side, one run at a time; the ideal time is one branch's own.\nEach of several processes is sent to the run every 40 ms, and behind each call is a rest of 20 ms,\nwhich is a step too"
    )?;
    writeln!(
        out,
        "{:>9} {:>11} {:>9} {:>9} {:>15} {:>12} {:>12}",
        "processes",
        "branches",
        "steps each",
        "effect",
        "commits a step",
        "puts a step",
        "times ideal"
    )?;
    for row in &report.branching {
        writeln!(
            out,
            "{:>9} {:>11} {:>9} {:>6} ms {:>15.2} {:>12.2} {:>12.2}",
            row.processes,
            row.branches,
            row.steps_each,
            row.effect_ms,
            row.commits_per_step,
            row.puts_per_step,
            row.times_ideal
        )?;
    }
    Ok(())
}

fn print_families(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\nruns that let other runs work; the ideal time is the effects alone"
    )?;
    writeln!(
        out,
        "{:<44} {:>9} {:>5} {:>14} {:>8} {:>8} {:>12} {:>7}",
        "what", "effect", "runs", "commits a call", "largest", "calls/s", "times ideal", "memory"
    )?;
    for row in &report.families {
        write!(
            out,
            "{:<44} {:>6} ms {:>5} {:>14.2} {:>5} KB",
            row.what,
            row.effect_ms,
            row.runs,
            row.commits_per_call,
            row.commit_bytes_max.div_ceil(1_024)
        )?;
        writeln!(
            out,
            " {:>8.0} {:>12.2} {:>4} MB",
            row.calls_per_s,
            row.times_ideal,
            whole(row.resident_mb)
        )?;
    }
    Ok(())
}

fn print_streaming(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\nadded latency from acknowledgement to reader over loopback, runs of 200 steps of 2 ms"
    )?;
    writeln!(
        out,
        "{:>5} {:>13} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "runs", "readers each", "events", "events/s", "p50", "p99", "longest"
    )?;
    for row in &report.streaming {
        let (p50, p99, max) = (row.lag_ms_p50, row.lag_ms_p99, row.lag_ms_max);
        writeln!(
            out,
            "{:>5} {:>13} {:>10} {:>10.0} {p50:>6.2} ms {p99:>6.2} ms {max:>6.2} ms",
            row.runs, row.readers_each, row.events, row.events_per_s
        )?;
    }
    Ok(())
}

fn print_durable(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\ndurable steps, synchronous=FULL, 10 steps a run, floor = SQLite alone"
    )?;
    let heads = [
        "runs",
        "steps/s",
        "floor/s",
        "ratio",
        "run p50",
        "floor p50",
        "run p99",
    ];
    let [runs, steps, floor, ratio, p50, floor_p50, p99] = heads;
    write!(
        out,
        "{runs:>5} {steps:>10} {floor:>10} {ratio:>6} {p50:>9} {floor_p50:>9} {p99:>9}"
    )?;
    writeln!(out, " {:>9} {:>7} {:>7}", "CPU/step", "group", "memory")?;
    for row in &report.durable {
        let runs = format!("c={}", row.concurrency);
        let ratio = row.floor_steps_per_s / row.steps_per_s.max(1.0);
        let (steps, floor) = (row.steps_per_s, row.floor_steps_per_s);
        let (p50, floor_p50, p99) = (row.run_ms_p50, row.floor_run_ms_p50, row.run_ms_p99);
        write!(
            out,
            "{runs:>5} {steps:>10.0} {floor:>10.0} {ratio:>5.2}x {p50:>6.2} ms"
        )?;
        write!(
            out,
            " {floor_p50:>6.2} ms {p99:>6.2} ms {:>6} us",
            whole(row.cpu_us_per_step)
        )?;
        writeln!(
            out,
            " {:>7.1} {:>4} MB",
            row.commits_per_group,
            whole(row.resident_mb)
        )?;
    }
    Ok(())
}

fn print_stored(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\nruns that pile up in one file, 1 step each, c=64")?;
    writeln!(
        out,
        "{:>8} {:>10} {:>9} {:>7}",
        "stored", "steps/s", "run p50", "memory"
    )?;
    for row in &report.stored {
        let (steps, p50) = (row.steps_per_s, row.run_ms_p50);
        writeln!(
            out,
            "{:>8} {steps:>10.0} {p50:>6.2} ms {:>4} MB",
            row.runs,
            whole(row.resident_mb)
        )?;
    }
    Ok(())
}

fn print_compiled(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\ncompiling, from bytes to Program")?;
    writeln!(
        out,
        "{:>8} {:>8} {:>9} {:>12}",
        "nodes", "edges", "time", "per node"
    )?;
    for row in &report.compile {
        let per_node = row.ms * 1_000.0 / row.nodes.max(1) as f64;
        let (nodes, edges, ms) = (row.nodes, row.edges, row.ms);
        writeln!(out, "{nodes:>8} {edges:>8} {ms:>6.1} ms {per_node:>9.1} us")?;
    }
    Ok(())
}

fn print_exported(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\nexporting to all four coding agents")?;
    writeln!(out, "{:>8} {:>8} {:>9}", "nodes", "files", "time")?;
    for row in &report.export {
        let (nodes, files, ms) = (row.nodes, row.files, row.ms);
        writeln!(out, "{nodes:>8} {files:>8} {ms:>6.1} ms")?;
    }
    Ok(())
}

fn whole(figure: Option<f64>) -> String {
    figure.map_or("?".to_owned(), |figure| format!("{figure:.0}"))
}
