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
