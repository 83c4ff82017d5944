//! Tells an expression from a sentence. Conditions of older documents are mostly sentences ("All
//! checks are green"), which a model judges; `status == 'ok'` is an expression and stays one.

use lattice_model::limits::EXPRESSION_BYTES_MAX;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Token<'t> {
    /// A number, a quoted text, or `true`, `false`, `null`.
    Literal(&'t str),
    /// A path, in braces or starting with `$`: certainly a name.
    Name(&'t str),
    /// A word: a name or a word of a sentence.
    Word(&'t str),
    /// An operator between two values.
    Between(&'static str),
    /// `!`
    Not,
    Open,
    Close,
}

/// The longest first, so that `==` is not read as two signs.
const BETWEEN: &[(&str, &str)] = &[
    ("===", "=="),
    ("!==", "!="),
    ("==", "=="),
    ("!=", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("&&", "&&"),
    ("||", "||"),
    ("<", "<"),
    (">", ">"),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("%", "%"),
];
/// Operators that make a truth value.
const JUDGING: &[&str] = &["==", "!=", "<=", ">=", "<", ">", "&&", "||"];

/// The condition in CEL, if it is an expression. `path` gives the path of today for an older
/// one, and `is_declared` says whether the document declares a bare word.
pub(crate) fn as_expression(
    text: &str,
    path: &dyn Fn(&str) -> Option<String>,
    is_declared: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return None;
    }
    let tokens = tokens(text)?;
    if !is_well_formed(&tokens) || !judges(&tokens) {
        return None;
    }
    let mut out = String::new();
    let mut before: Option<&Token<'_>> = None;
    for token in &tokens {
        let written = match token {
            Token::Literal(literal) => (*literal).to_owned(),
            Token::Name(name) => path(name).unwrap_or_else(|| name.trim().to_owned()),
            // An undeclared word (`target == 'claude'`) may be a name or a word of a sentence;
            // only a model can tell, and it judged such conditions before.
            Token::Word(word) if !is_declared(word) => return None,
            Token::Word(word) => path(word).unwrap_or_else(|| (*word).to_owned()),
            Token::Between(sign) => (*sign).to_owned(),
            Token::Not => "!".to_owned(),
            Token::Open => "(".to_owned(),
            Token::Close => ")".to_owned(),
        };
        let tight =
            matches!(before, None | Some(Token::Not | Token::Open)) || *token == Token::Close;
        if !tight {
            out.push(' ');
        }
        out.push_str(&written);
        before = Some(token);
    }
    Some(out)
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let (token, length) = token(rest, first)?;
        tokens.push(token);
        rest = rest.get(length..)?.trim_start();
    }
    Some(tokens)
}

fn token(rest: &str, first: char) -> Option<(Token<'_>, usize)> {
    if let Some(inner) = rest.strip_prefix("{{") {
        let (inner, _) = inner.split_once("}}")?;
        return Some((Token::Name(inner), inner.len() + 4));
    }
    if let Some((sign, written)) = BETWEEN.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Some((Token::Between(written), sign.len()));
    }
    let run = |legal: &dyn Fn(char) -> bool| {
        let end = rest
            .char_indices()
            .find(|(at, sign)| *at > 0 && !legal(*sign));
        rest.get(..end.map_or(rest.len(), |(at, _)| at))
    };
    match first {
        '!' => Some((Token::Not, 1)),
        '(' => Some((Token::Open, 1)),
        ')' => Some((Token::Close, 1)),
        '"' | '\'' => {
            let end = closing_quote(rest, first)?;
            Some((Token::Literal(rest.get(..end)?), end))
        }
        _ if first.is_ascii_digit() => {
            let number = run(&|sign| sign.is_ascii_digit() || sign == '.')?;
            Some((Token::Literal(number), number.len()))
        }
        '$' | '_' | 'a'..='z' | 'A'..='Z' => {
            let path = |sign: char| sign.is_ascii_alphanumeric() || "_.[]".contains(sign);
            let word = run(&path)?;
            let token = match word {
                "true" | "false" | "null" => Token::Literal(word),
                _ if first == '$' => Token::Name(word),
                _ => Token::Word(word),
            };
            Some((token, word.len()))
        }
        _ => None,
    }
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Whether values and operators take turns and brackets match.
fn is_well_formed(tokens: &[Token<'_>]) -> bool {
    let mut open = 0_usize;
    let mut value_expected = true;
    for token in tokens {
        match (token, value_expected) {
            (Token::Literal(_) | Token::Name(_) | Token::Word(_), true) => value_expected = false,
            (Token::Between(_), false) => value_expected = true,
            (Token::Not, true) => {}
            (Token::Between("-"), true) => {}
            (Token::Open, true) => open += 1,
            (Token::Close, false) if open > 0 => open -= 1,
            _ => return false,
        }
    }
    open == 0 && !value_expected
}

/// Whether it says true or false: by an operator, or because it is nothing but a name.
fn judges(tokens: &[Token<'_>]) -> bool {
    let judges = |token: &Token<'_>| match token {
        Token::Between(sign) => JUDGING.contains(sign),
        Token::Not => true,
        _ => false,
    };
    matches!(tokens, [Token::Name(_)]) || tokens.iter().any(judges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_told_from_sentences() {
        let path = |old: &str| {
            let old = old.trim();
            Some(
                old.strip_prefix('$')
                    .map_or_else(|| format!("in.{old}"), str::to_owned),
            )
        };
        let check = |text: &str| {
            as_expression(text, &path, &|word| {
                ["limit", "status", "a.b", "c", "count", "delta"].contains(&word)
            })
        };
        for (text, expected) in [
            ("status == 'ok'", "in.status == 'ok'"),
            ("{{score}}>80", "in.score > 80"),
            ("$vars.ready === true", "vars.ready == true"),
            (
                "!(a.b < 2 && c != \"x\\\"y\")",
                "!(in.a.b < 2 && in.c != \"x\\\"y\")",
            ),
            ("{{ approved }}", "in.approved"),
            ("count > limit", "in.count > in.limit"),
            ("delta > -1", "in.delta > - 1"),
        ] {
            assert_eq!(check(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "All checks are green",
            "Success",
            "count > 3 files changed",
            "status == done",
            "target == 'claude'",
            "",
            "a ==",
            "(a == 1",
            "a == 1)",
            "1 + 2",
            "the build's fine",
            "80% > x?",
            "a = 1",
            "Überprüfung bestanden",
            "a == \"open",
        ] {
            assert_eq!(check(text), None, "{text}");
        }
    }
}
