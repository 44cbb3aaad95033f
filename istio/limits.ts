// Every limit of the operator, one line each, with its unit in the name.

/** FinancialRoutes of one workload; the youngest beyond it are not accepted. */
export const MAX_WORKLOAD_ROUTES = 500;
/**
 * One EnvoyFilter as it is sent, bytes: etcd takes 1.5 MiB and the API server adds its own; the youngest routes beyond
 * it are not accepted.
 */
export const MAX_OBJECT_BYTES = 1024 * 1024;
/**
 * Spec of one route or profile as JSON, bytes; a larger one is not accepted. What the definitions let in stays below
 * it, but for `wasm.config`.
 */
export const MAX_RESOURCE_BYTES = 640 * 1024;
/** Routes and profiles of one namespace that can be accepted; the youngest beyond it are not. */
export const MAX_NAMESPACE_RESOURCES = 4_000;
/** Specs of a namespace's routes and profiles together, bytes of JSON; the youngest beyond it are not accepted. */
export const MAX_NAMESPACE_SPEC_BYTES = 64 * 1024 * 1024;
/**
 * Routes of one namespace that the operator keeps at all; more are counted in `fim_operator_left_out` only, and told
 * nothing.
 */
export const MAX_KEPT_NAMESPACE_RESOURCES = 6_000;
/**
 * Workloads (sets of labels that routes name or that a pod meets together) of one namespace; routes that would make
 * more are not accepted.
 */
export const MAX_NAMESPACE_WORKLOADS = 256;
/** Configurations of all workloads of one namespace, bytes; routes that would make more are not accepted. */
export const MAX_NAMESPACE_OBJECT_BYTES = 96 * 1024 * 1024;
/** Part of a budget of a namespace beyond which routes are told so. */
export const NEAR_BUDGET = 0.8;
/**
 * Packed specs that the operator keeps, for routes and profiles and again for its own objects, bytes; beyond it only
 * those of namespaces with little.
 */
export const MAX_PACKED_BYTES = 64 * 1024 * 1024;
/** Packed specs of a namespace that always find room, bytes. */
export const FAIR_PACKED_BYTES = 512 * 1024;
/** Routes that stay unpacked between builds, bytes of JSON. */
export const MAX_READ_ROUTES_BYTES = 4 * 1024 * 1024;
/** Mistakes of one route that are kept for its condition. */
export const MAX_KEPT_ISSUES = 10;
/** Text of one such mistake, characters. */
export const MAX_ISSUE_CHARACTERS = 400;
/**
 * Expressions of the seal of one workload, characters; beyond it hosts alone are told apart, then nothing: the seal
 * takes every request.
 */
export const MAX_SEAL_CHARACTERS = 64 * 1024;
/** One regular expression of a seal, characters: Istio's proxies take programs of 32,768 instructions. */
export const MAX_SEAL_REGEX_CHARACTERS = 4 * 1024;
/** Workloads that one route's status lists; beyond it they are counted only. */
export const MAX_STATUS_WORKLOADS = 16;
/** Text of one condition, characters (the API server takes 32,768). */
export const MAX_CONDITION_CHARACTERS = 4096;
/** Proxies named in one condition; more are counted. */
export const MAX_NAMED_PROXIES = 5;

/** Keys in the work queue; more are dropped, counted and found again by the next resynchronisation. */
export const MAX_QUEUE_KEYS = 20_000;
/** Keys of one namespace in the queue; more are dropped as above, so that no namespace fills it for all. */
export const MAX_NAMESPACE_QUEUE_KEYS = 6_000;
/** Keys worked on at a time: most of their time they wait for the API server. */
export const QUEUE_WORKERS = 16;
/** Keys of one namespace worked on at a time. */
export const NAMESPACE_WORKERS = 4;
/** First pause before a key that failed is tried again, milliseconds; it doubles. */
export const MIN_RETRY_MS = 250;
/** Longest such pause, milliseconds. */
export const MAX_RETRY_MS = 60_000;
/** Everything is looked at again after this time, milliseconds. */
export const RESYNC_MS = 300_000;
/** Time for changes that come together to be planned together, milliseconds. */
export const SETTLE_MS = 20;

/** Objects in one page of a list, at most. */
export const LIST_PAGE_OBJECTS = 500;
/** Objects in the first page, by which the size of objects is learnt. */
export const FIRST_PAGE_OBJECTS = 16;
/** Size of a page that is aimed at, bytes: the next page asks for as many objects as made that much of the last. */
export const LIST_PAGE_BYTES = 4 * 1024 * 1024;
/** A page of several objects that is longer is broken off and asked for again with a quarter of the objects, bytes. */
export const MAX_PAGE_BYTES = 32 * 1024 * 1024;
/**
 * One object in a list or watch, bytes; a longer one (etcd takes 1.5 MiB unless it is told otherwise) goes by unread
 * and is counted.
 */
export const MAX_ITEM_BYTES = 4 * 1024 * 1024;
/** How long the API server may keep a watch open, seconds. */
export const WATCH_SECONDS = 290;
/** Time without a byte after which a watch counts as dead, milliseconds: bookmarks come about once a minute. */
export const WATCH_SILENCE_MS = 330_000;
/** First pause before a list or watch that failed is tried again, milliseconds; it doubles. */
export const MIN_WATCH_RETRY_MS = 200;
/** Longest such pause, milliseconds. */
export const MAX_WATCH_RETRY_MS = 30_000;
/**
 * Time for which lists and watches of a kind may fail before what is known of it counts as out of date, milliseconds: a
 * leader then gives its lease back.
 */
export const STALE_MS = 120_000;
/** Pause before a kind that the cluster does not have is asked for again, milliseconds. */
export const ABSENT_KIND_RETRY_MS = 30_000;
/** Time for one answer of the API server, milliseconds. */
export const API_TIMEOUT_MS = 30_000;
/** One answer of the API server that is no list or watch, bytes. */
export const MAX_API_ANSWER_BYTES = 8 * 1024 * 1024;
/** Connections to the API server. */
export const API_CONNECTIONS = 32;

/** Time for one proxy to tell its counters, milliseconds. */
export const PROBE_TIMEOUT_MS = 3_000;
/** One answer of a proxy, bytes. */
export const MAX_PROBE_BYTES = 16 * 1024 * 1024;
/** Proxies asked at a time. */
export const PROBE_WORKERS = 16;
/**
 * Pause between looks at the proxies of a workload that are not all proven, milliseconds; it grows with the wait, up to
 * PROVEN_PROBE_MS.
 */
export const PENDING_PROBE_MS = 500;
/** Pause between looks at the proxies of a workload that are all proven, milliseconds. */
export const PROVEN_PROBE_MS = 30_000;

/** How long an answer of the key service about a key is believed, milliseconds. */
export const KEY_ANSWER_MS = 30_000;
/** Time for one such answer, milliseconds. */
export const KEY_TIMEOUT_MS = 2_000;
/** Keys of one namespace that are asked for; what stands against more is not known. */
export const MAX_NAMESPACE_KEYS = 1_024;
/** Keys asked for at a time. */
export const KEY_WORKERS = 8;
/** Keys of one namespace asked for at a time. */
export const NAMESPACE_KEY_WORKERS = 2;
/**
 * How long planning waits for answers about keys that are asked for the first time, milliseconds; later ones are told
 * later.
 */
export const KEY_WAIT_MS = 2_500;
/** How long a module server's answer is believed, milliseconds. */
export const MODULE_ANSWER_MS = 30_000;

/** How long a leader leads without renewing, seconds. */
export const LEASE_SECONDS = 15;
/** Pause between renewals, milliseconds. */
export const LEASE_RENEW_MS = 4_000;
/** Pause between looks of one that does not lead, milliseconds. */
export const LEASE_RETRY_MS = 2_000;
/** Events that wait to be sent; more are dropped. */
export const MAX_WAITING_EVENTS = 1_000;
/**
 * Events of one namespace with the same condition and reason that are sent each for itself; more that come within the
 * time below are one.
 */
export const EVENTS_OF_A_KIND = 5;
/** That time, milliseconds. */
export const EVENT_WINDOW_MS = 10_000;
/** Time for work in hand when the operator is told to stop, milliseconds. */
export const STOP_TIMEOUT_MS = 10_000;
/** One module that the module server reads, bytes. */
export const MAX_MODULE_BYTES = 64 * 1024 * 1024;
/** Modules that one module server holds: the present ones and those that proxies may still name. */
export const MAX_SERVED_MODULES = 64;
/** Connections to one module server. */
export const MAX_MODULE_CONNECTIONS = 256;
/**
 * A filter that leaves goes for good this time after it left new listeners at the earliest, milliseconds: Istio and the
 * proxies have heard of it by then.
 */
export const RETIRE_SETTLE_MS = 2_000;
/** And at the latest, milliseconds, if proxies do not tell whether they have drained the old ones. */
export const MAX_RETIRE_MS = 600_000;
/** Pause between looks at proxies that drain, milliseconds. */
export const DRAIN_PROBE_MS = 1_000;
/** How long requests that FIM has not seen are told of after the last, milliseconds. */
export const BYPASS_TOLD_MS = 30_000;
/** Time after which a seal that was put in shows in the counters of every proxy, milliseconds. */
export const SEAL_SHOWS_MS = 60_000;
/**
 * First pause before a configuration is given anew to proxies whose agents did not get the module, milliseconds; it
 * doubles.
 */
export const MIN_RENEW_MS = 2_000;
/** Longest such pause, milliseconds. */
export const MAX_RENEW_MS = 60_000;
