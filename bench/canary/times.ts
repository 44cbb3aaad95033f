// How soon a bad canary is seen and gone, through a whole stack with default looks: slow, erring, refusing, and one whose
// machine dies.
import assert from 'node:assert/strict';
import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';
import { control } from '../../test/e2e/control.ts';
import { Harness } from '../../test/e2e/harness.ts';
import { compileLimitsTrap } from '../../test/host/compile.ts';

const USERS = 40;
const CLIENTS = 8;
/** Time that the slow canary takes more, milliseconds. */
const SLOWER_MS = 20;
/** One of so many requests of the erring canary fails. */
const FAILS_EVERY = 20;
/** Time within which a bad canary must be gone, milliseconds. */
const TARGET_MS = 5_000;
const LOOK_MS = 5;

interface Bad {
  name: string;
  pattern: string;
  gates: string;
  /** Header with which requests of its users kill its machine. */
  dies?: boolean;
  answer?: 'slow' | 'erring';
}

const TAKES_ALL = '^0[12][0-9]{6}$';
const BAD: readonly Bad[] = [
  { name: `slow, ${SLOWER_MS} ms more`, pattern: TAKES_ALL, gates: 'p99: "+20%", minRequests: 100', answer: 'slow' },
  { name: 'erring, 5 %', pattern: TAKES_ALL, gates: 'errorRate: 1%, minRequests: 100', answer: 'erring' },
  { name: 'refusing', pattern: '^02[0-9]{6}$', gates: 'minRequests: 100' },
  { name: 'its machine dies', pattern: TAKES_ALL, gates: 'minRequests: 100', dies: true },
];

const route = ({ pattern, gates, dies }: Bad): string => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  validation: {fields: [{name: transCode, pattern: "^01[0-9]{6}$"}]}
  canary:
    hash: {header: X-User}
    percent: 50
    interval: 1h
    gates: {${gates}}
    variantHeader: true
    ${dies === true ? 'module: {release: bad}' : `spec: {validation: {fields: [{name: transCode, pattern: "${pattern}"}]}}`}
`;

interface Times {
  name: string;
  /** Until the verdict. */
  seenMs: number;
  /** Until no worker has the canary any more. */
  goneMs: number;
  requests: number;
  /** Requests of the policy in force that were not answered with 200. */
  lost: number;
  reason: string;
}

async function pay(harness: Harness, user: number, dies: boolean): Promise<number> {
  const answer = await fetch(`${harness.url}/`, {
    method: 'POST',
    body: '{"transCode":"01000000"}',
    headers: { 'content-type': 'application/json', 'x-user': `user-${user}`, ...(dies ? { 'x-die': 'now' } : {}) },
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** Behaviour of the upstream towards the canary. */
function misbehave({ upstream }: Harness, { answer }: Bad): void {
  let count = 0;
  upstream.answer = ({ headers }, response) => {
    const canary = headers['x-fim-variant'] === 'canary';
    const fails = canary && answer === 'erring' && ++count % FAILS_EVERY === 0;
    const end = (): unknown => response.writeHead(fails ? 500 : 200, { 'content-type': 'application/json' }).end('{}');
    if (canary && answer === 'slow') setTimeout(end, SLOWER_MS);
    else end();
  };
}

/** Users whose requests meet the policy in force, as the upstream is told. */
async function usersOfStable(harness: Harness): Promise<Set<number>> {
  const stable = new Set<number>();
  for (let user = 0; user < USERS; user++) {
    harness.upstream.arrived.length = 0;
    await pay(harness, user, false);
    if (harness.upstream.arrived.at(-1)?.headers['x-fim-variant'] === 'stable') stable.add(user);
  }
  return stable;
}

async function timesOf(bad: Bad): Promise<Times> {
  const moduleFiles = bad.dies === true ? { 'fim-bad.wasm': await compileLimitsTrap() } : undefined;
  const harness = await Harness.start({ routes: route(bad), ...(moduleFiles === undefined ? {} : { moduleFiles }) });
  try {
    const stable = await usersOfStable(harness);
    misbehave(harness, bad);
    let lost = 0;
    let requests = 0;
    let over = false;
    const began = performance.now();
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let user = client; !over; user = (user + CLIENTS) % USERS) {
        const status = await pay(harness, user, bad.dies === true && !stable.has(user));
        requests++;
        if (stable.has(user) && status !== 200) lost++;
      }
    });
    let seenMs = 0;
    let report: CanaryReport;
    for (;;) {
      report = (await control(harness, 'GET', '/canary')).body.canary as CanaryReport;
      if (seenMs === 0 && report.phase === 'RolledBack') seenMs = performance.now() - began;
      if (seenMs > 0 && report.inForce) break;
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
    const goneMs = performance.now() - began;
    over = true;
    await Promise.all(clients);
    return { name: bad.name, seenMs, goneMs, requests, lost, reason: report.reason };
  } finally {
    await harness.stop();
  }
}

/** Prints a table, and fails if a canary stays longer than the target or costs others a request. */
export async function printTimes(): Promise<void> {
  console.log('canary               seen after   gone after   requests   lost of stable   reason');
  const all: Times[] = [];
  for (const bad of BAD) {
    const times = await timesOf(bad);
    all.push(times);
    const { name, seenMs, goneMs, requests, lost, reason } = times;
    const ms = (value: number): string => `${Math.round(value)} ms`.padStart(10);
    console.log(
      `${name.padEnd(20)} ${ms(seenMs)}   ${ms(goneMs)}   ${String(requests).padStart(8)}   ${String(lost).padStart(14)}   ${reason}`,
    );
  }
  for (const { name, goneMs, lost } of all) {
    assert.equal(lost, 0, `${name}: requests of the policy in force were lost`);
    assert.ok(goneMs < TARGET_MS, `${name}: gone after ${Math.round(goneMs)} ms`);
  }
}
