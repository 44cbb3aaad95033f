// Every limit of the TypeScript side that an operator may meet, one line each, with its unit in the name.

/**
 * Largest body that Envoy buffers for a stage, bytes: above the largest that a route may allow, so that the stage's own
 * limit, with its code, is met first, and with room for the envelope of an encrypted one (4/3 of it and a frame): Envoy
 * refuses a body that a filter makes larger than this.
 */
export const MAX_ENVOY_BUFFER_BYTES = 24 * 1024 * 1024;
/** What Envoy reads ahead of a slow receiver on one connection, bytes. */
export const CONNECTION_BUFFER_BYTES = 1024 * 1024;
/** Time for a client to send its request headers, milliseconds. */
export const REQUEST_HEADERS_TIMEOUT_MS = 15_000;
/** Time without a byte in either direction after which a stream ends, milliseconds. */
export const STREAM_IDLE_TIMEOUT_MS = 300_000;
/** Time for a connection to the upstream or the KMS, milliseconds. */
export const CONNECT_TIMEOUT_MS = 2_000;
/** Connections of clients at a time. */
export const MAX_DOWNSTREAM_CONNECTIONS = 50_000;
/** HTTP/2 streams at a time on one connection of a client; more wait at the client. */
export const MAX_CONCURRENT_STREAMS = 128;
/** What a client may send on one HTTP/2 stream before it is told to go on, bytes. */
export const CLIENT_STREAM_WINDOW_BYTES = 256 * 1024;
/** What a client may send on one HTTP/2 connection before it is told to go on, bytes. */
export const CLIENT_CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** Request headers together, KiB; larger ones are refused with 431, FIM-RT-0025. */
export const MAX_REQUEST_HEADERS_KIB = 60;
/** Request headers, by number; more are refused with 431, FIM-RT-0025. */
export const MAX_REQUEST_HEADERS = 100;
/**
 * Time for a whole request to arrive unless `fim up --request-timeout` says otherwise, milliseconds; then 408,
 * FIM-RT-0024.
 */
export const DEFAULT_REQUEST_TIMEOUT_MS = 120_000;
/** Time without a request after which a client's connection ends, milliseconds. */
export const CONNECTION_IDLE_TIMEOUT_MS = 300_000;
/**
 * Largest default of Envoy's heap, bytes; half of the memory that the process may use, if that is less. `fim up
 * --max-heap` sets another.
 */
export const DEFAULT_MAX_HEAP_BYTES = 2 * 1024 * 1024 * 1024;
/** Least heap that may be set, bytes: what Envoy and its modules' code take, and room to work. */
export const MIN_MAX_HEAP_BYTES = 128 * 1024 * 1024;
/** Buffers of one stream from which on it may be ended when the heap is full, bytes as a power of two. */
export const TRACKED_STREAM_BYTES_LOG2 = 20;
/** Unused memory that Envoy gives back in one step, bytes. */
export const MEMORY_RELEASE_BYTES = 64 * 1024 * 1024;
/** Time between these steps, milliseconds. */
export const MEMORY_RELEASE_INTERVAL_MS = 1_000;
/**
 * Body that one stream of the test host may hold before Envoy's 413 (request) or 500 (response), bytes; Envoy's
 * default.
 */
export const HOST_BUFFER_LIMIT_BYTES = 1024 * 1024;
/** Envoy's default back-off of FAIL_RELOAD, ms. */
export const DEFAULT_RELOAD_BACKOFF_MS = 1000;
/** Virtual time after which an exchange in the test host counts as hanging, ms. */
export const HOST_MAX_WAIT_MS = 60_000;
/** One file of routes, bytes. */
export const MAX_ROUTE_FILE_BYTES = 1024 * 1024;
/** Files of routes loaded together. */
export const MAX_ROUTE_FILES = 1_000;
/** Resources in one file. */
export const MAX_FILE_RESOURCES = 1_000;
/** Folders below a folder that is loaded. */
export const MAX_FOLDER_DEPTH = 8;
/** Nesting of mappings and lists in a file. */
export const MAX_YAML_DEPTH = 32;
/** Mistakes reported for one resource; the rest is not looked for. */
export const MAX_RESOURCE_ERRORS = 50;
/**
 * Routes of one plugin configuration (as in the modules): a resource with hosts of unlike specificity counts once for
 * each.
 */
export const MAX_PLUGIN_ROUTES = 1_000;
/** One plugin configuration, bytes (as in the modules). */
export const MAX_PLUGIN_CONFIG_BYTES = 4 * 1024 * 1024;
/** Steps of one field path (as in the modules). */
export const MAX_FIELD_PATH_STEPS = 32;
/** Longest period of a rate limit, milliseconds. */
export const MAX_LIMIT_PERIOD_MS = 86_400_000;
/** Count of a repetition in a pattern, as in RE2 (as in the modules). */
export const MAX_PATTERN_REPEAT = 1_000;
/** Largest piece that the engine's random source fills at once, bytes. */
export const MAX_RANDOM_FILL_BYTES = 65536;
/** Samples of one histogram that the test host keeps; older ones are dropped. */
export const MAX_HOST_SAMPLES = 100_000;
/** Compiled modules that the test host keeps by their hash. */
export const MAX_KEPT_MODULES = 16;
/** Requests that the demonstration upstream remembers. */
export const MAX_SEEN_REQUESTS = 20;
/** What it remembers of a body, bytes. */
export const MAX_SEEN_BODY_BYTES = 64 * 1024;
/** What it keeps of a body at all, bytes. */
export const MAX_UPSTREAM_BODY_BYTES = 64 * 1024 * 1024;
/** Encrypted body that `fim decrypt` reads, characters. */
export const MAX_PROTECTED_CHARACTERS = 64 * 1024 * 1024;
/** Longest time that a stream of changes of files is held back, milliseconds. */
export const MAX_SETTLE_MS = 200;
/** Profiles that extend one another, from a route's own to the last. */
export const MAX_PROFILE_DEPTH = 8;
/** Rules on single fields of one route, with those of its profiles (as in the modules). */
export const MAX_VALIDATION_RULES = 2_048;
/**
 * Names, paths, patterns, notes and texts of the fields and rules of one route or profile together, characters; each
 * text of a list counts four more.
 */
export const MAX_VALIDATION_CHARACTERS = 131_072;
/** Different conditions of one route's rules (as in the modules). */
export const MAX_RULE_CONDITIONS = 256;
/** Rules between fields of one route, with those of its profiles (as in the modules). */
export const MAX_RULES_BETWEEN_FIELDS = 128;
/** Body of a request to the development KMS, bytes. */
export const MAX_KMS_REQUEST_BYTES = 64 * 1024;
/** Keys of one development KMS. */
export const MAX_REGISTER_KEYS = 1_000;
/** Versions of one of its keys. */
export const MAX_REGISTER_VERSIONS = 10_000;
/** File or text of an SM2 key, bytes, as in the modules; longer: FIM-KMS-0005 or FIM-KMS-0003. */
export const MAX_KEY_FILE_BYTES = 8_192;
/** Time to wait for another process that writes the development KMS's folder, milliseconds; then nothing is done. */
export const MAX_KEY_LOCK_MS = 5_000;
/** Least difference between the time of signing and now that a route may set, milliseconds. */
export const MIN_CLOCK_SKEW_MS = 1000;
/** Greatest difference between the time of signing and now that a route may set, milliseconds. */
export const MAX_CLOCK_SKEW_MS = 3_600_000;
/** Answer of a KMS to FIM itself, bytes; a longer one is none. */
export const MAX_KMS_ANSWER_BYTES = 64 * 1024;
/** Keys of the routes that are looked up before messages need them; more are not. */
export const MAX_KEY_LOOKS = 1_000;
/** Of them at one time. */
export const MAX_KEY_LOOKS_AT_ONCE = 16;
/** Longest wait for one of them, milliseconds. */
export const KEY_LOOK_TIMEOUT_MS = 2_000;
/** Longest wait for all of them, milliseconds: a change of the routes is told that much later at most. */
export const KEY_LOOKS_MS = 3_000;
/** Time between looks at keys that could not be had, milliseconds. */
export const KEY_RETRY_MS = 5_000;
/** Canonical path of a route, bytes (as in the modules). */
export const MAX_ROUTE_PATH_BYTES = 1024;
/** Characters in which an unknown name may differ from the one that is proposed instead. */
export const MAX_TYPO_LETTERS = 3;
/** Longest unknown name for which another one is looked for, characters. */
export const MAX_TYPO_NAME_CHARACTERS = 64;
