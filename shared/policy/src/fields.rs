//! Which names stand for secrets, and what a value must look like to be one.

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// `password` and its like: a person may have chosen it, so it need not look random.
    Password,
    /// `api_key`, `clientSecret`, `authorization` ...
    Secret,
    /// `token`: often a secret, sometimes a word or a place in a list.
    Token,
    /// Nothing.
    Plain,
}

const PASSWORD_ENDS: &[&str] = &["password", "passwd", "passwort", "passphrase", "pwd"];

const SECRET_ENDS: &[&str] = &[
    "secret",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "authorization",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "sessiontoken",
    "bearertoken",
    "idtoken",
    "apitoken",
    "bottoken",
    "personaltoken",
    "connectionstring",
];

/// Names that are secrets as a whole, but not as the end of a longer name.
const SECRET_NAMES: &[&str] = &["cookie", "setcookie", "credential", "credentials"];

/// Tokens that lead to the next page or name a place, and that a workflow needs as they are.
const PLAIN_TOKEN_ENDS: &[&str] = &[
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "synctoken",
    "starttoken",
    "resumetoken",
];

/// What a name says. Case, `_`, `-`, `.` and spaces make no difference.
pub(crate) fn name_kind(name: &str) -> NameKind {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
    if ends(PASSWORD_ENDS) {
        NameKind::Password
    } else if ends(SECRET_ENDS) || SECRET_NAMES.contains(&name.as_str()) {
        NameKind::Secret
    } else if name.ends_with("token") && !ends(PLAIN_TOKEN_ENDS) {
        NameKind::Token
    } else {
        NameKind::Plain
    }
}

/// Whether a value in running text, behind a name of the kind, is a secret rather than a word.
pub(crate) fn is_secret_value(kind: NameKind, value: &str) -> bool {
    if is_reference(value) || value.starts_with("run_") {
        return false;
    }
    match kind {
        NameKind::Plain => false,
        NameKind::Password => has_digit(value) && value.len() >= 6 || has_symbol(value),
        NameKind::Secret | NameKind::Token => {
            value.len() >= KEYED_BYTES_MIN && is_mixed(value) && entropy(value) >= ENTROPY_BITS_MIN
        }
    }
}

/// A shorter value behind `token` or `api_key` is a word or a number.
const KEYED_BYTES_MIN: usize = 10;
/// Bits per byte; English words of this length and repeated characters stay below.
const ENTROPY_BITS_MIN: f64 = 2.9;

/// Letters and digits both.
pub(crate) fn is_mixed(value: &str) -> bool {
    has_digit(value) && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

fn has_symbol(value: &str) -> bool {
    let symbol = |byte: u8| b"!@#$%^*+=~?".contains(&byte);
    value.bytes().any(symbol) && value.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// `$NAME` and `process.env.NAME` say where a secret comes from, not what it is.
fn is_reference(value: &str) -> bool {
    let identifier = |text: &str| {
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| !byte.is_ascii_digit());
        begins
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if let Some(name) = value.strip_prefix('$') {
        return identifier(name);
    }
    let mut parts = value.split('.');
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    value.contains('.') && parts.next().is_some_and(word) && parts.all(identifier)
}

/// Shannon's entropy in bits per byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = value.len().max(1) as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_spelling() {
        for (name, kind) in [
            ("password", NameKind::Password),
            ("DB_PASSWORD", NameKind::Password),
            ("apiKey", NameKind::Secret),
            ("x-api-key", NameKind::Secret),
            ("client.secret", NameKind::Secret),
            ("Proxy-Authorization", NameKind::Secret),
            ("aws_secret_access_key", NameKind::Secret),
            ("Set-Cookie", NameKind::Secret),
            ("githubToken", NameKind::Token),
            ("nextPageToken", NameKind::Plain),
            ("maxTokens", NameKind::Plain),
            ("idempotencyKey", NameKind::Plain),
            ("cookieConsent", NameKind::Plain),
            ("secretary", NameKind::Plain),
        ] {
            assert_eq!(name_kind(name), kind, "{name}");
        }
    }

    #[test]
    fn places_and_words_are_not_values() {
        for value in [
            "$DB_PASSWORD1",
            "process.env.TOKEN_2",
            "persistence",
            "4096",
            "aaaaaaaaaa1",
        ] {
            assert!(!is_secret_value(NameKind::Secret, value), "{value}");
        }
        assert!(is_secret_value(NameKind::Secret, "q8Zr1LmW0x"));
        assert!(is_secret_value(NameKind::Password, "hunter2"));
        assert!(!is_secret_value(NameKind::Password, "required"));
    }

    #[test]
    fn entropy_is_what_shannon_says() {
        assert_eq!(entropy(""), 0.0);
        assert_eq!(entropy("aaaa"), 0.0);
        assert_eq!(entropy("abcd"), 2.0);
    }
}
