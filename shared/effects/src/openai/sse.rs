//! Reads server-sent events: the data of each, whatever pieces the bytes come in.
//!
//! Written here rather than taken from a crate because a hostile server may send one long line byte
//! by byte: this reader looks at each byte once and stops at a limit.

/// More bytes than `limit` without the end of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Collects the `data` of events.
#[derive(Debug)]
pub(super) struct SseReader {
    /// The line that is not yet complete.
    line: Vec<u8>,
    /// The data lines of the event that is not yet complete.
    data: Vec<u8>,
    has_data: bool,
    limit: usize,
    /// The last line ended in CR: an LF right behind it belongs to it.
    after_cr: bool,
}

impl SseReader {
    /// A reader for events of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            limit,
            after_cr: false,
        }
    }

    /// Takes the next bytes and gives the data of the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => {
                    self.after_cr = *byte == b'\r';
                    events.extend(self.end_line());
                }
                _ if self.line.len() + self.data.len() >= self.limit => return Err(TooLong),
                _ => self.line.push(*byte),
            }
        }
        Ok(events)
    }

    /// The data of an event whose blank line did not come before the stream ended. The standard
    /// drops it; servers are known to forget the line behind their last event.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        self.end_line();
        self.end_event()
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_event();
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }

    fn end_event(&mut self) -> Option<Vec<u8>> {
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then_some(data)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = SseReader::new(100);
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(reader.push(piece).unwrap());
        }
        events.extend(reader.finish());
        events
            .into_iter()
            .map(|data| String::from_utf8(data).unwrap())
            .collect()
    }

    const STREAM: &str =
        ": hello\n\nevent: x\nid: 1\ndata: é1\ndata:two\n\nretry: 5\n\ndata:\n\ndata: end";

    #[test]
    fn events_are_the_same_in_any_pieces_and_with_any_line_ends() {
        let wanted = ["é1\ntwo", "", "end"];
        for stream in [
            STREAM.to_owned(),
            STREAM.replace('\n', "\r\n"),
            STREAM.replace('\n', "\r"),
        ] {
            assert_eq!(read(&[stream.as_bytes()]), wanted);
            let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes), wanted);
            let threes: Vec<&[u8]> = stream.as_bytes().chunks(3).collect();
            assert_eq!(read(&threes), wanted);
        }
    }

    #[test]
    fn an_event_may_be_as_long_as_the_limit_and_not_longer() {
        let mut reader = SseReader::new(10);
        assert_eq!(reader.push(b"data: 4567\n\n"), Ok(vec![b"4567".to_vec()]));
        assert_eq!(reader.push(b"data: 45678"), Err(TooLong));
        let mut reader = SseReader::new(10);
        assert_eq!(reader.push(b"data: 4567\ndata: 1"), Err(TooLong));
    }
}
