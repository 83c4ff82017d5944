//! Reads `/metrics` (OpenMetrics 1.0): one sample a line.

/// The samples of one answer.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Vec<Sample>);

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: String,
    value: f64,
}

impl Metrics {
    /// Reads the text; lines that are no samples are left out.
    pub fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        Self(samples.filter_map(Sample::parse).collect())
    }

    /// The sum of a counter or gauge over all its labels; 0 if nothing was counted.
    pub fn sum(&self, name: &str) -> u64 {
        self.sum_of(name, "")
    }

    /// The same over the labels that hold this text, such as `reason="slow"`.
    pub fn sum_of(&self, name: &str, label: &str) -> u64 {
        let found = self.0.iter().filter(|sample| sample.name == name);
        let found = found.filter(|sample| sample.labels.contains(label));
        // Counters are whole numbers far below 2^53.
        found.map(|sample| sample.value as u64).sum()
    }

    /// The upper bound of the bucket that holds this part of what a histogram saw.
    pub fn quantile(&self, name: &str, part: f64) -> Option<f64> {
        let name = format!("{name}_bucket");
        let buckets: Vec<(f64, f64)> = self
            .0
            .iter()
            .filter(|sample| sample.name == name)
            .filter_map(|sample| Some((sample.upper_bound()?, sample.value)))
            .collect();
        let (_, all) = *buckets.last()?;
        let found = buckets.iter().find(|(_, count)| *count >= all * part);
        found.filter(|_| all > 0.0).map(|(bound, _)| *bound)
    }
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        Some(Self {
            name: name.to_owned(),
            labels: labels.to_owned(),
            value: value.parse().ok()?,
        })
    }

    fn upper_bound(&self) -> Option<f64> {
        let (_, bound) = self.labels.split_once("le=\"")?;
        let (bound, _) = bound.split_once('"')?;
        match bound {
            "+Inf" => Some(f64::INFINITY),
            bound => bound.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_and_quantiles_found() {
        let metrics = Metrics::parse(
            "# TYPE cuts counter\ncuts_total{reason=\"slow\"} 3\ncuts_total{reason=\"time\"} 2\n\
             open 7\nlag_bucket{le=\"0.1\"} 50\nlag_bucket{le=\"0.2\"} 99\n\
             lag_bucket{le=\"+Inf\"} 100\n# EOF\n",
        );
        assert_eq!(metrics.sum("cuts_total"), 5);
        assert_eq!(metrics.sum_of("cuts_total", "reason=\"slow\""), 3);
        assert_eq!((metrics.sum("open"), metrics.sum("nothing")), (7, 0));
        assert_eq!(metrics.quantile("lag", 0.5), Some(0.1));
        assert_eq!(metrics.quantile("lag", 0.99), Some(0.2));
        assert_eq!(metrics.quantile("lag", 1.0), Some(f64::INFINITY));
        assert_eq!(metrics.quantile("other", 0.5), None);
    }
}
