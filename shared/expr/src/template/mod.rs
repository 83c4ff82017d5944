//! Templates: text with `{{references}}` in it. `\{{` stands for the characters `{{`.
//! Before `{{` backslashes count in pairs, so `\\{{in.x}}` is one backslash and then the value.

mod chunks;

pub(crate) use chunks::{Chunk, Chunks};

use crate::error::{ExprError, Language, check_length};
use crate::reference::{Reference, Root};
use crate::scope::Scope;
use lattice_model::limits::{TEMPLATE_BYTES_MAX, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// A parsed template. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Arc<Parsed>);

#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    source: String,
    pieces: Vec<Piece>,
    references: Vec<Reference>,
}

/// Text, or the place of a reference in `references`.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Reference(usize),
}

/// A rendered text in which secrets are still only named.
///
/// // INVARIANT: a secret enters by `Part::Secret` alone, never by its name in a text: an input that
/// holds the characters `{{secret.X}}` stays those characters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rendered {
    /// The parts in order; no two texts stand side by side and none is empty.
    pub parts: Vec<Part>,
}

/// A part of a rendered text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// Plain text.
    Text(String),
    /// The name of a secret whose value the performer of the effect puts in.
    Secret(String),
}

impl Template {
    /// Reads a template. Fails on an unclosed `{{`, on anything but a reference between the braces
    /// and on more than `TEMPLATE_BYTES_MAX` bytes.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        check_length(Language::Template, source, TEMPLATE_BYTES_MAX)?;
        let mut parser = Parser {
            source,
            pieces: Vec::new(),
            references: Vec::new(),
        };
        parser.run()?;
        Ok(Self(Arc::new(Parsed {
            source: source.to_owned(),
            pieces: parser.pieces,
            references: parser.references,
        })))
    }

    /// A template that renders as exactly this text, whatever it holds.
    pub fn escape(text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let (before, after) = rest.split_at(open);
            escaped.push_str(before);
            let backslashes = before.len() - before.trim_end_matches('\\').len();
            escaped.extend(std::iter::repeat_n('\\', backslashes + 1));
            escaped.push_str("{{");
            rest = after.get(2..).unwrap_or_default();
        }
        escaped.push_str(rest);
        escaped
    }

    /// The references in the order of the text, repeated ones included.
    pub fn references(&self) -> &[Reference] {
        &self.0.references
    }

    /// How many bytes of the text stand there whatever the references give.
    pub fn fixed_bytes(&self) -> usize {
        let texts = self.0.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Reference(_) => 0,
        });
        texts.sum()
    }

    /// The text that it renders as, if it refers to nothing.
    pub fn fixed_text(&self) -> Option<String> {
        let texts = self.0.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Reference(_) => None,
        });
        texts.collect()
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Puts the values in. Texts stand as they are, everything else as compact JSON (so null is
    /// `null`). Fails where a reference has no value, and over `VALUE_BYTES_MAX` bytes.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Rendered, ExprError> {
        let mut rendered = Rendered::default();
        let mut bytes = 0;
        for piece in &self.0.pieces {
            let part = match piece {
                Piece::Text(text) => Part::Text(text.clone()),
                Piece::Reference(place) => match self.0.references.get(*place) {
                    Some(reference) => part_of(reference, scope)?,
                    None => continue,
                },
            };
            bytes += match &part {
                Part::Text(text) | Part::Secret(text) => text.len(),
            };
            if bytes > VALUE_BYTES_MAX {
                return Err(ExprError::TooLarge {
                    what: Language::Template,
                    max: VALUE_BYTES_MAX,
                });
            }
            rendered.push(part);
        }
        Ok(rendered)
    }

    /// The value of the template: of one that is exactly one reference the value itself with its
    /// type, of any other the rendered text. Fails where a secret is mentioned.
    pub fn render_value(&self, scope: &Scope<'_>) -> Result<Value, ExprError> {
        if let Some(secret) = self
            .references()
            .iter()
            .find(|found| found.root == Root::Secret)
        {
            return Err(ExprError::SecretNotAllowed {
                name: secret.secret_name(),
            });
        }
        match (self.0.pieces.as_slice(), self.references()) {
            ([Piece::Reference(_)], [reference]) => scope.get(reference).map(Cow::into_owned),
            _ => self
                .render(scope)
                .map(|rendered| Value::String(rendered.to_display())),
        }
    }
}

fn part_of(reference: &Reference, scope: &Scope<'_>) -> Result<Part, ExprError> {
    if reference.root == Root::Secret {
        return Ok(Part::Secret(reference.secret_name()));
    }
    Ok(Part::Text(match scope.get(reference)?.into_owned() {
        Value::String(text) => text,
        other => other.to_string(),
    }))
}

impl Rendered {
    /// A text without secrets.
    pub fn of_text(text: impl Into<String>) -> Self {
        let mut rendered = Self::default();
        rendered.push(Part::Text(text.into()));
        rendered
    }

    /// The text for people: a secret is shown as `{{secret.NAME}}`.
    pub fn to_display(&self) -> String {
        let shown = self.parts.iter().map(|part| match part {
            Part::Text(text) => Cow::Borrowed(text.as_str()),
            Part::Secret(name) => Cow::Owned(format!("{{{{secret.{name}}}}}")),
        });
        shown.collect()
    }

    /// The names of the secrets, in order, repeated ones included.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    fn push(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(last)), Part::Text(text)) => last.push_str(&text),
            (_, part) => self.parts.push(part),
        }
    }
}

struct Parser<'t> {
    source: &'t str,
    pieces: Vec<Piece>,
    references: Vec<Reference>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), ExprError> {
        for chunk in Chunks::new(self.source) {
            match chunk {
                Chunk::Text(text) => self.text(text),
                Chunk::Braces(inner, at) => {
                    let reference = Reference::parse_at(inner, at)?;
                    self.pieces.push(Piece::Reference(self.references.len()));
                    self.references.push(reference);
                }
                Chunk::Unclosed(at) => return Err(ExprError::Unclosed { at }),
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn rendered(template: &str) -> Result<Rendered, String> {
        let input =
            json!({"t": "T", "n": null, "o": {"b": [1, 2.5, true]}, "evil": "{{secret.X}}"});
        let vars = BTreeMap::from([("}} odd".to_owned(), json!("v"))]);
        let nodes = BTreeMap::from([("a-1".to_owned(), json!({"x": [{"y": "deep"}]}))]);
        let run = json!({"id": "r"});
        let template = Template::parse(template).map_err(|error| error.to_string())?;
        template
            .render(&Scope::new(&input, &vars, &nodes, &run))
            .map_err(|error| error.to_string())
    }

    fn check(template: &str, text: &str) {
        assert_eq!(rendered(template).unwrap().to_display(), text, "{template}");
    }

    #[test]
    fn values_stand_in_the_text() {
        check("", "");
        check("no reference", "no reference");
        check("{{in.t}} and {{ in.t }}", "T and T");
        check("{{in.n}} {{in.o}}", "null {\"b\":[1,2.5,true]}");
        check("{{nodes.a-1.output.x[0].y}}", "deep");
        check("{{vars[\"}} odd\"]}}", "v");
        check("{\"a\":{{in.o.b[0]}}}", "{\"a\":1}");
        check("}} alone", "}} alone");
    }

    #[test]
    fn backslashes_before_braces_count_in_pairs() {
        check(r"\{{in.t}}", "{{in.t}}");
        check(r"\\{{in.t}}", r"\T");
        check(r"\\\{{in.t}}", r"\{{in.t}}");
        check(r"C:\dir\ {{in.t}}", r"C:\dir\ T");
    }

    #[test]
    fn a_secret_is_a_part_and_a_text_is_never_a_secret() {
        let with = rendered("Bearer {{secret.KEY}}!").unwrap();
        assert_eq!(
            with.parts,
            [
                Part::Text("Bearer ".into()),
                Part::Secret("KEY".into()),
                Part::Text("!".into())
            ]
        );
        assert_eq!(with.secrets().collect::<Vec<_>>(), ["KEY"]);
        assert_eq!(with.to_display(), "Bearer {{secret.KEY}}!");
        let without = rendered("x {{in.evil}}").unwrap();
        assert_eq!(without, Rendered::of_text("x {{secret.X}}"));
        assert_eq!(without.secrets().count(), 0);
    }

    #[test]
    fn the_stored_shape_stays() {
        let rendered = rendered("a{{secret.K}}").unwrap();
        let stored = json!({"parts": [{"text": "a"}, {"secret": "K"}]});
        assert_eq!(serde_json::to_value(&rendered).unwrap(), stored);
        assert_eq!(
            serde_json::from_value::<Rendered>(stored).unwrap(),
            rendered
        );
    }

    #[test]
    fn problems_name_the_place() {
        let said = |template: &str| rendered(template).unwrap_err();
        assert!(said("ab {{in.t").starts_with("the `{{` at byte 3 has no `}}`"));
        assert!(said("{{ name }}").starts_with("`name` at byte 3 is not known"));
        assert!(said("{{}}").contains("must start with a name"));
        assert_eq!(
            said("{{in.gone}}"),
            "`in.gone` has no value: there is no `gone`"
        );
        let long = "x".repeat(TEMPLATE_BYTES_MAX);
        assert!(rendered(&long).is_ok());
        assert!(
            rendered(&format!("{long}x"))
                .unwrap_err()
                .contains("262144")
        );
    }

    #[test]
    fn a_single_reference_keeps_its_type() {
        let input = json!({"n": 3, "s": "x"});
        let scope = Scope::of_input(&input);
        let value = |text: &str| Template::parse(text).unwrap().render_value(&scope);
        assert_eq!(value("{{in.n}}"), Ok(json!(3)));
        assert_eq!(value("{{ in }}"), Ok(input.clone()));
        assert_eq!(value("{{in.n}} "), Ok(json!("3 ")));
        assert_eq!(value("plain"), Ok(json!("plain")));
        assert!(matches!(
            value("{{secret.A}}"),
            Err(ExprError::SecretNotAllowed { .. })
        ));
        assert!(matches!(
            value("x{{secret.A}}"),
            Err(ExprError::SecretNotAllowed { .. })
        ));
    }

    #[test]
    fn a_text_that_grows_without_bound_is_refused() {
        let input = json!({"big": "x".repeat(64 * 1024)});
        let at_limit = Template::parse(&"{{in.big}}".repeat(64)).unwrap();
        assert!(at_limit.render(&Scope::of_input(&input)).is_ok());
        let over = Template::parse(&"{{in.big}}".repeat(65)).unwrap();
        assert!(matches!(
            over.render(&Scope::of_input(&input)),
            Err(ExprError::TooLarge {
                max: VALUE_BYTES_MAX,
                ..
            })
        ));
    }

    #[test]
    fn references_know_where_they_stand() {
        let source = "ü {{ in.t }}{{secret.K}}";
        let template = Template::parse(source).unwrap();
        let found: Vec<_> = template
            .references()
            .iter()
            .map(|r| &source[r.span.clone()])
            .collect();
        assert_eq!(found, ["in.t", "secret.K"]);
    }

    proptest! {
        #[test]
        fn an_escaped_text_renders_as_itself(text in "[a{}\\\\ü\\[\"']{0,24}") {
            check(&Template::escape(&text), &text);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Template::parse(&text);
            let _ = Template::parse(&format!("{{{{{text}}}}}"));
        }

        #[test]
        fn an_input_is_put_in_unchanged(text in any::<String>()) {
            let input = Value::from(text.clone());
            let shown = Template::parse("<{{in}}>").unwrap().render(&Scope::of_input(&input)).unwrap();
            prop_assert_eq!(shown.to_display(), format!("<{text}>"));
        }
    }
}
