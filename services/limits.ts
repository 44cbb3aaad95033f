// Every limit of the services that an operator may meet, one line each, with its unit in the name.

/** Descriptors of one question of Envoy. More are refused. */
export const MAX_DESCRIPTORS = 8;
/** Name of a limit, characters. A longer one is refused. */
export const MAX_LIMIT_ID_CHARACTERS = 640;
/** Longest period of a limit, milliseconds. */
export const MAX_PERIOD_MS = 86_400_000;
/** Largest number of a limit, and most tokens of one request. */
export const MAX_REQUESTS = 1_000_000_000;
/** Longest time in which a bucket may fill, microseconds: three years. A limit of another shape is refused. */
export const MAX_FILL_US = 3 * 365 * 86_400_000_000;
/** Questions that wait for the store at once. Further ones are answered with RESOURCE_EXHAUSTED at once. */
export const MAX_QUESTIONS_IN_FLIGHT = 4_096;
/** One message of Envoy, bytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** Concurrent questions of one connection. */
export const MAX_STREAMS_OF_A_CONNECTION = 1_024;
/** Time for the store to answer, milliseconds; less than Envoy waits. Then the answer is UNAVAILABLE. */
export const STORE_ANSWER_MS = 12;
/** Late answers in a row after which the store counts as down. */
export const STORE_LATE_ANSWERS = 3;
/** Time between trials whether the store answers, milliseconds. */
export const STORE_TRIAL_INTERVAL_MS = 100;
/** Time to connect to the store, milliseconds. */
export const STORE_CONNECT_MS = 1_000;
/** Keys that the store in this process holds. Where all are in use, further ones are refused. */
export const MAX_MEMORY_KEYS = 1_000_000;
/** Time for running questions to end when the service is told to stop, milliseconds. */
export const STOP_MS = 5_000;
/** Nesting of an audit record, objects and lists. A deeper one is refused. */
export const MAX_RECORD_DEPTH = 16;
/** Proxies of a mesh that a collector remembers. The one that was silent longest is forgotten. */
export const MAX_AUDIT_PROXIES = 20_000;
/** Sources of audit records that a collector tells apart. Where all are in use, records of further ones are put off. */
export const MAX_AUDIT_SOURCES = 16_384;
/** Holes in the numbers of one source. Records that would make more are put off. */
export const MAX_AUDIT_HOLES = 256;
/** Holes in the numbers of all sources together. Records that would make more are put off. */
export const MAX_AUDIT_HOLES_OF_ALL = 65_536;
/** Time without a record after which a source is forgotten, milliseconds. Then it may come as a new one. */
export const AUDIT_SOURCE_IDLE_MS = 7 * 24 * 3_600_000;
/** Time in which missing numbers may still come before the collector writes a gap, milliseconds. */
export const AUDIT_HOLE_GRACE_MS = 30_000;
/** Bytes of a segment of the audit log after which the next one begins. */
export const AUDIT_SEGMENT_BYTES = 64 * 1024 * 1024;
/** Age of a segment after which the next one begins, milliseconds. */
export const AUDIT_SEGMENT_MS = 24 * 3_600_000;
/** Time between checkpoints while records come, milliseconds. */
export const AUDIT_CHECKPOINT_MS = 10_000;
/** How far the clock may go back without a record of it, milliseconds. Within it times stand still. */
export const AUDIT_CLOCK_TOLERANCE_MS = 1_000;
/** Bytes of records that wait for the disk. Further batches are put off with 503. */
export const MAX_AUDIT_WAITING_BYTES = 64 * 1024 * 1024;
/** Bytes of batches that are being received or judged. Further ones are put off with 503. */
export const MAX_AUDIT_RECEIVING_BYTES = 128 * 1024 * 1024;
/** Connections of a collector. Further ones are closed at once. */
export const MAX_AUDIT_CONNECTIONS = 12_000;
/** Time for a request to arrive whole, milliseconds; a slower one is closed. */
export const AUDIT_REQUEST_MS = 30_000;
/** Time for the headers of a request, milliseconds. */
export const AUDIT_HEADERS_MS = 10_000;
/** Time between trials whether a log that could not be written can be written again, milliseconds. */
export const AUDIT_REOPEN_MS = 1_000;
/** Time after which writers may come back, seconds: `retry-after`. */
export const AUDIT_RETRY_SECONDS = 1;
/** Records of a process that wait for the collector. Further ones are dropped, and a gap says how many. */
export const MAX_CLIENT_RECORDS = 10_000;
/** Time for the collector to answer a process, milliseconds. */
export const AUDIT_CLIENT_MS = 10_000;
/** Longest time between tries of a process, milliseconds; the first comes after a hundredth of it. */
export const AUDIT_CLIENT_PAUSE_MS = 10_000;
/** Time for a witness or a transparency log to answer, milliseconds. */
export const AUDIT_ANCHOR_MS = 10_000;
/** One answer of a witness or a transparency log, bytes. A longer one is none. */
export const MAX_ANCHOR_ANSWER_BYTES = 32 * 1024 * 1024;
/** Time in which a transparency log has to cover what it took, milliseconds. Then it is tried again. */
export const AUDIT_TLOG_WAIT_MS = 60_000;
/** Time between checkpoints that go to a transparency log, milliseconds, unless the command line names another. */
export const AUDIT_TLOG_MS = 600_000;
/** Lines of the log that are read at once for a witness. Then others have their turn. */
export const AUDIT_READ_LINES = 4_096;
