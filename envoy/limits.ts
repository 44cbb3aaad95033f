// Every limit of the TypeScript side that an operator may meet, one line each, with its unit in the name.

/**
 * Largest body that Envoy buffers for a stage, bytes. It lies above the largest that a route may allow, so that the
 * stage's own limit applies first and gives its code. It includes room for the envelope of an encrypted body (4/3 of it
 * and a frame), since Envoy refuses a body that a filter enlarges beyond this.
 */
export const MAX_ENVOY_BUFFER_BYTES = 24 * 1024 * 1024;
/** Bytes that Envoy buffers for a slow receiver on one connection. */
export const CONNECTION_BUFFER_BYTES = 1024 * 1024;
/** Time for a client to send its request headers, milliseconds. */
export const REQUEST_HEADERS_TIMEOUT_MS = 15_000;
/** Time without a byte in either direction after which a stream ends, milliseconds. */
export const STREAM_IDLE_TIMEOUT_MS = 300_000;
/** Time to connect to the upstream or the KMS, milliseconds. */
export const CONNECT_TIMEOUT_MS = 2_000;
/** Concurrent client connections. */
export const MAX_DOWNSTREAM_CONNECTIONS = 50_000;
/**
 * Requests of one connection that Envoy starts in the read that brings them. Each of the others waits for another turn
 * of its event loop. With one, a third pipelined request could find two local replies unsent, and Envoy would close the
 * connection.
 */
export const REQUESTS_BEGUN_AT_ONCE = 0;
/** Concurrent HTTP/2 streams of one client connection. Further ones wait at the client. */
export const MAX_CONCURRENT_STREAMS = 128;
/** Initial HTTP/2 flow-control window of one client stream, bytes. */
export const CLIENT_STREAM_WINDOW_BYTES = 256 * 1024;
/** Initial HTTP/2 flow-control window of one client connection, bytes. */
export const CLIENT_CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** All request headers together, KiB. Larger ones are refused with 431, FIM-RT-0025. */
export const MAX_REQUEST_HEADERS_KIB = 60;
/** Number of request headers. More are refused with 431, FIM-RT-0025. */
export const MAX_REQUEST_HEADERS = 100;
/** Time for a whole request to arrive, milliseconds; then 408, FIM-RT-0024. `fim up --request-timeout` overrides it. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 120_000;
/** Time without a request after which a client connection is closed, milliseconds. */
export const CONNECTION_IDLE_TIMEOUT_MS = 300_000;
/**
 * Largest default of Envoy's heap, bytes. Half of the memory that the process may use applies if that is less. `fim up
 * --max-heap` overrides it.
 */
export const DEFAULT_MAX_HEAP_BYTES = 2 * 1024 * 1024 * 1024;
/** Smallest heap that can be set, bytes. Envoy and the modules' code need it. */
export const MIN_MAX_HEAP_BYTES = 128 * 1024 * 1024;
/** Buffer size from which a stream may be ended when the heap is full, bytes as a power of two. */
export const TRACKED_STREAM_BYTES_LOG2 = 20;
/** Unused memory that Envoy returns to the system in one step, bytes. */
export const MEMORY_RELEASE_BYTES = 64 * 1024 * 1024;
/** Time between these steps, milliseconds. */
export const MEMORY_RELEASE_INTERVAL_MS = 1_000;
/**
 * Body bytes that one stream of the test host may buffer before Envoy's 413 (request) or 500 (response). Envoy's
 * default.
 */
export const HOST_BUFFER_LIMIT_BYTES = 1024 * 1024;
/** Envoy's default back-off of FAIL_RELOAD, milliseconds. */
export const DEFAULT_RELOAD_BACKOFF_MS = 1000;
/** Virtual time after which an exchange in the test host counts as hanging, milliseconds. */
export const HOST_MAX_WAIT_MS = 60_000;
/** One route file, bytes. */
export const MAX_ROUTE_FILE_BYTES = 1024 * 1024;
/** Route files loaded together. */
export const MAX_ROUTE_FILES = 1_000;
/** Resources in one file. */
export const MAX_FILE_RESOURCES = 1_000;
/** Depth of folders below a loaded folder. */
export const MAX_FOLDER_DEPTH = 8;
/** Depth of nested mappings and lists in a file. */
export const MAX_YAML_DEPTH = 32;
/** Errors reported for one resource. Checking stops there. */
export const MAX_RESOURCE_ERRORS = 50;
/**
 * Routes of one plugin configuration (as in the modules). A resource whose hosts differ in specificity counts once for
 * each.
 */
export const MAX_PLUGIN_ROUTES = 1_000;
/** One plugin configuration, bytes (as in the modules). */
export const MAX_PLUGIN_CONFIG_BYTES = 4 * 1024 * 1024;
/** Certificates of one side of a pair where they stand outside the resource, bytes of PEM; more is not taken. */
export const MAX_TLCP_CHAIN_BYTES = 32 * 1024;
/** Authorities of clients where they stand outside the resource, bytes of PEM; more is not taken. */
export const MAX_TLCP_TRUST_BYTES = 64 * 1024;
/** Revocation lists of a listener, bytes of PEM or of the file that holds them; more is FIM-CFG-1075. */
export const MAX_TLCP_LISTS_BYTES = 1_500_000;
/**
 * Time for the first bytes of a connection where they tell ordinary TLS from national TLS, milliseconds; after it the
 * connection is closed.
 */
export const FIRST_BYTES_TIMEOUT_MS = 10_000;
/** Authorities of clients of ordinary TLS beside national TLS; more is FIM-CFG-1077. */
export const MAX_ORDINARY_TRUST = 64;
/** Terms of ordinary TLS, as edits left them, whose kept connections may go on; of one more the oldest are refused. */
export const MAX_ORDINARY_TERMS = 32;
/** Least time for an answer of an OCSP responder, milliseconds; less is FIM-CFG-1039. */
export const MIN_OCSP_TIMEOUT_MS = 50;
/** Most time for it, milliseconds, within that of a handshake; more is FIM-CFG-1039. */
export const MAX_OCSP_TIMEOUT_MS = 4_000;
/** Least time for which a session of national TLS may be resumed, milliseconds; less is FIM-CFG-1039. */
export const MIN_SESSION_MS = 60_000;
/** Most of it, milliseconds; more is FIM-CFG-1039. */
export const MAX_SESSION_MS = 86_400_000;
/** Least time that certificates of clients must be valid yet, milliseconds; less is FIM-CFG-1039. */
export const MIN_MINIMUM_VALIDITY_MS = 1_000;
/** Most of it, milliseconds; more is FIM-CFG-1039. */
export const MAX_MINIMUM_VALIDITY_MS = 8_760 * 3_600_000;
/** Steps of one field path (as in the modules). */
export const MAX_FIELD_PATH_STEPS = 32;
/** Longest period of a rate limit, milliseconds. */
export const MAX_LIMIT_PERIOD_MS = 86_400_000;
/** Longest wait of a request for a limit, milliseconds. */
export const MAX_LIMIT_WAIT_MS = 30_000;
/** Parts of a limit's key with those of its parents (as in the limiter's schema, of an override's values); more are refused. */
export const MAX_LIMIT_KEY_PARTS = 8;
/** Global limits of one route, as many as the headers that ask for them have numbers (as in the limiter's schema). */
export const MAX_FLEET_LIMITS = 4;
/** Default ceiling of one Envoy with `onStoreFailure: Allow`, in times of the global limit. */
export const OPEN_CEILING_FACTOR = 10;
/** Largest number of a limit (as in the limiter's schema). */
export const MAX_LIMIT_REQUESTS = 1_000_000_000;
/** Time for the limit service to answer, milliseconds. Then the limit decides as `onStoreFailure` says. */
export const LIMIT_ANSWER_MS = 20;
/** Time between looks whether the limit service is well, milliseconds. */
export const LIMIT_HEALTH_INTERVAL_MS = 250;
/** The same while it is not well: so soon after it is, it is asked again. */
export const LIMIT_RETURN_INTERVAL_MS = 100;
/** Failures in a row after which the limit service is not asked any more until it is well. */
export const LIMIT_FAILURES = 3;
/** Requests that wait for one limit service at once. Further ones do without its answer. */
export const MAX_LIMIT_QUESTIONS = 1024;
/** Repetition count in a pattern (as in the modules and in RE2). */
export const MAX_PATTERN_REPEAT = 1_000;
/** Bytes that the engine's random source fills at once. */
export const MAX_RANDOM_FILL_BYTES = 65536;
/** Samples of one histogram that the test host keeps. Older ones are dropped. */
export const MAX_HOST_SAMPLES = 100_000;
/** Compiled modules that the test host keeps by their hash. */
export const MAX_KEPT_MODULES = 16;
/** Requests that the demonstration upstream keeps. */
export const MAX_SEEN_REQUESTS = 20;
/** Kept bytes of one body that the demonstration upstream can show. */
export const MAX_SEEN_BODY_BYTES = 64 * 1024;
/** Bytes of one body that the demonstration upstream reads. */
export const MAX_UPSTREAM_BODY_BYTES = 64 * 1024 * 1024;
/** Encrypted body that `fim decrypt` reads, characters. */
export const MAX_PROTECTED_CHARACTERS = 64 * 1024 * 1024;
/** Longest time for which a series of file changes is collected, milliseconds. */
export const MAX_SETTLE_MS = 200;
/** Length of a chain of profiles that extend one another. */
export const MAX_PROFILE_DEPTH = 8;
/** Baselines that count. The youngest beyond it are not accepted. */
export const MAX_BASELINES = 16;
/** Spec of one baseline as JSON, bytes. It stands in each route that it reaches. */
export const MAX_BASELINE_BYTES = 32 * 1024;
/** Rules on single fields of one route, including those of its profiles (as in the modules). */
export const MAX_VALIDATION_RULES = 2_048;
/**
 * Characters of all names, paths, patterns, notes and texts in the fields and rules of one route or profile. Each text
 * of a list counts four more.
 */
export const MAX_VALIDATION_CHARACTERS = 131_072;
/** Different conditions of one route's rules (as in the modules). */
export const MAX_RULE_CONDITIONS = 256;
/** Rules between fields of one route, including those of its profiles (as in the modules). */
export const MAX_RULES_BETWEEN_FIELDS = 128;
/** Body of a request to the development KMS, bytes. */
export const MAX_KMS_REQUEST_BYTES = 64 * 1024;
/** Keys of one development KMS. */
export const MAX_REGISTER_KEYS = 1_000;
/** Versions of one key of a development KMS. */
export const MAX_REGISTER_VERSIONS = 10_000;
/** File or text of an SM2 key, bytes (as in the modules). A longer one: FIM-KMS-0005 or FIM-KMS-0003. */
export const MAX_KEY_FILE_BYTES = 8_192;
/**
 * Time to wait for another process that writes the development KMS's folder, milliseconds. Then the command fails
 * without a change.
 */
export const MAX_KEY_LOCK_MS = 5_000;
/** Smallest clock skew that a route may allow for the time of signing, milliseconds. */
export const MIN_CLOCK_SKEW_MS = 1000;
/** Largest clock skew that a route may allow for the time of signing, milliseconds. */
export const MAX_CLOCK_SKEW_MS = 3_600_000;
/** Response of a KMS to FIM's own programs, bytes. A longer one is rejected. */
export const MAX_KMS_ANSWER_BYTES = 64 * 1024;
/** Keys of the routes that are looked up before messages need them. Further ones are not. */
export const MAX_KEY_LOOKS = 1_000;
/** Concurrent look-ups of such keys. */
export const MAX_KEY_LOOKS_AT_ONCE = 16;
/** Longest wait for one such look-up, milliseconds. */
export const KEY_LOOK_TIMEOUT_MS = 2_000;
/** Longest wait for all such look-ups, milliseconds. It delays the report of a route change by at most this time. */
export const KEY_LOOKS_MS = 3_000;
/** Time between look-ups of the routes' keys, milliseconds. A revoked key is reported after at most this time. */
export const KEY_LOOK_INTERVAL_MS = 5_000;
/** Canonical path of a route, bytes (as in the modules). */
export const MAX_ROUTE_PATH_BYTES = 1024;
/** Characters by which an unknown name may differ from the suggested one. */
export const MAX_TYPO_LETTERS = 3;
/** Longest unknown name for which a suggestion is searched, characters. */
export const MAX_TYPO_NAME_CHARACTERS = 64;
/** Longest time for one try of a request, milliseconds. */
export const MAX_PER_TRY_MS = 300_000;
/** Longest time for which a channel that failed is not used, milliseconds. */
export const MAX_HOLD_DOWN_MS = 3_600_000;
/** Longest time between two health checks of a channel, milliseconds. */
export const MAX_HEALTH_INTERVAL_MS = 300_000;
/**
 * Time for a connection to a channel, TLS included, milliseconds. Then the request goes to another channel, within the
 * second that a switch may take.
 */
export const CHANNEL_CONNECT_TIMEOUT_MS = 500;
/** Second tries under way at once to the channels of one route. What fails beyond it is not tried again. */
export const RETRIES_AT_ONCE = 1024;
/** Masked value that `fim unmask` reads, characters: a token of the longest text. */
export const MAX_UNMASK_CHARACTERS = 2048;
/** Message that `fim mask explain` reads, bytes. */
export const MAX_EXPLAINED_BYTES = 16 * 1024 * 1024;
/** One file of test cases, bytes. */
export const MAX_CASE_FILE_BYTES = 4 * 1024 * 1024;
/** Files of test cases of one run. */
export const MAX_CASE_FILES = 1_000;
/** Aliases of YAML that one file of test cases may resolve to. */
export const MAX_CASE_ALIASES = 10_000;
/** HAR file that `fim replay` reads, bytes. JSON lines are read as they come. */
export const MAX_HAR_BYTES = 256 * 1024 * 1024;
/** Line of recorded traffic, bytes. */
export const MAX_RECORDED_LINE_BYTES = 64 * 1024 * 1024;
/** Kinds of differences, and of errors in each, that a replay tells apart. Further ones are counted together. */
export const MAX_REPLAY_KINDS = 256;
/** Places that a replay names for each kind. */
export const MAX_REPLAY_EXAMPLES = 5;
/** Time for a question at the door and its answer, milliseconds. Then the command says that nobody answers. */
export const DOOR_REQUEST_TIMEOUT_MS = 5_000;
/** Time for which a connection of the door stays without a question, milliseconds. Then it is closed. */
export const DOOR_IDLE_TIMEOUT_MS = 10_000;
/** Longest answer of the door that a command reads, bytes. */
export const MAX_DOOR_ANSWER_BYTES = 1 << 20;
/** Longest path of the door's socket, bytes (sun_path of Linux, without its end). Beyond it the stack has no door. */
export const MAX_SOCKET_PATH_BYTES = 107;
/** Least time of a step of a canary, milliseconds. */
export const MIN_CANARY_INTERVAL_MS = 1_000;
/** Longest time of a step of a canary, milliseconds. */
export const MAX_CANARY_INTERVAL_MS = 86_400_000;
/** Time between two looks at what proxies count of a canary, milliseconds. */
export const CANARY_LOOK_MS = 500;
/** Looks at a canary that are remembered, to judge its latest requests by themselves. Older ones count for the whole step. */
export const MAX_CANARY_LOOKS = 240;
/** Fields of a hash of users, and so the finest share: one of them is a hundredth of a percent. */
export const CANARY_HASH_FIELDS = 10_000;
/** Releases that `fim up` keeps to go back to; of one more the oldest is forgotten. */
export const MAX_KEPT_RELEASES = 16;
