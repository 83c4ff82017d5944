//! Cuts a template at its braces, before anyone looks at what stands between them.

/// A stretch of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunk<'t> {
    /// Plain text, escapes already taken out.
    Text(&'t str),
    /// What stands between `{{` and `}}`, without the spaces around it, and where it starts.
    Braces(&'t str, usize),
    /// A `{{` without an end, and where it stands.
    Unclosed(usize),
}

/// Cuts a template at its braces. The end of a reference is the first `}}` outside quotes.
pub(crate) struct Chunks<'t> {
    source: &'t str,
    pos: usize,
    /// An escaped `{{` whose text is still to be given out.
    escaped: bool,
    /// A `{{` at `pos` that is to be read next.
    opens: bool,
}

impl<'t> Chunks<'t> {
    pub fn new(source: &'t str) -> Self {
        Self {
            source,
            pos: 0,
            escaped: false,
            opens: false,
        }
    }

    fn slice(&self, range: std::ops::Range<usize>) -> &'t str {
        self.source.get(range).unwrap_or_default()
    }

    fn braces(&mut self) -> Chunk<'t> {
        let start = self.pos + 2;
        let Some(length) = closing(self.slice(start..self.source.len())) else {
            let at = self.pos;
            self.pos = self.source.len();
            return Chunk::Unclosed(at);
        };
        let inner = self.slice(start..start + length);
        self.pos = start + length + 2;
        let leading = inner.len() - inner.trim_start().len();
        Chunk::Braces(inner.trim(), start + leading)
    }
}

impl<'t> Iterator for Chunks<'t> {
    type Item = Chunk<'t>;

    fn next(&mut self) -> Option<Chunk<'t>> {
        if std::mem::take(&mut self.escaped) {
            self.pos += 2;
            return Some(Chunk::Text("{{"));
        }
        if std::mem::take(&mut self.opens) {
            return Some(self.braces());
        }
        let rest = self.slice(self.pos..self.source.len());
        if rest.is_empty() {
            return None;
        }
        let Some(open) = rest.find("{{") else {
            self.pos = self.source.len();
            return Some(Chunk::Text(rest));
        };
        let before = rest.get(..open).unwrap_or_default();
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        let kept = open - backslashes.div_ceil(2);
        self.pos += open;
        self.escaped = backslashes % 2 == 1;
        self.opens = !self.escaped;
        Some(Chunk::Text(before.get(..kept).unwrap_or_default()))
    }
}

/// The place of the first `}}` that is not inside a quoted name.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let mut last = None;
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(open) => {
                if byte == open && !escaped {
                    quote = None;
                }
                escaped = byte == b'\\' && open == b'"' && !escaped;
            }
            None if byte == b'}' && last == Some(b'}') => return at.checked_sub(1),
            // Only right after `[` does a quote open a name.
            None if (byte == b'"' || byte == b'\'') && last == Some(b'[') => quote = Some(byte),
            None => {}
        }
        last = Some(byte);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn check(source: &str, expected: &[Chunk<'_>]) {
        let chunks: Vec<_> = Chunks::new(source)
            .filter(|chunk| *chunk != Chunk::Text(""))
            .collect();
        assert_eq!(chunks, expected, "{source}");
    }

    #[test]
    fn a_template_is_cut_at_its_braces() {
        check(
            "a{{ b }}c",
            &[Chunk::Text("a"), Chunk::Braces("b", 4), Chunk::Text("c")],
        );
        check(
            "{{a}}{{b}}",
            &[Chunk::Braces("a", 2), Chunk::Braces("b", 7)],
        );
        check("{{}}", &[Chunk::Braces("", 2)]);
        check("{{{a}}}", &[Chunk::Braces("{a", 2), Chunk::Text("}")]);
        check("a {{b", &[Chunk::Text("a "), Chunk::Unclosed(2)]);
        check(r"\\{{a}}", &[Chunk::Text(r"\"), Chunk::Braces("a", 4)]);
        check(r"\{{a}}", &[Chunk::Text("{{"), Chunk::Text("a}}")]);
    }

    #[test]
    fn braces_in_a_quoted_name_do_not_close() {
        check("{{in[\"}}\"]}}", &[Chunk::Braces("in[\"}}\"]", 2)]);
        check("{{in['}}']}}", &[Chunk::Braces("in['}}']", 2)]);
        check("{{in[\"\\\"}}\"]}}", &[Chunk::Braces("in[\"\\\"}}\"]", 2)]);
        check(
            "{{it's}} {{'}}",
            &[
                Chunk::Braces("it's", 2),
                Chunk::Text(" "),
                Chunk::Braces("'", 11),
            ],
        );
        check("{{in[\"open}}", &[Chunk::Unclosed(0)]);
    }
}
