//! Trace context as the W3C writes it (Trace Context, level 1): it comes with a request or a message,
//! goes on with every message that is sent, and stands in every line of the log.

use crate::invocation;
use std::fmt;

/// One hop of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The whole trace: 32 hexadecimal digits.
    id: String,
    /// The hop: 16 hexadecimal digits.
    span: String,
    /// What the sender decided, such as whether the trace is kept: 2 hexadecimal digits.
    flags: String,
}

tokio::task_local! {
    /// The trace of the message that this task serves.
    static CURRENT: Option<Trace>;
}

impl Trace {
    /// Reads the value of a `traceparent` header or attribute. `None` if it is not one: a trace that
    /// cannot be read is begun anew, as the specification wants it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, id) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        // A later version may say more behind this; version 00 may not.
        let ends = parts.next().is_none() || version != "00";
        let is_good = is_hex(version, 2)
            && version != "ff"
            && is_hex(id, 32)
            && is_hex(span, 16)
            && is_hex(flags, 2)
            && !is_zero(id)
            && !is_zero(span);
        (is_good && ends).then(|| Self {
            id: id.to_owned(),
            span: span.to_owned(),
            flags: flags.to_owned(),
        })
    }

    /// A trace that begins here, made of sixteen bytes that nobody has seen before.
    pub fn begin(fresh: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(fresh);
        Self {
            id: format!("{:032x}", number.max(1)),
            span: span_of(fresh),
            flags: "00".to_owned(),
        }
    }

    /// The next hop of the same trace.
    #[must_use]
    pub fn next(&self, fresh: [u8; 16]) -> Self {
        Self {
            span: span_of(fresh),
            ..self.clone()
        }
    }

    /// The whole trace's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{}", self.id, self.span, self.flags)
    }
}

/// Does the work as a part of this trace.
pub async fn within<T>(trace: Option<Trace>, work: impl Future<Output = T>) -> T {
    CURRENT.scope(trace, work).await
}

/// The trace that the work at hand is a part of: that of its message, else that of the invocation.
pub fn current() -> Option<Trace> {
    let of_task = CURRENT.try_with(Clone::clone).ok().flatten();
    of_task.or_else(invocation::trace)
}

fn span_of(fresh: [u8; 16]) -> String {
    let number = u128::from_be_bytes(fresh);
    // The lower half: the upper one begins the trace's own id when both come from one draw.
    let low = number & u128::from(u64::MAX);
    format!("{:016x}", low.max(1))
}

fn is_hex(text: &str, digits: usize) -> bool {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == digits && text.bytes().all(lower)
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_is_read_and_goes_on_under_its_own_id() {
        let trace = Trace::parse(GOOD).unwrap();
        assert_eq!(trace.to_string(), GOOD);
        let next = trace.next([7; 16]);
        assert_eq!(next.id(), trace.id());
        assert_ne!(next.to_string(), GOOD);
        assert_eq!(Trace::parse(&next.to_string()), Some(next));
        let begun = Trace::begin([0; 16]).to_string();
        assert!(Trace::parse(&begun).is_some(), "{begun}");
    }

    #[test]
    fn what_is_no_trace_is_none() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let later = format!("01-{id}-00f067aa0ba902b7-01-more");
        assert!(Trace::parse(&later).is_some());
        for wrong in [
            "",
            "00",
            "x",
            &GOOD.to_uppercase(),
            &format!("{GOOD}-more"),
            &format!("ff-{id}-00f067aa0ba902b7-01"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{id}-{}-01", "0".repeat(16)),
            &format!("00-{id}-00f067aa0ba902b-01"),
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn work_knows_the_trace_of_its_message() {
        let trace = Trace::parse(GOOD);
        let seen = within(trace.clone(), async { current() }).await;
        assert_eq!(seen, trace);
    }
}
