// Every ceiling of the platform on one page. Units are in the names; whatever AWS or a vendor sets has its source above it.

// The promise of the platform: an accepted run has ended 24 hours after it was accepted.
export const RUN_CEILING_SECONDS = 24 * 60 * 60;

// A worker slice is short because its batch is acknowledged together; the function's timeout leaves time for the handoff.
export const WORK_SLICE_SECONDS = 90;
export const WORK_TIMEOUT_SECONDS = 120;
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (visibility at least 6 x the function timeout)
export const WORK_VISIBILITY_SECONDS = 6 * WORK_TIMEOUT_SECONDS;
// Runs mostly wait for HTTP and models, so one invocation runs several at once.
export const WORK_BATCH_SIZE = 10;
export const WORK_MAX_CONCURRENCY = 20;

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html (15 minutes at most)
export const ADVANCE_SLICE_SECONDS = 13 * 60;
export const ADVANCE_TIMEOUT_SECONDS = 15 * 60;

// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html (15 minutes; cut after 5 idle minutes, Regional)
export const API_TIMEOUT_SECONDS = 15 * 60;
// A sync answer keeps its true HTTP status this long; after it the status is 200 and the body says how it went.
export const SYNC_STATUS_SECONDS = 4 * 60;
export const SYNC_KEEPALIVE_SECONDS = 30;
// A caller is let go at this age of the connection; the run goes on.
export const CALLER_CEILING_SECONDS = 14 * 60;
export const SSE_PING_SECONDS = 10;
// Two units may end in one moment, and the later number be read first. What is this old is complete.
export const REPLAY_SETTLED_MS = 1_000;
// Events that a live stream keeps for a slow reader; beyond it deltas of text are dropped.
export const MAX_BUFFERED_EVENTS = 10_000;

// A lease that is not renewed is dead, and the sweeper may hand the run to somebody else.
export const LEASE_SECONDS = 30;
export const LEASE_RENEW_SECONDS = 10;
// A store write starts only while this much of the lease is left, so it cannot land after the lease (SDK retries included).
export const LEASE_MARGIN_SECONDS = 12;
// How soon a running slice learns of a cancel request or a signal.
export const WATCH_SECONDS = 2;
// A little longer than that, so that most callers of cancel see the end of the run.
export const CANCEL_WAIT_SECONDS = 5;
// A run that crashes its worker this often is failed as run-crashed.
export const MAX_CRASHES = 5;
// After so many it is isolated, so that it crashes no worker that runs others too. Once may have been another run's fault.
export const CRASHES_UNTIL_ISOLATED = 2;

// A wait at least this long leaves the slice: 8 state transitions cost what a 512 MB function costs in 30 s of waiting.
export const HANDOFF_WAIT_SECONDS = 30;
export const MAX_UNIT_TIMEOUT_SECONDS = 10 * 60;

export const SWEEP_PERIOD_SECONDS = 60;
// The longer a run has been queued, the less often the sweeper looks at it, but at least this often.
export const SWEEP_LOOK_MAX_SECONDS = 60 * 60;
export const DUE_SHARDS = 8;
// How often the sweeper compares a tenant's slots with its runs.
export const SLOTS_RECONCILE_SECONDS = 5 * 60;
// Long enough for a healthy queue to have picked the run up, short enough to be inside one sweep period.
export const UNPICKED_SECONDS = 30;

export const MAX_WEBHOOKS = 5;
export const WEBHOOK_TIMEOUT_SECONDS = 15;
// While a receiver does not answer, each attempt is deferred for at most this long; then it has a shorter timeout.
export const WEBHOOK_DEFER_MAX_SECONDS = 5 * 60;
export const WEBHOOK_SHORT_TIMEOUT_SECONDS = 3;
// Delay before each attempt; the first is immediate. Jitter is added by deliver/retry-schedule.ts.
export const WEBHOOK_SCHEDULE_SECONDS = [0, 2, 8, 30, 120, 600, 3_600, 10_800, 21_600, 43_200] as const;
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
export const QUEUE_DELAY_MAX_SECONDS = 900;
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
export const QUEUE_BATCH_MESSAGES = 10;
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (invocation payload)
export const INVOKE_RESPONSE_BYTES = 6 * 1_024 * 1_024;
export const INVOKE_EVENT_BYTES = 1_024 * 1_024;
export const WEBHOOK_RESPONSE_LOG_CHARS = 1_024;
export const DELIVER_TIMEOUT_SECONDS = 60;
export const DELIVER_BATCH_SIZE = 10;
export const DELIVER_MAX_CONCURRENCY = 20;
export const WEBHOOK_MAX_HEADERS = 32;
export const WEBHOOK_MAX_HEADER_BYTES = 4_096;

// The API takes JSON bodies up to this size. Lambda's event is 6 MB and the body arrives in base64.
export const MAX_BODY_BYTES = 1_024 * 1_024;
export const MAX_UPLOAD_BYTES = 4 * 1_024 * 1_024;
// Larger files go straight to S3, by an address that is good for this long. https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
export const MAX_FILE_BYTES = 100 * 1_024 * 1_024;
export const UPLOAD_SECONDS = 15 * 60;
export const MAX_JSON_DEPTH = 64;
export const MAX_INPUT_BYTES = 256 * 1_024;
// Larger payloads live in S3. A DynamoDB item is 400 KB at most and every write pays for its whole size.
export const INLINE_PAYLOAD_BYTES = 32 * 1_024;
export const MAX_PAYLOAD_BYTES = 10 * 1_024 * 1_024;
export const MAX_BATCH_RUNS = 100;
export const IDEMPOTENCY_SECONDS = 24 * 60 * 60;
export const IDEMPOTENCY_KEY_CHARS = 255;
// Metadata and echo are in the run record, which is written at every change of status.
export const MAX_METADATA_BYTES = 2_048;
// A rerun of a rerun of a rerun: a bound on the reads of one slice.
export const MAX_RERUN_CHAIN = 10;
export const MAX_CURSOR_CHARS = 2_048;
// Errors repeat what the caller wrote, and that may be a megabyte of names.
export const MAX_ERROR_DETAILS = 100;
export const MAX_ERROR_FIELD_CHARS = 200;
export const MAX_ERROR_CHARS = 2_000;
// A token is part of a URL.
export const MAX_SIGNAL_TOKEN_CHARS = 1_024;
export const RETENTION_DAYS = 30;
export const LIST_PAGE_DEFAULT = 20;
export const LIST_PAGE_MAX = 100;
// Index entries looked at for one page of a list: about 250 bytes each, so that a page reads about a quarter of a megabyte at most.
export const LIST_WALK_ENTRIES = 1_000;
export const EXACT_TOTAL_MAX = 10_000;

// Tenant defaults; the ceiling of 200 keeps the slot row (16 bytes a run) within a few write units.
export const TENANT_CONCURRENCY = 50;
export const TENANT_CONCURRENCY_MAX = 200;
export const TENANT_QUEUED = 10_000;
export const TENANT_SYNC = 100;
// Of every limit but concurrency, which has a ceiling of its own.
export const TENANT_LIMIT_MAX = 1_000_000;
// Of tenants and keys.
export const MAX_NAME_CHARS = 200;
// A revoked key or a changed limit takes effect within this time everywhere.
export const TENANT_CACHE_SECONDS = 30;
// What a process remembers, in entries.
export const CACHED_TENANTS = 10_000;
export const CACHED_UNKNOWN_KEYS = 1_000;
export const CACHED_PLANS = 200;
export const CREDENTIAL_CHARS_MAX = 512;
export const MAX_VENDOR_IDS = 100;
// Grants travel with each version of a flow, and with the flow in lists.
export const MAX_GRANTED_NAMES = 100;
export const MAX_GRANTS_BYTES = 4_096;
// The last use of a key is written at most this often.
export const KEY_TOUCH_SECONDS = 60 * 60;
export const MAX_SECRET_CHARS = 8_192;

// The flow format.
export const MAX_SOURCE_BYTES = 256 * 1_024;
export const MAX_NODES = 200;
export const MAX_NESTING = 3;
export const MAX_EACH_ITEMS = 1_000;
export const MAX_EACH_CONCURRENCY = 20;
export const MAX_REPEAT = 100;
// Flows that run flows: a circle of them ends here.
export const MAX_RUN_DEPTH = 3;
export const MAX_UNITS = 5_000;
export const MAX_FIELDS = 64;
export const MAX_SEARCHABLE_INPUTS = 5;
export const MAX_HTTP_BODY_BYTES = 10 * 1_024 * 1_024;
export const LLM_TIMEOUT_SECONDS = 60;
export const MAX_PROMPT_CHARS = 400_000;
export const MAX_TEMPLATE_SOURCE_CHARS = 256 * 1_024;
export const MAX_TEMPLATE_CHARS = 1_024 * 1_024;
// Of a template in Jinja: all that it builds, and the data that it sees.
export const JINJA_TIMEOUT_MS = 1_000;
export const JINJA_MEMORY_MB = 64;
export const JINJA_VARS_CHARS = 4 * 1_024 * 1_024;
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_KnowledgeBaseVectorSearchConfiguration.html
export const MAX_PASSAGES = 100;
export const MAX_QUERY_CHARS = 10_000;
export const RUN_NODE_CONCURRENCY = 20;

// Document nodes. The process that reads one shares the memory of a function of 512 MB.
export const DOCUMENT_MEMORY_MB = 256;
export const DOCUMENT_SECONDS = 30;
export const MAX_DOCUMENT_BYTES = 10 * 1_024 * 1_024;
export const MAX_DOCUMENT_PAGES = 2_000;
export const MAX_DOCUMENT_TEXT_CHARS = 2 * 1_024 * 1_024;
export const MAX_DOCUMENT_ROWS = 10_000;

// Code nodes.
export const CODE_SOURCE_CHARS = 64 * 1_024;
export const CODE_TIMEOUT_SECONDS = 10;
export const CODE_MEMORY_MB = 256;
// Node itself takes about 50 MB.
export const CODE_MEMORY_MIN_MB = 128;
export const CODE_MEMORY_MAX_MB = 1_024;
// The answer of a function has 6 MB at most, and in JSON text a character may take more than one byte.
export const CODE_RESULT_BYTES = 5 * 1_024 * 1_024;
export const CODE_PRINTED_BYTES = 1_024 * 1_024;
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html (1,769 MB are one whole processor). Starting a
// process is work for the processor: with half of it, it takes twice as long and costs the same.
export const CODE_FUNCTION_MEMORY_MB = 1_769;
// The longest node, and the time to end it and to answer.
export const CODE_FUNCTION_TIMEOUT_SECONDS = MAX_UNIT_TIMEOUT_SECONDS + 30;

// Expressions: https://docs.jsonata.org (guard options), measured in docs/flow-format.md
export const EXPRESSION_TIMEOUT_MS = 250;
// Once more after that, since the process may only have been held up: 300 ms in all.
export const EXPRESSION_RETRY_MS = 50;
// JSONata counts what it evaluates side by side as depth, too: up to about 5,000 groups of a list.
export const EXPRESSION_STACK = 10_000;
export const EXPRESSION_SEQUENCE = 10_000;
export const EXPRESSION_CHARS = 4_096;
export const EXPRESSION_NODES = 2_000;
export const EXPRESSION_PICTURE_CHARS = 256;
// A date to be read, and how many parts of its picture may follow each other without a separator: the regex that
// JSONata makes of a picture backtracks through every way to share the digits among such parts.
export const EXPRESSION_DATE_CHARS = 64;

// A plan is kept in one item of at most 400 KB.
export const MAX_PLAN_BYTES = 384 * 1_024;
export const MAX_PLUGIN_CREDENTIAL_CHARS = 8_192;
export const MAX_FILE_NAME_CHARS = 255;

// What models are sent and answer.
export const MAX_MODEL_IMAGE_BYTES = 10 * 1_024 * 1_024;
export const MAX_MODEL_ANSWER_BYTES = 10 * 1_024 * 1_024;

// Attempts are kept in one item of at most 400 KB, with up to 4 KB of answer each.
export const WEBHOOK_MAX_ATTEMPTS = 50;
export const WEBHOOK_MAX_URL_CHARS = 2_048;
export const WEBHOOK_RETRY_AFTER_MAX_SECONDS = 6 * 60 * 60;
// How long the secret before a rotation signs beside the new one.
export const WEBHOOK_SECRET_OVERLAP_SECONDS = 24 * 60 * 60;

// Node's own default, written down because it is the guard against endless headers.
export const MAX_ANSWER_HEADER_BYTES = 16 * 1_024;
