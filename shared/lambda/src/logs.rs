//! The log: a JSON object a line on standard output, redacted. The fields of an event and of the
//! spans around it stand at the top, beside what the invocation says of itself, so that
//! `filter run = "..."` finds them.

use crate::invocation;
use lattice_model::Millis;
use lattice_policy::Redactor;
use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

/// What the names of our crates begin with.
const OURS: &str = "lattice";

/// What every line says of the process.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The function.
    pub function: &'static str,
    /// `dev`, `staging` or `prod`.
    pub deployment: String,
}

/// Starts logging to standard output; `filter` is a level, or several with their targets
/// (`warn,lattice_driver=debug`). A panic becomes a line too.
pub fn start(labels: Labels, filter: &str, redactor: &Arc<Redactor>) {
    let subscriber = subscriber(labels, filter, redactor, io::stdout);
    // A second start, as in tests, changes nothing.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let at = panic.location().map(ToString::to_string);
            let said = panic.payload_as_str().unwrap_or("no text");
            tracing::error!(at, said, "a panic");
        }));
    }
}

fn subscriber<W, O>(
    labels: Labels,
    filter: &str,
    redactor: &Arc<Redactor>,
    out: W,
) -> impl Subscriber + Send + Sync + use<W, O>
where
    W: Fn() -> O + Send + Sync + 'static,
    O: Write + 'static,
{
    let lines = Lines {
        redactor: Arc::clone(redactor),
        out,
    };
    let targets = targets(filter);
    let layer = tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Json { labels })
        .with_writer(lines);
    tracing_subscriber::registry().with(targets).with(layer)
}

/// What is logged. A level alone that is finer than `info` is meant for us: the libraries below would
/// tell each request, so they have to be named to be heard.
fn targets(filter: &str) -> Targets {
    // Too much is better than nothing: of a filter that is none, the usual level is left.
    let usual = || Targets::new().with_default(LevelFilter::INFO);
    let targets: Targets = filter.parse().unwrap_or_else(|_| usual());
    let named = targets.iter().any(|(target, _)| target == OURS);
    match targets.default_level() {
        Some(level) if level > LevelFilter::INFO => {
            let targets = targets.with_default(LevelFilter::INFO);
            match named {
                true => targets,
                false => targets.with_target(OURS, level),
            }
        }
        _ => targets,
    }
}

/// Writes an event as one JSON object.
struct Json {
    labels: Labels,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = self.begin(event);
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>();
            let fields = fields.and_then(|fields| serde_json::from_str(&fields.fields).ok());
            if let Some(Value::Object(fields)) = fields {
                // The inner span says it better.
                for (name, value) in fields {
                    line.entry(name).or_insert(value);
                }
            }
        }
        let mut own = Own(Map::new());
        event.record(&mut own);
        line.extend(own.0);
        writeln!(writer, "{}", Value::Object(line))
    }
}

impl Json {
    fn begin(&self, event: &Event<'_>) -> Map<String, Value> {
        let metadata = event.metadata();
        let mut line = Map::new();
        let mut put = |name: &str, value: String| line.insert(name.to_owned(), value.into());
        put("timestamp", now().rfc3339());
        put("level", metadata.level().to_string());
        put("target", metadata.target().to_owned());
        put("function", self.labels.function.to_owned());
        put("deployment", self.labels.deployment.clone());
        if let Some(at_hand) = invocation::at_hand() {
            put("requestId", at_hand.request_id);
        }
        if let Some(trace) = crate::trace::current() {
            put("traceId", trace.id().to_owned());
        }
        line
    }
}

/// The fields of one event.
struct Own(Map<String, Value>);

impl Own {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Own {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut said = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            // Writing to a String does not fail.
            let _ = write!(said, ": {cause}");
            source = cause.source();
        }
        self.put(field, said);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// Where lines go.
struct Lines<W> {
    redactor: Arc<Redactor>,
    out: W,
}

/// Gathers one line and writes it, redacted, when it is dropped.
struct Line<O: Write> {
    redactor: Arc<Redactor>,
    out: O,
    bytes: Vec<u8>,
}

impl<'a, O: Write, W: Fn() -> O> MakeWriter<'a> for Lines<W> {
    type Writer = Line<O>;

    fn make_writer(&'a self) -> Line<O> {
        Line {
            redactor: Arc::clone(&self.redactor),
            out: (self.out)(),
            bytes: Vec::new(),
        }
    }
}

impl<O: Write> Write for Line<O> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<O: Write> Drop for Line<O> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let _ = self
            .out
            .write_all(self.redactor.redact_text(&text).as_bytes());
    }
}

/// The moment, for people.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Millis::new(u64::try_from(ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, work: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let labels = Labels {
            function: "step",
            deployment: "dev".to_owned(),
        };
        let out = {
            let kept = kept.clone();
            move || kept.clone()
        };
        let subscriber = subscriber(labels, filter, &Arc::new(Redactor::new()), out);
        tracing::subscriber::with_default(subscriber, work);
        let bytes = kept.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_is_one_object_with_the_fields_of_all_spans_at_the_top() {
        let lines = logged("info", || {
            let outer = tracing::error_span!("message", run = "run_1", receives = 2);
            let _outer = outer.enter();
            let inner = tracing::info_span!("stage", stage = "ask#1", receives = 3);
            let _inner = inner.enter();
            tracing::warn!(seq = 7, "it is so");
        });
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        for (name, value) in [
            ("level", Value::from("WARN")),
            ("message", "it is so".into()),
            ("run", "run_1".into()),
            ("stage", "ask#1".into()),
            ("seq", 7.into()),
            ("receives", 3.into()),
            ("function", "step".into()),
            ("deployment", "dev".into()),
        ] {
            assert_eq!(line[name], value, "{line}");
        }
        let at = line["timestamp"].as_str().unwrap();
        assert!(Millis::from_rfc3339(at).is_some());
    }

    #[test]
    fn the_filter_chooses_and_one_that_is_none_leaves_the_usual_level() {
        let work = || {
            tracing::debug!(target: "lattice_driver", "fine");
            tracing::info!("usual");
            tracing::error!("bad");
        };
        assert_eq!(logged("error,lattice_driver=debug", work).len(), 2);
        assert_eq!(logged("off", work).len(), 0);
        assert_eq!(logged("what=is=this", work).len(), 2);
    }

    #[test]
    fn a_fine_level_alone_is_ours_and_a_library_is_heard_when_it_is_named() {
        let work = || {
            tracing::debug!("ours");
            tracing::info!(target: "aws_smithy_runtime", "a library's");
            tracing::debug!(target: "aws_smithy_runtime", "a library's request");
            tracing::trace!(target: "hyper_util", "a library's connection");
        };
        assert_eq!(logged("debug", work).len(), 2);
        assert_eq!(logged("trace", work).len(), 2);
        assert_eq!(logged("debug,aws_smithy_runtime=debug", work).len(), 3);
        assert_eq!(logged("debug,lattice=warn", work).len(), 1);
        assert_eq!(logged("warn", work).len(), 0);
    }

    #[test]
    fn what_looks_like_a_secret_is_taken_out_and_the_line_stays_json() {
        let key = format!("sk-{}", "aB3dE5fG7h".repeat(4));
        let lines = logged("info", || tracing::info!(said = %key, "refused"));
        let said = lines[0]["said"].as_str().unwrap();
        assert!(
            said.contains("redacted") && !said.contains("aB3d"),
            "{said}"
        );
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = io::Error::other(io::Error::other("the cause"));
        let error: &(dyn std::error::Error + 'static) = &error;
        let lines = logged("info", || tracing::info!(error, "no"));
        assert!(lines[0]["error"].as_str().unwrap().contains("the cause"));
    }
}
