//! What the server can do to a client.

use serde_json::Value;

/// What happens to one question. Unless it says otherwise, the effect is applied and counted first.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// A made-up answer: a text, or an instance of the schema that was asked for.
    Made,
    /// This answer, streamed by words.
    Text(String),
    /// This answer, streamed one byte at a time, so that characters are split.
    OneByte(String),
    /// This answer in one piece, as `application/json`.
    Whole(String),
    /// This answer without the count of tokens and without `[DONE]`.
    Bare(String),
    /// This answer, whole, and then the connection closes though it was to be kept.
    HangUp(String),
    /// A response with this status, and these headers and body; the effect is not applied.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection closes without a response.
    Close,
    /// Nothing comes.
    StallBeforeHeaders,
    /// Half of this answer comes, then nothing.
    StallMidStream(String),
    /// Half of this answer comes, then the connection closes.
    CutMidStream(String),
    /// Half of this answer comes, and the stream ends as if that were all.
    EndMidStream(String),
    /// A body of JSON that is none.
    GarbageBody,
    /// A stream of events that are no JSON.
    GarbageSse,
    /// Half of an answer comes, then this error object.
    ErrorInStream(Value),
    /// An answer of this many bytes.
    Huge(usize),
    /// The content filter takes the answer.
    ContentFilter,
    /// The model declines in these words.
    Refusal(String),
    /// The answer ends by its ceiling of tokens.
    Length(String),
}
