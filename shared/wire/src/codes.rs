//! Every problem that the API answers with, in one list. A code is for ever; its page is
//! `docs/problems/<code>.md`.

/// A kind of problem: its code, the HTTP status it comes with, and a few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// The code as printed.
    pub id: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem it is, in a few words.
    pub title: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $status:literal, $title:literal;)*) => {
        $($(#[$doc])* pub const $name: ErrorCode = ErrorCode { id: $id, status: $status, title: $title };)*

        /// All of them.
        pub const ALL: &[ErrorCode] = &[$($name),*];
    };
}

codes! {
    /// The body is not JSON.
    NOT_JSON = "LAT-A001", 400, "the body is not JSON";
    /// The body is JSON of another shape.
    BODY_SHAPE = "LAT-A002", 400, "the body does not have the shape of the request";
    /// The body is over the limit.
    BODY_TOO_LARGE = "LAT-A003", 413, "the body is too large";
    /// The body is not declared as JSON.
    CONTENT_TYPE = "LAT-A004", 415, "the content type is not JSON";
    /// The body did not come in time.
    BODY_SLOW = "LAT-A005", 408, "the body did not come in time";
    /// A query parameter is unknown, repeated or malformed.
    QUERY = "LAT-A006", 400, "a query parameter is wrong";
    /// A header is malformed.
    HEADER = "LAT-A007", 400, "a header is wrong";
    /// The body broke off.
    BODY_BROKEN = "LAT-A008", 400, "the body broke off";
    /// No token, or one that is not good.
    UNAUTHENTICATED = "LAT-A010", 401, "no valid token";
    /// The token does not allow it.
    FORBIDDEN = "LAT-A011", 403, "the token does not allow this";
    /// A page or a name from elsewhere asks a server on this machine.
    FOREIGN = "LAT-A012", 403, "the request comes from elsewhere";
    /// No such path.
    NO_ROUTE = "LAT-A020", 404, "there is no such path";
    /// The path exists, the method does not.
    NO_METHOD = "LAT-A021", 405, "the path does not take this method";
    /// No such run, or one of somebody else.
    NO_RUN = "LAT-A022", 404, "there is no such run";
    /// No such workflow or version, or one of somebody else.
    NO_WORKFLOW = "LAT-A023", 404, "there is no such workflow";
    /// No such trigger, or the newest version of its workflow has it no more.
    NO_TRIGGER = "LAT-A024", 404, "there is no such trigger";
    /// No workflow can be exported to this.
    NO_TARGET = "LAT-A025", 404, "there is no such target";
    /// The document has errors.
    DOCUMENT = "LAT-A030", 422, "the workflow has errors";
    /// An existing thing would be overwritten blindly.
    PRECONDITION_MISSING = "LAT-A031", 428, "the request has to name the revision it changes";
    /// Somebody else was faster.
    PRECONDITION_FAILED = "LAT-A032", 412, "the revision is not the newest any more";
    /// The document has another id than the path.
    OTHER_ID = "LAT-A033", 422, "the document has another id than the path";
    /// The run cannot start with this input.
    INPUT = "LAT-A040", 422, "the input does not fit the workflow";
    /// The key was used for something else.
    KEY_REUSED = "LAT-A041", 409, "the idempotency key belongs to another request";
    /// Nothing can be done with a run that is over.
    RUN_OVER = "LAT-A042", 409, "the run is over";
    /// No such question.
    NO_QUESTION = "LAT-A043", 422, "no such question";
    /// The question has an answer.
    ANSWERED = "LAT-A044", 409, "the question is over";
    /// The answer is not one.
    ANSWER = "LAT-A045", 422, "the answer is not taken";
    /// There is no such event yet.
    BEYOND_END = "LAT-A046", 409, "the log does not reach so far";
    /// The run cannot be forked as was asked.
    FORK = "LAT-A047", 422, "the run cannot be forked so";
    /// The log of the run, or a value that it names, is gone.
    EXPIRED = "LAT-A048", 410, "the log of the run has expired";
    /// The sender of a webhook did not prove who it is, or there is no secret to prove it with.
    HOOK_PROOF = "LAT-A060", 401, "the webhook is not proven";
    /// The moment at which a webhook was signed is too far from now.
    HOOK_STALE = "LAT-A061", 401, "the webhook is stale";
    /// The very same webhook came before.
    HOOK_REPLAYED = "LAT-A062", 401, "the webhook was replayed";
    /// The trigger takes another content type.
    HOOK_TYPE = "LAT-A063", 415, "the content type is not the one the trigger takes";
    /// The body is not what its content type says.
    HOOK_BODY = "LAT-A064", 400, "the body of the webhook cannot be read";
    /// Too many at once.
    BUSY = "LAT-A050", 503, "too many at once";
    /// The store or another part does not answer.
    UNAVAILABLE = "LAT-A051", 503, "not available at the moment";
    /// There is no room to write.
    FULL = "LAT-A052", 507, "the store is full";
    /// A fault of ours.
    INTERNAL = "LAT-A053", 500, "internal error";
    /// It took too long.
    SLOW = "LAT-A054", 504, "the request took too long";
}

/// The code with this id.
pub fn find(id: &str) -> Option<ErrorCode> {
    ALL.iter().copied().find(|code| code.id == id)
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_mean_errors() {
        let ids: BTreeSet<_> = ALL.iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), ALL.len());
        assert!(ALL.iter().all(|code| (400..600).contains(&code.status)));
    }
}
