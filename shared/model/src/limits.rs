//! Every limit of the system, in one file. Units stand last in the name.

/// Events in one commit: enough to end `OPEN_STAGES_MAX` stages, and the joins around them, at once.
pub const COMMIT_EVENTS_MAX: usize = 64;
/// Serialised bytes of one commit.
pub const COMMIT_BYTES_MAX: usize = 300 * 1024;
/// Where `decide` stops adding to a commit and leaves the rest to the next one.
pub const COMMIT_BYTES_CUT: usize = 200 * 1024;
/// Inbox items folded, and turned into tombstones, by one commit.
pub const FOLD_ITEMS_MAX: usize = 25;
/// Signals kept for waits that have not been reached yet.
pub const BUFFERED_SIGNALS_MAX: usize = 64;
/// A value larger than this goes to the blob store before the commit.
pub const INLINE_VALUE_BYTES_MAX: usize = 8 * 1024;
/// A value larger than this is refused.
pub const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A workflow document.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// All variables of a workflow as they are at the start: they stand in its first event.
pub const VARIABLES_BYTES_MAX: usize = 64 * 1024;
/// The input of a run, and the value of a signal.
pub const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// Nodes in a document.
pub const NODES_MAX: usize = 10_000;
/// Edges in a document.
pub const EDGES_MAX: usize = 40_000;
/// Characters of an id in a document.
pub const ID_CHARS_MAX: usize = 128;
/// Nesting of JSON in a document, an input or a value.
pub const JSON_DEPTH_MAX: usize = 64;
/// Bytes of one template (a prompt, an output mapping).
pub const TEMPLATE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one expression (a condition, JMESPath, JSONPath).
pub const EXPRESSION_BYTES_MAX: usize = 8 * 1024;
/// Nesting of one expression.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Bytes of a question as it is asked: its rendered text and its options.
pub const QUESTION_BYTES_MAX: usize = 64 * 1024;
/// Characters of an answer that are repeated to whoever gave it, when it is refused.
pub const ANSWER_QUOTE_CHARS_MAX: usize = 200;
/// Characters of a provider's own words (model, reason to stop) that are stored.
pub const PROVIDER_WORD_CHARS_MAX: usize = 256;
/// Options of a question.
pub const OPTIONS_MAX: usize = 4;
/// Options of a question, at least.
pub const OPTIONS_MIN: usize = 2;
/// Branches of a switch.
pub const SWITCH_BRANCHES_MAX: usize = 10;
/// Branches of a switch, at least.
pub const SWITCH_BRANCHES_MIN: usize = 2;
/// Events of one run.
pub const RUN_EVENTS_MAX: u64 = 50_000;
/// Serialised bytes of the events of one run.
pub const RUN_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// Attempts of one stage, unknown outcomes counted.
pub const STAGE_ATTEMPTS_MAX: u32 = 5;
/// First pause before a retry.
pub const RETRY_DELAY_MS_MIN: u64 = 500;
/// Longest pause before a retry.
pub const RETRY_DELAY_MS_MAX: u64 = 60_000;
/// Time one attempt of a model call may take, unless the node says otherwise.
pub const MODEL_TIMEOUT_MS_DEFAULT: u64 = 120_000;
/// Time one attempt of an effect may take, at most.
pub const STAGE_TIMEOUT_MS_MAX: u64 = 600_000;
/// By how much a lease outlives the effect's own deadline.
pub const LEASE_MARGIN_MS: u64 = 5_000;
/// Lifetime of a run, unless the workflow says otherwise: 7 days.
pub const LIFETIME_MS_DEFAULT: u64 = 7 * 86_400_000;
/// Lifetime of a run, at most: 366 days.
pub const LIFETIME_MS_MAX: u64 = 366 * 86_400_000;
/// Stages that one invocation chains before it hands the run to the queue.
pub const CHAIN_STAGES_MAX: usize = 64;
/// A checkpoint is written after this many commits.
pub const CHECKPOINT_COMMITS: u64 = 16;
/// Or after this many bytes of events.
pub const CHECKPOINT_BYTES: u64 = 32 * 1024;
/// Deliveries of one queue message before it is set aside.
pub const QUEUE_RECEIVES_MAX: u32 = 100;
/// Longest delay that a queue takes: 15 minutes, as SQS.
pub const QUEUE_DELAY_MS_MAX: u64 = 900_000;
/// How often a worker looks for a cancel while an effect runs.
pub const CANCEL_POLL_MS: u64 = 5_000;
/// First and longest spacing of the sweep's resends.
pub const SWEEP_DELAY_MS_MIN: u64 = 60_000;
/// See `SWEEP_DELAY_MS_MIN`.
pub const SWEEP_DELAY_MS_MAX: u64 = 900_000;
/// Bytes read from a model before the answer is given up.
pub const MODEL_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a failure's message that are stored.
pub const FAILURE_MESSAGE_CHARS_MAX: usize = 2_000;
/// Problems shown for one document; more are counted.
pub const PROBLEMS_MAX: usize = 500;
/// Work of one evaluation of an expression: about one unit for a byte compared or an element touched.
pub const EXPRESSION_WORK_MAX: u64 = 50_000_000;
/// Filters and function calls inside one another in one JSONPath.
pub const JSONPATH_FILTER_DEPTH_MAX: usize = 4;
/// Bytes of one JSON Schema.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// Problems reported for one value that a JSON Schema refuses.
pub const SCHEMA_PROBLEMS_MAX: usize = 20;
/// Characters of a declared secret that redaction looks for; a shorter one would take ordinary
/// words out of texts.
pub const SECRET_CHARS_MIN: usize = 6;
/// Attempts of one stage, unless the node says otherwise.
pub const STAGE_ATTEMPTS_DEFAULT: u32 = 3;
/// Tokens that a node may let a model answer with, at most.
pub const MODEL_OUTPUT_TOKENS_MAX: u32 = 1_000_000;
/// The highest temperature, in thousandths.
pub const TEMPERATURE_MILLI_MAX: u32 = 2_000;
/// Characters of the label of a branch or an option.
pub const LABEL_CHARS_MAX: usize = 200;
/// Names in a list inside a problem's text, such as the nodes of a cycle; more are counted.
pub const PROBLEM_NAMES_MAX: usize = 24;
/// Names that one compilation compares in search of what a person may have meant.
pub const SUGGESTION_NAMES_MAX: usize = 200_000;
/// Silence in the middle of a model's answer after which the attempt is given up.
pub const MODEL_STALL_MS_MAX: u64 = 30_000;
/// Time to reach a model provider.
pub const MODEL_CONNECT_MS_MAX: u64 = 10_000;
/// Bytes of one event of a model's stream, or of an answer that comes in one piece.
pub const MODEL_EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a model's whole stream, of which the answer's text is a small part.
pub const MODEL_STREAM_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes read of a provider's error body.
pub const MODEL_ERROR_BYTES_MAX: usize = 64 * 1024;
/// Characters of a provider's own words that a failure repeats.
pub const MODEL_ERROR_CHARS_MAX: usize = 300;
/// A script for the mock model provider.
pub const MOCK_SCRIPT_BYTES_MAX: usize = 1024 * 1024;
/// Nesting of a schema that the mock model provider makes an instance of.
pub const SAMPLE_DEPTH_MAX: usize = 32;
/// Runs that one local process works on at the same time.
pub const LOCAL_WORKERS: usize = 32;
/// How often a local worker looks for a cancel while an effect runs: the data is at hand.
pub const LOCAL_CANCEL_POLL_MS: u64 = 200;
/// How long `lattice` waits for a cancelled run to end.
pub const CANCEL_WAIT_MS: u64 = 5_000;
/// How long `lattice` lets effects finish when it stops.
pub const STOP_WAIT_MS: u64 = 2_000;
/// A question whose own time is over within this is waited for; for a longer one `lattice` ends.
pub const ANSWER_WAIT_MS: u64 = 60_000;
/// How often a log is read that somebody follows from another process.
pub const FOLLOW_POLL_MS: u64 = 200;
/// Errors in a row after which `lattice` stops trying to carry a run on.
pub const CARRY_ERRORS_MAX: u32 = 5;
/// Characters of a value in a line of progress.
pub const PREVIEW_CHARS_MAX: usize = 60;
/// How long `lattice doctor` waits for a model provider.
pub const PROBE_MS_MAX: u64 = 2_000;
/// Steps of validating one value with one JSON Schema, counted before it starts.
pub const SCHEMA_WORK_MAX: u64 = 1_000_000;
/// Schemas that one schema applies to the same value, one inside another (`$ref`, `allOf` ...).
pub const SCHEMA_CHAIN_MAX: usize = 16;
/// Writes of the local store that share one transaction, and so one sync of the disk.
pub const LOCAL_GROUP_WRITES_MAX: usize = 512;
/// Run numbers that the local store keeps in memory; more than that are looked up again.
pub const LOCAL_RUN_NUMBERS_MAX: usize = 65_536;
/// How often the owner of a data directory looks whether another process has written.
pub const LOCAL_FOREIGN_POLL_MS: u64 = 50;
/// How long a writer of the local store waits for another process that writes.
pub const LOCAL_BUSY_MS_MAX: u64 = 10_000;
/// 4 KB pages in the local store's write-ahead log before they are copied into the file.
pub const LOCAL_LOG_PAGES: u32 = 4_096;
/// Characters of a tenant's id.
pub const TENANT_CHARS_MAX: usize = 64;
/// Bytes of events that one read of a log gives, unless a single commit has more.
pub const PAGE_BYTES_MAX: usize = 256 * 1024;
/// Events in one page of a log, at most.
pub const PAGE_EVENTS_MAX: usize = 1_000;
/// Events in one page of a log, unless the caller says otherwise.
pub const PAGE_EVENTS_DEFAULT: usize = 100;
/// Rows in one page of a list, at most.
pub const LIST_ROWS_MAX: usize = 500;
/// Rows in one page of a list, unless the caller says otherwise.
pub const LIST_ROWS_DEFAULT: usize = 50;
/// The body of a request, unless it is a workflow document.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Characters of an idempotency key.
pub const KEY_CHARS_MAX: usize = 256;
/// How long a request may take, its body included; a stream has its own time.
pub const REQUEST_MS_MAX: u64 = 30_000;
/// How long the head of a request may take to come.
pub const HEAD_MS_MAX: u64 = 10_000;
/// How long the body of a request may take to come.
pub const REQUEST_BODY_MS_MAX: u64 = 10_000;
/// Silence on a stream after which a comment is sent.
pub const STREAM_HEARTBEAT_MS: u64 = 15_000;
/// A stream's response ends after a time between this and `STREAM_MS_MAX`; the reader resumes.
pub const STREAM_MS_MIN: u64 = 60_000;
/// See `STREAM_MS_MIN`.
pub const STREAM_MS_MAX: u64 = 120_000;
/// What a reader is told to wait before it comes back.
pub const STREAM_RETRY_MS: u64 = 1_000;
/// A reader for whom more than this stands ready, and who does not take it, is cut off.
pub const STREAM_BEHIND_BYTES_MAX: usize = 256 * 1024;
/// Over how long a reader's pace is measured.
pub const STREAM_PACE_MS: u64 = 5_000;
/// What a reader that is far behind has to take in that time.
pub const STREAM_PACE_BYTES_MIN: u64 = 20 * 1024;
/// Bytes handed to a connection at once.
pub const STREAM_CHUNK_BYTES_MAX: usize = 16 * 1024;
/// Bytes of rendered frames kept of one run.
pub const STREAM_RING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of rendered frames kept in one process.
pub const STREAM_RINGS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long the frames of a run are kept after its last reader has gone.
pub const STREAM_LINGER_MS: u64 = 10_000;
/// How often the tail of a watched run is read when nothing is heard of it.
pub const STREAM_POLL_MS: u64 = 1_000;
/// Streams of one process at the same time.
pub const STREAMS_MAX: usize = 4_096;
/// Connections of one process at the same time.
pub const CONNECTIONS_MAX: usize = 8_192;
/// File descriptors that `lattice dev` keeps for itself beside connections.
pub const DESCRIPTORS_KEPT: usize = 64;
/// Bytes that a connection holds back in the process when its reader is slow.
pub const CONNECTION_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Bytes that the system holds back for a connection whose reader is slow.
pub const CONNECTION_KERNEL_BYTES_MAX: usize = 128 * 1024;
/// The port of `lattice dev`.
pub const DEV_PORT: u16 = 4870;
/// One frame of a stream, or one page of events, that a reader takes in.
pub const STREAM_FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Silence, not even a heartbeat, after which a reader of a stream connects anew.
pub const WATCH_IDLE_MS: u64 = 45_000;
/// Time a reader of a stream gives a connection to come about.
pub const WATCH_CONNECT_MS_MAX: u64 = 10_000;
/// The shortest pause that a reader of a stream makes before it comes back, jitter aside.
pub const WATCH_PAUSE_MS_MIN: u64 = 100;
/// The longest.
pub const WATCH_PAUSE_MS_MAX: u64 = 30_000;
/// Bytes read of the body of an error answer.
pub const PROBLEM_BYTES_MAX: usize = 64 * 1024;
/// Characters of the reason for a cancel.
pub const REASON_CHARS_MAX: usize = 2_000;
/// Characters of a stage's identity in a request: an op's name and the path of its visit.
pub const STAGE_ID_CHARS_MAX: usize = 512;
/// The largest whole number that every reader of JSON keeps exactly (RFC 8259, section 6).
pub const JSON_INTEGER_MAX: u64 = (1 << 53) - 1;
/// Runs in one page of open questions, at most: each of them is loaded.
pub const WAIT_ROWS_MAX: usize = 50;
/// How long a connection may take nothing of what it asked for.
pub const CONNECTION_STALL_MS_MAX: u64 = 30_000;
/// Connections over the limit that are told so at the same time; more are closed without a word.
pub const CONNECTIONS_REFUSED_MAX: usize = 16;
/// Bytes of a body over its limit that are read and thrown away, so that its sender hears the answer.
pub const BODY_DRAIN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long that may take.
pub const BODY_DRAIN_MS_MAX: u64 = 2_000;
/// Bytes of a schedule's expression, as EventBridge Scheduler takes it.
pub const SCHEDULE_BYTES_MAX: usize = 256;
/// The longest time between two firings of a `rate(..)`.
pub const SCHEDULE_RATE_MS_MAX: u64 = 366 * 24 * 3_600 * 1_000;
/// Triggers of one workflow.
pub const TRIGGERS_MAX: usize = 20;
/// How far the moment of a signed webhook may lie from ours, before or after.
pub const WEBHOOK_SKEW_MS_MAX: u64 = 5 * 60 * 1_000;
/// Bytes of a webhook's body.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Header fields of a webhook that are kept in the run's input.
pub const WEBHOOK_HEADERS_MAX: usize = 64;
/// Bytes of one kept header field of a webhook; a longer one is left out.
pub const WEBHOOK_HEADER_BYTES_MAX: usize = 4 * 1024;
/// Parameters in the query of a webhook, and fields of a form that it sends.
pub const WEBHOOK_FIELDS_MAX: usize = 1_000;
/// Signatures in one header that are tried.
pub const WEBHOOK_SIGNATURES_MAX: usize = 10;
/// Bytes of an id or a key by which a sender names a delivery.
pub const WEBHOOK_DELIVERY_BYTES_MAX: usize = 256;
/// Webhooks that one process looks at together: anybody may send them, so they may not take all of it.
pub const HOOKS_AT_ONCE_MAX: usize = 64;
/// How late a schedule still fires on one machine, in milliseconds; a later moment is passed over.
pub const SCHEDULE_LATE_MS_MAX: u64 = 60_000;
/// How often the triggers of a workflow are brought in line with it while others save it.
pub const TRIGGER_SYNCS_MAX: usize = 8;
/// How often a firing looks at its schedule again while others fire it too.
pub const FIRING_LOOKS_MAX: usize = 32;
/// Schedules that one sweep settles.
pub const FIRINGS_SWEPT_MAX: usize = 256;
/// A day.
pub const DAY_MS: u64 = 86_400_000;
/// Days by which the summary of a run outlives its log in the cloud.
pub const SUMMARY_DAYS_KEPT: u64 = 366;
/// Bytes of a checkpoint that stand in an item of the cloud's table; a larger one goes to the bucket.
pub const CLOUD_CHECKPOINT_BYTES_MAX: usize = 300 * 1024;
/// Attempts of the AWS SDK at one call; the driver has patience of its own.
pub const CLOUD_ATTEMPTS_MAX: u32 = 3;
/// How long a connection to an AWS service may take to come about.
pub const CLOUD_CONNECT_MS_MAX: u64 = 1_000;
/// How long one attempt at one call may take.
pub const CLOUD_ATTEMPT_MS_MAX: u64 = 5_000;
/// How long one call may take, all its attempts together.
pub const CLOUD_CALL_MS_MAX: u64 = 12_000;
/// How often a write to the cloud's table that another one overtook is decided again.
pub const CLOUD_OVERTAKEN_MAX: usize = 40;
/// How long a process believes a secret that it has read.
pub const SECRET_CACHE_MS: u64 = 60_000;
/// How long it believes that a secret is not there.
pub const SECRET_MISS_CACHE_MS: u64 = 5_000;
/// How long a worker of the cloud's queue waits for a message at once: the longest that SQS takes.
pub const QUEUE_POLL_S: i32 = 20;
/// Bytes of one billed request to SQS.
pub const QUEUE_REQUEST_BYTES: u64 = 64 * 1024;
/// How long getting the keys of a token issuer may take.
pub const KEYS_FETCH_MS_MAX: u64 = 3_000;
/// How often a process of the cloud asks for the issuer's keys, at most: anybody may name a key that
/// is not known.
pub const KEYS_AGAIN_MS_MIN: u64 = 60_000;
/// How long a process of the cloud believes the issuer's keys: one that was taken back has to go.
pub const KEYS_AGE_MS_MAX: u64 = 600_000;
/// How long before the end of an invocation a caller is told that the request takes too long.
pub const CLOUD_ANSWER_MARGIN_MS: u64 = 1_500;
/// How often the tail of a watched run is read in the cloud, where nothing is heard of other processes.
pub const CLOUD_STREAM_POLL_MS: u64 = 500;
/// Branches of one split.
pub const SPLIT_BRANCHES_MAX: usize = 16;
/// Branches of one split, at least.
pub const SPLIT_BRANCHES_MIN: usize = 2;
/// Splits inside each other.
pub const SPLIT_DEPTH_MAX: usize = 4;
/// Stages that can be open at once, waiting joins counted: a cancel, or a join that is decided, ends
/// them in one commit.
pub const OPEN_STAGES_MAX: usize = 40;
/// Bytes of the variables that a join gives on and that stand in its event; larger ones are kept aside.
pub const JOIN_INLINE_BYTES_MAX: usize = 8 * 1024;
/// Variables that the branches of one split may write.
pub const JOIN_VARIABLES_MAX: usize = 256;
/// Visits of one node in one run that a document may ask for.
pub const VISITS_MAX: u32 = 10_000;
/// Visits of a node that a fix proposes for a loop without a ceiling.
pub const VISITS_PROPOSED: u32 = 10;
/// Items of a map.
pub const MAP_ITEMS_MAX: usize = 10_000;
/// Items of one batch of a map.
pub const MAP_BATCH_ITEMS_MAX: u32 = 1_000;
/// Batches of a map that are under way at once.
pub const MAP_BATCHES_MAX: u32 = 16;
/// Items that one run works on at once; a map of more items gives each batch to a run of its own.
pub const MAP_INLINE_ITEMS_MAX: u32 = 16;
/// The longest pause between the beginnings of two batches: a day.
pub const MAP_PAUSE_MS_MAX: u64 = DAY_MS;
/// Bytes of results that the state of a map holds itself; larger ones are kept aside.
pub const MAP_RESULT_BYTES_INLINE: usize = 256;
/// Bytes of values that the first event of a batch holds itself; the others are kept aside.
pub const SEED_INLINE_BYTES_MAX: usize = 64 * 1024;
/// Runs inside each other: a run that nobody called has depth 0.
pub const CHILD_DEPTH_MAX: u32 = 8;
/// Items that one commit puts into the inboxes of other runs.
pub const NOTICES_MAX: usize = OPEN_STAGES_MAX + 1;
/// Tokens that the budget of a run can have.
pub const BUDGET_TOKENS_MAX: u64 = 1_000_000_000_000;
/// Tokens that a model may answer with in a run with a budget, unless the node says otherwise: without
/// a ceiling nothing could be reserved.
pub const BUDGET_OUTPUT_TOKENS_DEFAULT: u32 = 4_096;
/// Tokens reserved for what a provider puts around the texts of a prompt.
pub const BUDGET_FRAME_TOKENS: u64 = 64;
/// Tokens reserved for each secret in a prompt: its value is not known before the call.
pub const BUDGET_SECRET_TOKENS: u64 = 4_096;
/// Runs of one workflow that a limit lets be open at once.
pub const CONCURRENT_RUNS_MAX: u32 = 1_000;
/// How long a run has to stand in line before it looks, each time it asks, whether somebody who has a
/// place or stands before it is over: only a worker that died in between leaves such a run behind.
pub const SLOT_LOOK_MS: u64 = SWEEP_DELAY_MS_MIN;
/// At how many of them it looks each time, of those who have a place and of those who wait.
pub const SLOT_LOOKS_MAX: usize = 16;
/// Bytes of the first events of a fork, which hold the state that it begins with.
pub const FORK_BYTES_MAX: usize = COMMIT_BYTES_MAX - 8 * 1024;
