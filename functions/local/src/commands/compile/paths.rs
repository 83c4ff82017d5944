//! The paths through a workflow as a person reads them.

use lattice_compiler::estimate::{Cost, Estimate, Span};
use std::str::FromStr;

/// What a million tokens of a model cost, in whatever currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    model: String,
    sent: f64,
    answered: f64,
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no price; write it as `small=0.25/2`");
        let (model, prices) = text.rsplit_once('=').ok_or_else(wrong)?;
        let (sent, answered) = prices.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| {
            let number: f64 = text.trim().parse().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        let sent = number(sent).ok_or_else(wrong)?;
        let answered = number(answered).ok_or_else(wrong)?;
        match model.trim() {
            "" => Err(wrong()),
            model => Ok(Self {
                model: model.to_owned(),
                sent,
                answered,
            }),
        }
    }
}

/// Every path, then all of them together.
pub fn show(found: &Estimate, prices: &[Price], mut line: impl FnMut(String)) {
    for (place, path) in found.paths.iter().enumerate() {
        let ways = match path.ways.as_slice() {
            [] => String::new(),
            ways => format!(" by {}", ways.join(", ")),
        };
        line(format!("path {} to `{}`{ways}", place + 1, path.end));
        line(format!("  {}", cost(&path.cost, prices)));
    }
    if found.more > 0 {
        line(format!("{} more paths are not shown", found.more));
    }
    if found.paths.len() > 1 || found.more > 0 {
        line("any path".to_owned());
        line(format!("  {}", cost(&found.all, prices)));
    }
}

fn cost(cost: &Cost, prices: &[Price]) -> String {
    let mut parts = vec![format!("{} steps", plain(cost.steps))];
    for (model, usage) in &cost.models {
        parts.push(format!(
            "{} calls of `{model}` ({} tokens sent, {} answered)",
            plain(usage.calls),
            plain(usage.prompt_tokens),
            plain(usage.answer_tokens)
        ));
    }
    if cost.other_runs != Span::exactly(0) {
        parts.push(format!(
            "{} runs of other workflows, not counted here",
            plain(cost.other_runs)
        ));
    }
    if cost.questions != Span::exactly(0) {
        parts.push(format!("{} questions to a person", plain(cost.questions)));
    }
    let time = cost.time_ms;
    parts.push(match time.most {
        Some(most) if most == time.least => duration(most),
        Some(most) => format!("{} to {}", duration(time.least), duration(most)),
        None => format!("{} or more", duration(time.least)),
    });
    let money = money(cost, prices);
    parts.extend(money);
    parts.join("; ")
}

/// What the calls cost at these prices; nothing if no price is given.
fn money(cost: &Cost, prices: &[Price]) -> Option<String> {
    if prices.is_empty() {
        return None;
    }
    let (mut least, mut most) = (0.0, Some(0.0));
    let mut unpriced = Vec::new();
    for (model, usage) in &cost.models {
        let Some(price) = prices.iter().find(|price| price.model == *model) else {
            unpriced.push(format!("`{model}`"));
            continue;
        };
        let of = |tokens: u64, price: f64| tokens as f64 * price / 1e6;
        least += of(usage.prompt_tokens.least, price.sent);
        least += of(usage.answer_tokens.least, price.answered);
        let ends = usage.prompt_tokens.most.zip(usage.answer_tokens.most);
        let own = ends.map(|(sent, answered)| of(sent, price.sent) + of(answered, price.answered));
        most = most.zip(own).map(|(sum, own)| sum + own);
    }
    let text = match most {
        Some(most) => format!("money {least:.6} to {most:.6}"),
        None => format!("money {least:.6} or more"),
    };
    Some(match unpriced.is_empty() {
        true => text,
        false => format!("{text}, without {}", unpriced.join(", ")),
    })
}

fn plain(span: Span) -> String {
    match span.most {
        Some(most) if most == span.least => most.to_string(),
        Some(most) => format!("{} to {most}", span.least),
        None => format!("{} or more", span.least),
    }
}

/// Milliseconds in the largest unit that leaves a number above one.
fn duration(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    let unit = UNITS.iter().find(|(size, _)| ms >= *size);
    match unit {
        Some((size, name)) if ms.is_multiple_of(*size) => format!("{} {name}", ms / size),
        Some((size, name)) => format!("{:.1} {name}", ms as f64 / *size as f64),
        None => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_price_names_a_model_and_two_numbers() {
        let price: Price = "anthropic/claude=3/15".parse().unwrap();
        assert_eq!(
            (price.model.as_str(), price.sent, price.answered),
            ("anthropic/claude", 3.0, 15.0)
        );
        for wrong in [
            "",
            "small",
            "small=3",
            "=1/2",
            "small=a/2",
            "small=-1/2",
            "small=1/inf",
        ] {
            let said = wrong.parse::<Price>().unwrap_err();
            assert!(said.contains("small=0.25/2"), "{said}");
        }
    }

    #[test]
    fn durations_are_short() {
        for (ms, is) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_500, "1.5 s"),
            (120_000, "2 min"),
            (172_800_000, "2 d"),
        ] {
            assert_eq!(duration(ms), is);
        }
    }
}
