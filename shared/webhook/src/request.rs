//! A request as it came in.

/// What came in, nothing of it trusted yet.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The header fields in the order of the request; one name may stand there several times.
    pub headers: &'a [(String, String)],
    /// What stands behind the `?` of the address, still encoded.
    pub query: &'a str,
    /// The body, byte for byte as it was sent.
    pub body: &'a [u8],
}

/// One header field of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Missing,
    Once(&'a str),
    Repeated,
}

impl<'a> Request<'a> {
    /// The field of this name, which is in lower case. Its value has no space around it.
    pub(crate) fn field(&self, name: &str) -> Field<'a> {
        let mut values = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim());
        match (values.next(), values.next()) {
            (None, _) => Field::Missing,
            (Some(value), None) => Field::Once(value),
            (Some(_), Some(_)) => Field::Repeated,
        }
    }
}
