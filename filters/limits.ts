// Every limit of the filters, one line each, with its unit in the name. The documentation is generated from the comments.

/** Largest request or response body that a stage may hold, bytes; the configuration may set less per route. */
export const MAX_BODY_BYTES: u32 = 16 * 1024 * 1024;
/** Body limit of a route whose configuration names none, bytes. */
export const DEFAULT_BODY_BYTES: u32 = 1024 * 1024;
/** Scratch memory of one VM, bytes: the index, the decoded text and the output of one message at a time. */
export const MAX_SCRATCH_BYTES: usize = 256 * 1024 * 1024;
/** Smallest block that the scratch arena takes from the heap, bytes. */
export const SCRATCH_CHUNK_BYTES: usize = 256 * 1024;
/** Plugin configuration document, bytes. */
export const MAX_CONFIG_BYTES: u32 = 4 * 1024 * 1024;
/** Streams alive in one VM at a time; one more is refused with FIM-RT-0007. */
export const MAX_LIVE_STREAMS: u32 = 65536;
/** Root contexts alive in one VM: the current configuration and those that still drain. */
export const MAX_ROOT_CONTEXTS: u32 = 256;
/** Entries of `errors` in one problem reply; more are counted in `errorsOmitted`. */
export const MAX_REPLY_ERRORS: u32 = 64;
/** Routes of one plugin configuration. */
export const MAX_ROUTES: i32 = 1000;
/** Nesting of a JSON message, containers within containers. */
export const MAX_JSON_DEPTH: u32 = 128;
/** Values in a JSON message (objects, arrays and scalars together); each takes 32 bytes of scratch memory. */
export const MAX_JSON_NODES: u32 = 2_000_000;
/** Size of a JSON document that can be indexed at all, bytes (offsets and key lengths are packed). */
export const MAX_JSON_BYTES: u32 = 64 * 1024 * 1024;

/** HTTP calls of one VM that await an answer. */
export const MAX_PENDING_CALLOUTS: i32 = 64;
