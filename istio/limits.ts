// Every limit of the operator, one line each, with its unit in the name.

/** File with the platform's default certificates of national TLS, bytes; a larger one is refused. */
export const MAX_TLCP_CERTIFICATES_BYTES = 512 * 1024;
/** Objects with certificates that the routes of one namespace name. Further ones are not read, and said to be missing. */
export const MAX_NAMESPACE_CERTIFICATES = 32;
/** Pause between two looks at an object with certificates, milliseconds; longer with many, so that there are few requests. */
export const CERTIFICATE_LOOK_MS = 2_000;
/** Looks at objects with certificates, a second at most, of all namespaces together. */
export const CERTIFICATE_LOOKS_PER_SECOND = 20;
/** Time for which planning waits for the first look at an object with certificates, milliseconds. */
export const CERTIFICATE_WAIT_MS = 2_500;
/** Time before its end from which a certificate of national TLS carries a warning, milliseconds. */
export const CERTIFICATE_WARNING_MS = 14 * 86_400_000;
/** Most FinancialRoutes of one workload. The youngest beyond it are not accepted. */
export const MAX_WORKLOAD_ROUTES = 500;
/**
 * Size of one EnvoyFilter as sent, bytes. etcd takes 1.5 MiB and the API server adds its own fields. The youngest
 * routes beyond it are not accepted.
 */
export const MAX_OBJECT_BYTES = 1024 * 1024;
/**
 * Spec of one route or profile as JSON, bytes. A larger one is not accepted. A spec that the CRD admits stays below it
 * unless it uses `wasm.config`.
 */
export const MAX_RESOURCE_BYTES = 640 * 1024;
/** Most accepted routes and profiles of one namespace. The youngest beyond it are not accepted. */
export const MAX_NAMESPACE_RESOURCES = 4_000;
/** Specs of all routes and profiles of one namespace, bytes of JSON. The youngest beyond it are not accepted. */
export const MAX_NAMESPACE_SPEC_BYTES = 64 * 1024 * 1024;
/**
 * Routes of one namespace that the operator keeps in memory. Further ones get no status; `fim_operator_left_out` counts
 * them.
 */
export const MAX_KEPT_NAMESPACE_RESOURCES = 6_000;
/** Baselines that the operator keeps in memory, with their specs. Further ones do not count and get no status. */
export const MAX_KEPT_BASELINES = 64;
/** Routes that one condition of a baseline names. Further ones are counted only. */
export const MAX_NAMED_BASELINE_ROUTES = 5;
/** Time in which changes are collected before the statuses of baselines are written, milliseconds. */
export const BASELINE_STATUS_MS = 1_000;
/**
 * Workloads of one namespace: label sets that routes name or that one pod matches together. A route that would add one
 * beyond it is not accepted.
 */
export const MAX_NAMESPACE_WORKLOADS = 256;
/** Configurations of all workloads of one namespace, bytes. A route that would exceed it is not accepted. */
export const MAX_NAMESPACE_OBJECT_BYTES = 96 * 1024 * 1024;
/** Matches that one target of a route makes of it; a target with more is not supported. */
export const MAX_TARGET_MATCHES = 64;
/** Used part of a namespace budget from which its routes carry a warning. */
export const NEAR_BUDGET = 0.8;
/**
 * Packed specs that the operator keeps, bytes; routes with profiles and own objects have one such store each. Beyond it
 * only namespaces below FAIR_PACKED_BYTES find room.
 */
export const MAX_PACKED_BYTES = 64 * 1024 * 1024;
/** Packed specs for which a namespace always finds room, bytes. */
export const FAIR_PACKED_BYTES = 512 * 1024;
/** Unpacked routes that are kept between builds, bytes of JSON. */
export const MAX_READ_ROUTES_BYTES = 4 * 1024 * 1024;
/** Issues of one route that its condition lists. */
export const MAX_KEPT_ISSUES = 10;
/** Text of one issue, characters. */
export const MAX_ISSUE_CHARACTERS = 400;
/**
 * Expressions of one workload's seal, characters. Beyond it the seal distinguishes hosts only, and beyond that it
 * covers every request.
 */
export const MAX_SEAL_CHARACTERS = 64 * 1024;
/** One regular expression of a seal, characters. Istio's proxies accept programs of up to 32,768 instructions. */
export const MAX_SEAL_REGEX_CHARACTERS = 4 * 1024;
/** Workloads that one route's status lists. Further ones are counted only. */
export const MAX_STATUS_WORKLOADS = 16;
/** Targets that one route's status lists, as policies of the Gateway API do; a route has at most as many. */
export const MAX_STATUS_ANCESTORS = 16;
/** Text of one condition, characters (the API server takes 32,768). */
export const MAX_CONDITION_CHARACTERS = 4096;
/** Routes named in one condition of a Gateway or HTTPRoute; more are counted. */
export const MAX_NAMED_ROUTES = 5;
/** Proxies that one condition names. Further ones are counted only. */
export const MAX_NAMED_PROXIES = 5;

/** Keys in the work queue. Further ones are dropped and counted; the next resynchronisation finds them again. */
export const MAX_QUEUE_KEYS = 20_000;
/**
 * Keys of one namespace in the queue. Further ones are dropped as above, so that one namespace cannot fill the queue.
 */
export const MAX_NAMESPACE_QUEUE_KEYS = 6_000;
/** Keys worked on in parallel. Most of their time is spent waiting for the API server. */
export const QUEUE_WORKERS = 16;
/** Keys of one namespace worked on in parallel. */
export const NAMESPACE_WORKERS = 4;
/** First pause before a failed key is tried again, milliseconds. It doubles with each failure. */
export const MIN_RETRY_MS = 250;
/** Longest pause before a failed key is tried again, milliseconds. */
export const MAX_RETRY_MS = 60_000;
/** Interval at which everything is reconciled again, milliseconds. */
export const RESYNC_MS = 300_000;
/** Time in which related changes are collected before planning, milliseconds. */
export const SETTLE_MS = 20;

/** Most objects in one page of a list. */
export const LIST_PAGE_OBJECTS = 500;
/** Objects in the first page, from which the operator learns their size. */
export const FIRST_PAGE_OBJECTS = 16;
/** Target size of a page, bytes. The next page asks for as many objects as filled that size in the last one. */
export const LIST_PAGE_BYTES = 4 * 1024 * 1024;
/** Size at which a page of several objects is aborted and requested again with a quarter of the objects, bytes. */
export const MAX_PAGE_BYTES = 32 * 1024 * 1024;
/** One object in a list or watch, bytes. A longer one is skipped unread and counted (etcd takes 1.5 MiB by default). */
export const MAX_ITEM_BYTES = 4 * 1024 * 1024;
/** Time for which the API server may keep a watch open, seconds. */
export const WATCH_SECONDS = 290;
/** Time without a byte after which a watch counts as dead, milliseconds. Bookmarks arrive about once a minute. */
export const WATCH_SILENCE_MS = 330_000;
/** First pause before a failed list or watch is tried again, milliseconds. It doubles with each failure. */
export const MIN_WATCH_RETRY_MS = 200;
/** Longest pause before a failed list or watch is tried again, milliseconds. */
export const MAX_WATCH_RETRY_MS = 30_000;
/**
 * Time for which lists and watches of a kind may fail before the cached copy counts as stale, milliseconds. A leader
 * then gives its lease back.
 */
export const STALE_MS = 120_000;
/** Pause before asking again for a kind that the cluster does not have, milliseconds. */
export const ABSENT_KIND_RETRY_MS = 30_000;
/** Timeout of one API server request, milliseconds. */
export const API_TIMEOUT_MS = 30_000;
/** One API server response other than a list or watch, bytes. */
export const MAX_API_ANSWER_BYTES = 8 * 1024 * 1024;
/** Connections to the API server. */
export const API_CONNECTIONS = 32;

/** Timeout for reading one proxy's counters, milliseconds. */
export const PROBE_TIMEOUT_MS = 3_000;
/** One response of a proxy, bytes. */
export const MAX_PROBE_BYTES = 16 * 1024 * 1024;
/** Proxies probed in parallel. */
export const PROBE_WORKERS = 16;
/**
 * First pause between probes of a workload with unproven proxies, milliseconds. It grows with the wait, up to
 * PROVEN_PROBE_MS.
 */
export const PENDING_PROBE_MS = 500;
/** Pause between probes of a workload whose proxies are all proven, milliseconds. */
export const PROVEN_PROBE_MS = 30_000;

/** Time for which the key service's answer about a key is reused, milliseconds. */
export const KEY_ANSWER_MS = 30_000;
/** Timeout of one request to the key service, milliseconds. */
export const KEY_TIMEOUT_MS = 2_000;
/** Keys of one namespace that the operator checks. The state of further keys stays unknown. */
export const MAX_NAMESPACE_KEYS = 1_024;
/** Keys checked in parallel. */
export const KEY_WORKERS = 8;
/** Keys of one namespace checked in parallel. */
export const NAMESPACE_KEY_WORKERS = 2;
/**
 * Time for which planning waits for the first answers about new keys, milliseconds. Later answers update the plan when
 * they come.
 */
export const KEY_WAIT_MS = 2_500;
/** Time for which a module server's answer is reused, milliseconds. */
export const MODULE_ANSWER_MS = 30_000;

/** Time for which a lease is valid without renewal, seconds. */
export const LEASE_SECONDS = 15;
/** Pause between lease renewals, milliseconds. */
export const LEASE_RENEW_MS = 4_000;
/** Pause between lease checks of a replica that does not lead, milliseconds. */
export const LEASE_RETRY_MS = 2_000;
/** Events waiting to be sent. Further ones are dropped. */
export const MAX_WAITING_EVENTS = 1_000;
/**
 * Events of one namespace with the same condition and reason that are sent individually. Further ones within
 * EVENT_WINDOW_MS are merged into one.
 */
export const EVENTS_OF_A_KIND = 5;
/** Window in which similar events are merged, milliseconds. */
export const EVENT_WINDOW_MS = 10_000;
/** Time for running work to finish when the operator is told to stop, milliseconds. */
export const STOP_TIMEOUT_MS = 10_000;
/** One module file that the module server reads, bytes. */
export const MAX_MODULE_BYTES = 64 * 1024 * 1024;
/** Modules that one module server holds: the current ones and those that proxies may still request. */
export const MAX_SERVED_MODULES = 64;
/** Open connections of one module server. */
export const MAX_MODULE_CONNECTIONS = 256;
/** Modules that one module server takes over from other replicas. The one that was idle longest goes first. */
export const MAX_CARRIED_MODULES = 48;
/** Modules that one module server takes over from other replicas, bytes in all. */
export const MAX_CARRIED_BYTES = 64 * 1024 * 1024;
/** Replicas of the module server that one of them asks. */
export const MAX_MODULE_PEERS = 16;
/** List of what a replica holds, bytes. */
export const MAX_HELD_LIST_BYTES = 64 * 1024;
/** Timeout of such a list, milliseconds. */
export const PEER_LIST_MS = 1_000;
/** Timeout of a module from another replica, milliseconds. */
export const PEER_MODULE_MS = 10_000;
/** Shortest time between two looks at what other replicas hold, milliseconds. */
export const PEER_LOOK_MS = 500;
/**
 * Time in which a module server that starts takes over what others hold, milliseconds. Beyond it the server counts as
 * ready and looks for the rest when it is asked.
 */
export const TAKE_OVER_MS = 30_000;
/** Modules in force whose presence at the module server the operator checks. */
export const MAX_MODULES_IN_FORCE = 32;
/**
 * Shortest time between taking a filter out of new listeners and deleting it, milliseconds. Istio and the proxies know
 * of the change by then.
 */
export const RETIRE_SETTLE_MS = 2_000;
/**
 * Longest such time, milliseconds. It applies when proxies do not report whether they have drained the old listeners.
 */
export const MAX_RETIRE_MS = 600_000;
/** Pause between probes of draining proxies, milliseconds. */
export const DRAIN_PROBE_MS = 1_000;
/** Time for which a status reports requests that bypassed FIM after the last of them, milliseconds. */
export const BYPASS_TOLD_MS = 30_000;
/** Time after which a new seal must show in the counters of every proxy, milliseconds. */
export const SEAL_SHOWS_MS = 60_000;
/**
 * First pause before a configuration is sent again to proxies whose agents failed to fetch the module, milliseconds. It
 * doubles.
 */
export const MIN_RENEW_MS = 2_000;
/** Longest pause before a configuration is sent again, milliseconds. */
export const MAX_RENEW_MS = 60_000;
/** The longest time that a platform may give requests to arrive, milliseconds. */
export const MAX_REQUEST_TIMEOUT_MS = 86_400_000;
/** Time for which an answer of the collector of audit records is reused, milliseconds. */
export const AUDIT_ANSWER_MS = 2_000;
/** Timeout of one question to the collector, milliseconds. */
export const AUDIT_ASK_TIMEOUT_MS = 2_500;
/** Answer of the collector, bytes. A longer one counts as none. */
export const MAX_AUDIT_ANSWER_BYTES = 8 * 1024 * 1024;
/** Time for which a proxy's records may wait without one being acknowledged before its route says so, milliseconds. */
export const AUDIT_STUCK_MS = 15_000;
