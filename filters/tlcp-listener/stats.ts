// Counters of national TLS. The names have no value of a connection.
import {
  TLCP_CONFIGURED,
  TLCP_CONNECTIONS_CLOSED,
  TLCP_CONNECTIONS_CUT,
  TLCP_CONNECTIONS_LIVE,
  TLCP_CONNECTIONS_OPENED,
  TLCP_CONNECTIONS_OUTDATED,
  TLCP_CONNECTIONS_REFUSED,
  TLCP_HANDSHAKES_EXPIRED,
  TLCP_HANDSHAKES_HELD,
  TLCP_HANDSHAKE_MS,
  TLCP_REQUESTS_MALFORMED,
  TLCP_REQUESTS_REFUSED,
  TLCP_REVOCATION_ACCEPTED,
  TLCP_REVOCATION_ANSWERED,
  TLCP_REVOCATION_ASKED,
  TLCP_REVOCATION_LAST_GOOD,
  TLCP_REVOCATION_REFUSED,
  TLCP_REVOCATION_REVOKED,
  tlcpHandshakesTotal,
} from '../metrics.gen';
import { ECC_SM4_CBC_SM3, ECC_SM4_GCM_SM3, ECDHE_SM4_CBC_SM3, ECDHE_SM4_GCM_SM3 } from '../tlcp/protocol';
import { REVOCATION_COUNTERS } from '../x509/revocation';
import { Counter, Gauge, Histogram } from '../runtime/metrics';

/** Generations use their counters in turn, as in every module. */
const GENERATION_SLOTS: i32 = 16;

/** Result of a handshake. */
export const enum Outcome {
  Full = 0,
  Resumed = 1,
  Failed = 2,
}

const SUITES: StaticArray<u32> = [ECDHE_SM4_GCM_SM3, ECC_SM4_GCM_SM3, ECDHE_SM4_CBC_SM3, ECC_SM4_CBC_SM3, 0];
/** The last stands for a handshake that ended before a suite was agreed on. */
const SUITE_NAMES: StaticArray<string> = [
  'ECDHE_SM4_GCM_SM3',
  'ECC_SM4_GCM_SM3',
  'ECDHE_SM4_CBC_SM3',
  'ECC_SM4_CBC_SM3',
  'none',
];
const OUTCOME_NAMES: StaticArray<string> = ['full', 'resumed', 'failed'];

/** Connections that live now, over all workers; those that came, and those that are gone. */
export const connectionsLive: Gauge = new Gauge(TLCP_CONNECTIONS_LIVE);
export const connectionsOpened: Counter = new Counter(TLCP_CONNECTIONS_OPENED);
export const connectionsClosed: Counter = new Counter(TLCP_CONNECTIONS_CLOSED);
/** Connections closed because a worker had too many: without a byte, in their handshake, or at all. */
export const connectionsRefused: Counter = new Counter(TLCP_CONNECTIONS_REFUSED);
/** Open connections that a fault of the other side ended: a forged record, an alert of its own. */
export const connectionsCut: Counter = new Counter(TLCP_CONNECTIONS_CUT);
/** Open connections that ended because what is asked of clients now they do not fulfil. */
export const connectionsOutdated: Counter = new Counter(TLCP_CONNECTIONS_OUTDATED);
/** Handshakes that had to wait for this side's keys, and those whose time was over. */
export const handshakesHeld: Counter = new Counter(TLCP_HANDSHAKES_HELD);
export const handshakesExpired: Counter = new Counter(TLCP_HANDSHAKES_EXPIRED);
/** Requests refused because they did not come over national TLS. */
export const requestsRefused: Counter = new Counter(TLCP_REQUESTS_REFUSED);
/** Requests refused because parsers may differ on where they end, or because their heads are too long or too slow. */
export const requestsMalformed: Counter = new Counter(TLCP_REQUESTS_MALFORMED);
/** From the connection to the end of its handshake. */
export const handshakeMillis: Histogram = new Histogram(TLCP_HANDSHAKE_MS);

/** By `RevocationCount`. */
const REVOCATION_NAMES: StaticArray<string> = [
  TLCP_REVOCATION_REVOKED,
  TLCP_REVOCATION_REFUSED,
  TLCP_REVOCATION_ACCEPTED,
  TLCP_REVOCATION_LAST_GOOD,
  TLCP_REVOCATION_ASKED,
  TLCP_REVOCATION_ANSWERED,
];
const revocations: StaticArray<Counter> = new StaticArray<Counter>(REVOCATION_COUNTERS);
const handshakes: StaticArray<Counter> = new StaticArray<Counter>(15);
const generations: StaticArray<Counter> = new StaticArray<Counter>(GENERATION_SLOTS);

/** Defines the metrics, once per VM. */
export function defineTlcpStats(): void {
  connectionsLive.define();
  connectionsOpened.define();
  connectionsClosed.define();
  connectionsRefused.define();
  connectionsCut.define();
  connectionsOutdated.define();
  handshakesHeld.define();
  handshakesExpired.define();
  requestsRefused.define();
  requestsMalformed.define();
  handshakeMillis.define();
  for (let i = 0; i < revocations.length; i++) {
    revocations[i] = new Counter(REVOCATION_NAMES[i]);
    revocations[i].define();
  }
  for (let suite = 0; suite < 5; suite++) {
    for (let outcome = 0; outcome < 3; outcome++) {
      const counter = new Counter(tlcpHandshakesTotal(SUITE_NAMES[suite], OUTCOME_NAMES[outcome]));
      counter.define();
      handshakes[suite * 3 + outcome] = counter;
    }
  }
  for (let i = 0; i < GENERATION_SLOTS; i++) {
    generations[i] = new Counter(TLCP_CONFIGURED + i.toString());
    generations[i].define();
  }
}

/** Counts the end of a handshake. `suite`: 0 if none was agreed on. */
export function countHandshake(suite: u32, outcome: Outcome): void {
  let at = 0;
  while (at < 4 && SUITES[at] != suite) at++;
  handshakes[at * 3 + <i32>outcome].add(1);
}

/** Counts what has come since the last time. `told`: as far as it was counted, by `RevocationCount` like `counts`. */
export function countRevocation(counts: StaticArray<u32>, told: StaticArray<u32>): void {
  for (let i = 0; i < revocations.length; i++) {
    const count = unchecked(counts[i]);
    if (count == told[i]) continue;
    revocations[i].add(count - told[i]);
    told[i] = count;
  }
}

/** Counts a VM that accepted a configuration. */
export function countTlcpConfigured(generation: i64): void {
  generations[<i32>(generation & (GENERATION_SLOTS - 1))].add(1);
}
