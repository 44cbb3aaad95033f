// Limits of the filters, one line each, with the unit in the name. The documentation is generated from the comments.
/** Largest request or response body that a stage may buffer, bytes. A route may set less. */
export const MAX_BODY_BYTES: u32 = 16 * 1024 * 1024;
/** Body limit of a route that sets none, bytes. */
export const DEFAULT_BODY_BYTES: u32 = 1024 * 1024;
/** Scratch memory of one VM, bytes. It holds the index, the decoded text and the output of one message at a time. */
export const MAX_SCRATCH_BYTES: usize = 256 * 1024 * 1024;
/** Smallest block that the scratch arena takes from the heap, bytes. */
export const SCRATCH_CHUNK_BYTES: usize = 256 * 1024;
/** State of all streamed bodies of one VM between their pieces, bytes. A stream without room is refused with FIM-RT-0006. */
export const MAX_STREAM_STATE_BYTES: usize = 128 * 1024 * 1024;
/** Largest piece of a streamed body that the host buffers until the next one arrives, bytes. It lies below any limit of a proxy, beyond which the proxy would wait for ever. */
export const MAX_HELD_PIECE_BYTES: u32 = 64 * 1024;
/** A value passed on as filter state to logs and traces, bytes. A longer one is omitted. */
export const MAX_EXTRACTED_BYTES: u32 = 256;
/** A name, or a value that a rule names, in a message validated in streaming mode, bytes as written. A longer one is refused with FIM-PBOC-0041. */
export const MAX_STREAM_TEXT_BYTES: u32 = 4096;
/** Members of one object in a message validated in streaming mode, because their names are compared with one another. */
export const MAX_STREAM_KEYS_PER_OBJECT: u32 = 512;
/** Members of all open objects in a message validated in streaming mode. */
export const MAX_STREAM_KEYS: u32 = 2048;
/** Plugin configuration document, bytes. */
export const MAX_CONFIG_BYTES: u32 = 4 * 1024 * 1024;
/** Live streams of one VM. A further one is refused with FIM-RT-0007. */
export const MAX_LIVE_STREAMS: u32 = 65536;
/** Retired root contexts of one VM that may have streams. The streams of older ones are ended. */
export const MAX_RETIRED_ROOTS: i32 = 64;
/** Retired root contexts of one VM that keep their configuration. A stream that still begins under an older one uses the configuration in force. */
export const MAX_RETIRED_CONFIGURATIONS: i32 = 8;
/** Longest life of a stream under a route of a replaced configuration, milliseconds. Then it is ended. Equals Envoy's default for draining a listener. */
export const MAX_RETIRED_STREAM_AGE_MS: u64 = 600_000;
/**
 * The same for a stream without a route, in practice a tunnel (WebSocket), milliseconds. It can escape only a newer
 * route, so it may take an hour.
 */
export const MAX_RETIRED_TUNNEL_AGE_MS: u64 = 3_600_000;
/** Recorded configurations that VMs of one process have accepted: the latest and those in force; 16 bytes each. */
export const ACCEPTED_PLACES: u32 = 256;
/**
 * Bytes of bodies that the proxy may buffer for the verdict of one worker's VM. A body beyond it is refused with
 * FIM-RT-0030. A proxy buffers at most this times its workers: 256 bodies of the default limit, or 16 of the largest,
 * for each.
 */
export const MAX_HELD_BYTES: u64 = 256 * 1024 * 1024;
/**
 * The same for one client connection, a quarter of it. Beyond it: FIM-RT-0031. Bodies of up to MAX_UNCOUNTED_HELD_BYTES
 * count for the worker only.
 */
export const MAX_HELD_CONNECTION_BYTES: u64 = 64 * 1024 * 1024;
/**
 * Largest buffered body that is not counted for its connection and address, bytes. It applies while the worker holds at
 * most MAX_UNWATCHED_HELD_BYTES in all.
 */
export const MAX_UNCOUNTED_HELD_BYTES: u32 = 64 * 1024;
/** Bytes held by a worker above which every body counts for its connection and address. An eighth of the total. */
export const MAX_UNWATCHED_HELD_BYTES: u64 = 32 * 1024 * 1024;
/** Connections, and client addresses, counted at a time, a power of two. Further ones count for the worker only. */
export const MAX_COUNTED_CONNECTIONS: u32 = 4096;
/**
 * Rest of a refused HTTP/1 request that is discarded before the reply is sent, bytes, so that the connection stays
 * open. If more is declared or arrives, the reply is sent at once.
 */
export const MAX_DRAINED_BYTES: u64 = 8 * 1024 * 1024;
/**
 * Replies of one VM that wait for the end of their request, bytes, some hundreds each. Without room a reply is sent at
 * once.
 */
export const MAX_KEPT_REPLY_BYTES: usize = 4 * 1024 * 1024;
/**
 * Linear memory of one VM beyond which no configuration is compiled, bytes. The VM then refuses all traffic with
 * FIM-RT-0001, since it would die at the engine's cap of 1 GiB.
 */
export const MAX_VM_BYTES_TO_CONFIGURE: usize = 768 * 1024 * 1024;
/**
 * Linear memory of one VM beyond which messages get no more of it, bytes. A message that needs more is refused with
 * FIM-RT-0006.
 */
export const MAX_VM_BYTES: usize = 960 * 1024 * 1024;
/** Entries of `errors` in one problem reply. `errorsOmitted` counts further ones. */
export const MAX_REPLY_ERRORS: u32 = 64;
/** Routes of one plugin configuration. */
export const MAX_ROUTES: i32 = 1000;
/** Nesting of an indexed message in any format, levels. The walk over its fields has room for this. */
export const MAX_FIELD_DEPTH: u32 = 136;
/** Nesting of a JSON message, containers within containers. */
export const MAX_JSON_DEPTH: u32 = 128;
/** Values in a JSON message (objects, arrays and scalars). Each takes 32 bytes of scratch memory. */
export const MAX_JSON_NODES: u32 = 2_000_000;
/** Largest JSON document that can be indexed, bytes (offsets and key lengths are packed). */
export const MAX_JSON_BYTES: u32 = 32 * 1024 * 1024;
/** Nesting of an XML message, elements within elements. */
export const MAX_XML_DEPTH: u32 = 128;
/** Elements and attributes of an XML message. Each takes 32 bytes of scratch memory. */
export const MAX_XML_NODES: u32 = 1_000_000;
/** Attributes of one XML element, including namespace declarations. */
export const MAX_XML_ATTRIBUTES: u32 = 64;
/** Namespace declarations of an XML message in scope at one place. */
export const MAX_XML_NAMESPACES: u32 = 64;
/** Block of a CNAPS2 message other than the header and the document, bytes: a base64 signature. */
export const MAX_BLOCK_BYTES: u32 = 16384;
/** Largest form or query string that can be indexed, bytes. */
export const MAX_FORM_BYTES: u32 = 16 * 1024 * 1024;
/** Fields of a form or query string. */
export const MAX_FORM_FIELDS: u32 = 10_000;
/** HTTP calls of one VM that wait for a response. */
export const MAX_PENDING_CALLOUTS: i32 = 256;
/** Response to an HTTP call, bytes. A longer one counts as no response. */
export const MAX_CALLOUT_ANSWER_BYTES: u32 = 64 * 1024;
/**
 * Slots examined for one compiled part of a configuration. Texts chosen to collide are compiled again instead of
 * searched for long.
 */
export const MAX_PART_PROBES: u32 = 32;
/** Keys that one VM holds. The least recently used one makes room. */
export const MAX_KEYS: i32 = 256;
/** Versions of one key that a VM holds. The least recently used one makes room, but never the newest. */
export const MAX_KEY_VERSIONS: i32 = 32;
/** Requests of one VM that wait for one key. A further one is refused with FIM-KMS-0001. */
export const MAX_KEY_WAITERS: i32 = 4096;
/** Data keys of one transit key that a VM holds, its own and those of senders. The least recently used one makes room. */
export const MAX_DATA_KEYS: i32 = 32;
/**
 * Time for which an unused old version is held, milliseconds (1 hour). Then it is overwritten, and fetched again if a
 * message names it.
 */
export const MAX_IDLE_VERSION_MS: u64 = 3_600_000;
/**
 * Longest time that a message waits for the KMS to confirm a held key that was not used for a while, milliseconds. Then
 * the held key serves it.
 */
export const KEY_RECHECK_HOLD_MS: u64 = 250;
/** Shortest time between two checks of a held data key, milliseconds. A removed transit key is noticed at most that late. */
export const MIN_DATA_KEY_RECHECK_MS: u64 = 30_000;
/**
 * Old versions (or data keys) of one key that a VM fetches at a time. Others wait. One place is kept for versions that
 * were genuine before.
 */
export const MAX_VERSION_FETCHES: i32 = 4;
/**
 * Key versions that the KMS does not have, remembered per key. As many are remembered that were genuine and had to make
 * room.
 */
export const MAX_ABSENT_VERSIONS: i32 = 16;
/** Time between two counts of a key that does not belong to its certificate, milliseconds. */
export const UNFIT_COUNT_MS: u64 = 1_000;
/**
 * Versions tried for a message that names none: the newest, the previous one, and older ones that were superseded
 * within ROTATION_GRACE_MS.
 */
export const MAX_VERSIONS_TRIED: i32 = 8;
/**
 * Time after a rotation, besides two checks of the KMS, in which messages that name no version still open under older
 * versions, milliseconds.
 */
export const ROTATION_GRACE_MS: u64 = 60_000;
/**
 * Consecutive requests of a VM for versions and data keys of one key that do not exist. Then one is allowed every
 * FAILED_FETCH_REFILL_MS.
 */
export const MAX_FAILED_FETCHES: u32 = 16;
/** Time after which one more such request is allowed, milliseconds. */
export const FAILED_FETCH_REFILL_MS: u64 = 250;
/** Wrapped data keys that the KMS refused to unwrap, remembered per key. */
export const MAX_REFUSED_DATA_KEYS: i32 = 256;
/** Time for which they are remembered, milliseconds. */
export const REFUSED_DATA_KEY_MS: u64 = 10_000;
/**
 * Time after its last use for which a key is still looked up while the KMS does not answer, milliseconds. The next use
 * begins again.
 */
export const MAX_IDLE_RETRY_MS: u64 = 60_000;
/** Time for which a key must be available before the same trouble is logged again, milliseconds. */
export const MIN_KEY_REPORT_MS: u64 = 10_000;
/** Time for which a KMS's "not found" is cached, milliseconds. */
export const ABSENT_KEY_MS: u64 = 2000;
/** Shortest time between two checks for a version newer than the known ones, milliseconds, however many messages name one. */
export const MIN_KEY_RECHECK_MS: u64 = 100;
/** First pause after a failed KMS call, milliseconds. It doubles up to MAX_KMS_BACKOFF_MS. */
export const MIN_KMS_BACKOFF_MS: u64 = 100;
/** Longest pause between failing KMS calls, milliseconds. */
export const MAX_KMS_BACKOFF_MS: u64 = 5000;
/** Time for which a key serves while the KMS does not answer, milliseconds (24 hours). Then messages are refused. */
export const MAX_KEY_AGE_MS: u64 = 86_400_000;
/** Text of one field path, bytes. */
export const MAX_PATH_BYTES: u32 = 1024;
/** Steps of one field path. */
export const MAX_PATH_STEPS: u32 = 32;
/** States of all field paths of one stage together. Wildcards beside names multiply them. */
export const MAX_PATH_STATES: u32 = 16384;
/** Siblings examined for the indexes in the pointers of one message. Later pointers omit indexes. */
export const MAX_POINTER_WORK: u32 = 4_000_000;
/** Entries (matched values, missing members) of one match of a field set. */
export const MAX_FIELD_MATCHES: u32 = 2_000_000;
/** Lines of the table of rate-limit buckets that all workers share, each made on first use. So many of each size. */
export const RATE_LIMIT_LINES: u32 = 131072;
/** Buckets of one line. If all are in use, further keys share one bucket of their limit. */
export const RATE_LIMIT_WAYS: u32 = 24;
/** Buckets of one limit in one line; the others are for other limits. */
export const RATE_LIMIT_WAYS_OF_ONE: u32 = 18;
/** Lines that one question for the fullest buckets looks through: some milliseconds of one worker. */
export const MAX_TOP_LINES: u32 = 4096;
/** Buckets that one such answer names. More are not told. */
export const MAX_TOP_KEYS: u64 = 200;
/** Buckets that it names unless the question says how many. */
export const DEFAULT_TOP_KEYS: u64 = 20;
/** Requests that wait for a limit on one worker. Further ones are refused as if the queue were full. */
export const MAX_WAITING_REQUESTS: i32 = 4096;
/** Names of limits that have counters of their own, since the host never forgets one. Others count as `others`. */
export const MAX_LIMIT_COUNTERS: i32 = 256;
/** Breakers in one proxy. One for more takes the place of the one longest unused among those that it may have. */
export const BREAKER_PLACES: u32 = 4096;
/** Milliseconds after which probes of a breaker that do not end are given up, at the earliest. */
export const BREAKER_PATIENCE_MS: u64 = 60_000;
/** Answers that one proxy keeps for the time in which a breaker is open, those of all routes together. A query whose place another one has takes it over. */
export const SNAPSHOT_PLACES: u32 = 1024;
/** Bytes of one of them, its content type included. A larger one is not kept. */
export const MAX_SNAPSHOT_BYTES: u32 = 65_536;
/** Queues of routes in one VM. A route beyond them has none: its requests are sent at once. */
export const MAX_SEND_LINES: i32 = 1024;
/** Workers of one proxy among which what a queue allows is divided. Further ones count as none, so that all together get more. */
export const MAX_LIVE_WORKERS: u32 = 128;
/** Places that one breaker may have. */
export const BREAKER_TRIES: u32 = 8;
/** Attempts to write a bucket that another worker writes too. Then the request is refused with FIM-LIM-0002. */
export const MAX_SWAP_TRIES: i32 = 64;
/** Text of one pattern, bytes. */
export const MAX_PATTERN_BYTES: u32 = 2048;
/** Depth of nested groups of one pattern. */
export const MAX_PATTERN_DEPTH: u32 = 100;
/** Count in `{m,n}` of a pattern, as in RE2. */
export const MAX_PATTERN_REPEAT: u32 = 1000;
/** Instructions of one pattern's program before it is made deterministic. */
export const MAX_PATTERN_PROGRAM: u32 = 32768;
/** States of one compiled pattern. */
export const MAX_PATTERN_STATES: u32 = 10000;
/** Table of one compiled pattern, bytes. */
export const MAX_PATTERN_TABLE_BYTES: u32 = 512 * 1024;
/** Steps for compiling one pattern. Bounds its time to some milliseconds. */
export const MAX_PATTERN_WORK: u32 = 2_000_000;
/**
 * Routes of one host and one path (or pattern prefix) that differ only in method and headers. They are tried one after
 * the other.
 */
export const MAX_ROUTE_CANDIDATES: u32 = 64;
/** Path of a route, bytes. */
export const MAX_ROUTE_PATH_BYTES: u32 = 1024;
/** Request method that is compared case-insensitively in order to refuse it, bytes. No route names a longer one. */
export const MAX_METHOD_BYTES: u32 = 32;
/** Host name, bytes. */
export const MAX_HOST_BYTES: u32 = 253;
/** Data objects of a BER-TLV message, templates and their contents together. Each takes 32 bytes of scratch memory. */
export const MAX_TLV_NODES: u32 = 4096;
/** Depth of nested templates of a BER-TLV message. */
export const MAX_TLV_DEPTH: u32 = 16;
/** Recorded data objects of one message that violate the tag dictionary. Further ones are not distinguished. */
export const MAX_TLV_MISTAKES: i32 = 64;
/** Shortest accepted HMAC-SM3 key from a KMS, bytes. */
export const MIN_HMAC_KEY_BYTES: u32 = 16;
/** Longest accepted HMAC-SM3 key from a KMS, bytes. */
export const MAX_HMAC_KEY_BYTES: u32 = 128;
/** Data key encrypted by a transit KMS (`vault:v3:…`), bytes of text. */
export const MAX_WRAPPED_KEY_BYTES: u32 = 512;
/** PEM text or DER of an SM2 key, bytes. */
export const MAX_KEY_FILE_BYTES: u32 = 8192;
/** Text of one SM2 encryption, bytes. */
export const MAX_SM2_PLAINTEXT_BYTES: u32 = 8 * 1024 * 1024 - 256;
/** Conditions that the rules of one route depend on (as in the validator's schema). */
export const MAX_VALIDATION_CONDITIONS: u32 = 256;
/** Rules between fields of one route (as in the validator's schema). */
export const MAX_CROSS_RULES: u32 = 128;
/** Lines of the table of nonces that all workers share, a power of two. Each is created on first use. */
export const REPLAY_LINES: u32 = 8192;
/**
 * Nonces of one line, 8 bytes each. If all are in use, a message is refused with FIM-SIG-0003. The table takes at most
 * 16 MiB and holds some 1.6 million.
 */
export const REPLAY_PLACES: u32 = 256;
/** Fields of one message in what is signed as `name=value&…`; with more its signature is refused as malformed. */
export const MAX_SIGNED_FIELDS: u32 = 256;
/** Parts of what one signature covers. */
export const MAX_SIGNED_PARTS: i32 = 64;
/** Shortest nonce of a signed message, bytes. */
export const MIN_NONCE_BYTES: u32 = 8;
/** Longest nonce of a signed message, bytes. */
export const MAX_NONCE_BYTES: u32 = 128;
/** Values of one message that are encrypted or decrypted individually. */
export const MAX_PROTECTED_FIELDS: u32 = 4096;
/** The same if each value is an SM2 encryption, some 150 microseconds. */
export const MAX_SM2_PROTECTED_FIELDS: u32 = 64;
/** Content type that is sent along with a protected message, bytes. A longer one is omitted. */
export const MAX_CONTENT_TYPE_BYTES: u32 = 255;
/** First part of a message of the compact profile, characters. */
export const MAX_COMPACT_HEADER_BYTES: u32 = 4096;
/** Header of a message of the segmented profile, bytes. */
export const MAX_SEGMENT_HEADER_BYTES: u32 = 4096;
/** Plaintext of one segment of the segmented profile, bytes. */
export const MAX_SEGMENT_BYTES: u32 = 1024 * 1024;
/**
 * Shortest time between two log lines about messages that cannot be opened, milliseconds. The next line counts those
 * between.
 */
export const MIN_LOG_INTERVAL_MS: u64 = 1000;
/** Values of a message that one route extracts (as in the validator's schema). */
export const MAX_EXTRACTS: u32 = 16;
/**
 * Methods, paths and hosts that the headers of one request may request instead of its own. With more it is refused with
 * FIM-RT-0045.
 */
export const MAX_OVERRIDE_READINGS: u32 = 32;
/** X.509 certificate, bytes of DER; a larger one is refused, in a handshake with `bad_certificate`. */
export const MAX_CERTIFICATE_BYTES: u32 = 8192;
/** Serial number of a certificate, bytes with its sign; RFC 5280 asks for 20 at most. */
export const MAX_SERIAL_BYTES: u32 = 21;
/** Name of a server that a client asks for or checks, bytes. */
export const MAX_SERVER_NAME_BYTES: u32 = 255;
/** Certificates of one side of a handshake, the pair and those of authorities. */
export const MAX_CHAIN_CERTIFICATES: u32 = 10;
/** Certificates from a leaf to its trust anchor, the anchor included. */
export const MAX_CHAIN_DEPTH: u32 = 8;
/** PEM text with the certificates of a chain or of trust anchors, bytes. */
export const MAX_CHAIN_FILE_BYTES: u32 = 262144;
/**
 * Certificates of other sides of national TLS that a VM keeps parsed once they were verified, the latest, up to 13 KiB
 * each, some 6 as they come.
 */
export const MAX_KEPT_CERTIFICATES: i32 = 256;
/** Revocation list, bytes of DER. */
export const MAX_LIST_BYTES: u32 = 8 * 1024 * 1024;
/** Certificates that one revocation list names. */
export const MAX_LISTED_CERTIFICATES: u32 = 262144;
/** Revocation lists of one side of national TLS. */
export const MAX_LISTS: i32 = 64;
/** Answer of an OCSP responder, bytes; a longer one counts as none. */
export const MAX_OCSP_ANSWER_BYTES: u32 = 16384;
/** Answers of OCSP responders that are kept, the latest, some 100 bytes each. */
export const MAX_KEPT_ANSWERS: i32 = 4096;
/** Time for which an answer of an OCSP responder holds that says no end, seconds. */
export const MAX_ENDLESS_ANSWER_SECONDS: i64 = 300;
/** Most that the clock of an OCSP responder or of a list's issuer may be ahead, seconds. */
export const MAX_CLOCK_AHEAD_SECONDS: i64 = 300;
/**
 * Time for which a handshake of national TLS waits for OCSP responders, milliseconds, from its first question on; then
 * the declared fallback decides. It is below MAX_HANDSHAKE_MS, which ends the handshake of a client that was slow
 * before.
 */
export const MAX_OCSP_WAIT_MS: u64 = 5000;
/**
 * Questions to OCSP responders under way in one machine, below MAX_PENDING_CALLOUTS, so that keys can be fetched. One
 * more waits, MAX_OCSP_WAIT_MS at most.
 */
export const MAX_OCSP_CALLS: i32 = 128;
/** Trust anchors of one side of national TLS. */
export const MAX_TRUST_ANCHORS: i32 = 64;
/** One handshake message of national TLS, bytes; a longer one ends the handshake with `decode_error`. */
export const MAX_HANDSHAKE_MESSAGE_BYTES: u32 = 65536;
/** All handshake messages that one side of a connection sends, bytes; more end it with `handshake_failure`. */
export const MAX_HANDSHAKE_BYTES: u32 = 131072;
/** Time of a handshake of national TLS, milliseconds; then it ends with `handshake_failure`. */
export const MAX_HANDSHAKE_MS: u64 = 10_000;
/** Empty records of national TLS in a row; one more ends the connection with `unexpected_message`. */
export const MAX_EMPTY_RECORDS: u32 = 32;
/** Alerts of the level "warning" that one connection may get; one more ends it. */
export const MAX_WARNINGS: u32 = 8;
/** Records under one key of national TLS, each way; then the connection is closed with `close_notify`. */
export const MAX_RECORDS_PER_KEY: u64 = 16_777_216;
/**
 * Bytes each way that may wait in one connection of national TLS for its host. A call to `send` or `receive` that would
 * exceed it ends the connection. The largest body, its head and what sealing adds to their records fit: a whole
 * response that was held for its verdict comes in one piece.
 */
export const MAX_WAITING_BYTES: u32 = 17_825_792;
/** Keys of records that are kept expanded, for all connections of one VM, 24 KiB each. */
export const MAX_EXPANDED_KEYS: i32 = 64;
/** Sessions that a server of national TLS keeps for resumption by id, the latest, some 2 KiB each. */
export const MAX_KEPT_SESSIONS: i32 = 1024;
/** Time for which a session of national TLS may be resumed unless the configuration says otherwise, seconds. */
export const SESSION_SECONDS: i64 = 3600;
/** Ticket of a session, bytes; a longer one is not looked at. */
export const MAX_TICKET_BYTES: u32 = 4096;
/** Keys of tickets: the first makes them, the others only open them. */
export const MAX_TICKET_KEYS: i32 = 4;
/** Connections of national TLS in one worker that have not sent a byte. For one more the oldest is closed. */
export const MAX_SILENT_CONNECTIONS: i32 = 4096;
/** Connections of national TLS in their handshake in one worker. For one more the oldest is closed. */
export const MAX_LIVE_HANDSHAKES: i32 = 4096;
/** Bytes that these hold in one worker; beyond it the oldest are closed. Memory of a machine never shrinks. */
export const MAX_HANDSHAKES_HELD_BYTES: u32 = 33_554_432;
/** Connections of national TLS in one worker. For one more the oldest without a handshake is closed, else that one. */
export const MAX_TLCP_CONNECTIONS: i32 = 65536;
/** Bytes of a client that wait for this side's keys; more end the connection. A ClientHello has some hundreds. */
export const MAX_EARLY_BYTES: u32 = 18_432;
/**
 * Head of a request over national TLS, or its trailers, bytes; a longer one is refused with 431, FIM-RT-0025, or ends
 * the connection. It is held until it is whole, and is above what Envoy takes.
 */
export const MAX_TLCP_HEAD_BYTES: u32 = 65_536;
/** Time for a head, a chunk's line or trailers over national TLS to be whole, milliseconds; then the connection ends. */
export const MAX_TLCP_HEAD_MS: u64 = 15_000;
/** Time that a connection of national TLS has to take its last words, milliseconds; then it is closed as it is. */
export const MAX_CLOSING_MS: u64 = 2000;
/** Subject of a client's certificate as header and log show it, bytes; a longer one is cut. */
export const MAX_SUBJECT_TEXT_BYTES: u32 = 1024;
/** Stages of a module, and so steps of one direction of a route. A module with more does not start. */
export const MAX_STEPS: i32 = 16;
/**
 * Private key in PEM that detection by content finds, bytes from its first dash on: RSA of 16,384 bits with escaped
 * lines. The rest of a longer one is looked at like other text.
 */
export const MAX_PEM_BYTES: u32 = 24_576;
/** A value of a message that is masked as it passes, bytes as written: as much of the message is held back at most. A longer one ends the message with FIM-MASK-0012. */
export const MAX_STREAM_VALUE_BYTES: u32 = 32_768;
/** Names of the members around a value of such a message, with their brackets, bytes. More ends it with FIM-MASK-0012. */
export const MAX_STREAM_PLACE_BYTES: u32 = 4096;
/** Longest value that becomes a token, bytes. A longer one is hidden whole. */
export const MAX_TOKEN_TEXT_BYTES: u32 = 1024;
/** Longest text that a detector of a house finds, bytes of UTF-8. A pattern that matches a longer one is refused: FIM-MASK-0009. */
export const MAX_SPAN_BYTES: u32 = 128;
/** Detectors of a house in one direction of a route: the bits of a state. */
export const MAX_SPAN_PATTERNS: i32 = 32;
/** Longest name that masking's dictionary knows, folded, bytes. A longer one is none of its names. */
export const MAX_DICTIONARY_NAME_BYTES: u32 = 96;
/** Records of audit that wait in one machine until a collector has them, bytes. `onFull` says what comes beyond it. */
export const MAX_OUTBOX_BYTES: u32 = 16_777_216;
/** The same, records. */
export const MAX_OUTBOX_RECORDS: i32 = 16_384;
/** Records that VMs which are gone have left to others, bytes; what is beyond it is lost. */
export const MAX_ESTATE_BYTES: u32 = 33_554_432;
/** Room that is kept for the record of a message from its beginning, besides its path, bytes. */
export const MAX_AUDIT_RECORD_BYTES: u32 = 4096;
/** Time of a worker that shadows may take in each second, nanoseconds: a twentieth. Further messages are judged by the policy in force alone, and counted. */
export const MAX_SHADOW_NANOS: u64 = 50_000_000;
/** Differences between a shadow and the policy in force of which code and path are kept; further ones are only counted. */
export const MAX_SHADOW_SAMPLES: i32 = 32;
/** Longest path of such a difference, bytes; a longer one is cut off. */
export const MAX_SHADOW_PATH_BYTES: u32 = 256;
/** Keys that a record of audit names; the stages of a route use fewer. */
export const MAX_NOTED_KEYS: i32 = 16;
/** Text of such a field, bytes: all its values together. Of a longer one the record has `***`. */
export const MAX_AUDIT_VALUE_BYTES: u32 = 512;
/** Room of all such fields together in one record, bytes; a value that finds none is `***`. */
export const MAX_AUDIT_DATA_BYTES: u32 = 8192;
