// `fim canary …`: commands for a running `fim up`, through its socket.
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { CONTROL_SOCKET } from '../../envoy/standalone/control-server.ts';
import { socketsOf } from '../../envoy/standalone/door.ts';
import type { Figures, ShadowCounts } from '../../envoy/release/index.ts';
import type { ErrorCode } from '../../envoy/route/index.ts';
import { canaryLine } from './canary-line.ts';

export interface CanaryFlags {
  control?: string;
  json?: boolean;
}

/** Time between two looks of `watch`, milliseconds. */
const WATCH_MS = 1_000;
/** Time for an answer: a command waits until it is in force, milliseconds. */
const ANSWER_MS = 120_000;
const BARS = '▁▂▃▄▅▆▇█';

interface Answer {
  canary?: CanaryReport | null;
  code?: string;
  message?: string;
}

/** Runs a verb. Returns the exit status: 0, or 1 if there is no canary. Errors: FIM-UP-0061, and those of the command. */
export async function canary(verb: string, flags: CanaryFlags): Promise<number> {
  const socket = await socketOf(flags);
  if (verb === 'watch') return watch(socket, flags);
  const report = verb === 'status' ? await ask(socket, 'GET', '/canary') : await ask(socket, 'POST', `/canary/${verb}`);
  if (flags.json) print(JSON.stringify(report));
  else if (report === null) print('no route has a canary');
  else tell(report);
  return report === null ? 1 : 0;
}

async function watch(socket: string, flags: CanaryFlags): Promise<number> {
  const shares: number[] = [];
  for (let last = ''; ; await pause(WATCH_MS)) {
    const report = await ask(socket, 'GET', '/canary');
    if (report === null) return 1;
    shares.push(report.share);
    const line = flags.json ? JSON.stringify(report) : watchLine(report, shares.slice(-BARS.length * 3));
    if (line !== last) print(line);
    last = line;
    if (!['Progressing', 'Paused'].includes(report.phase) && report.inForce) return 0;
  }
}

function watchLine(report: CanaryReport, shares: readonly number[]): string {
  const bars = shares.map((share) => BARS[Math.min(BARS.length - 1, Math.floor((share * BARS.length) / 100))]).join('');
  return `${bars} ${canaryLine(report)}`;
}

function tell(report: CanaryReport): void {
  print(canaryLine(report));
  const { verdict, steps, mode, shadow, samples = [] } = report;
  if (mode === 'Shadow') {
    if (shadow !== null) tellShadow(shadow);
    for (const sample of samples) print(`  e.g.       ${sample}`);
    return;
  }
  if (steps.length > 0)
    print(`  steps      ${steps.map((step) => `${step} %`).join(', ')}; now number ${report.step + 1}`);
  if (verdict === null) return;
  print(`  verdict    ${verdict.kind}: ${verdict.reason}`);
  print('             requests   errors  refusals       p50       p99');
  for (const [name, figures] of Object.entries({ canary: verdict.canary, stable: verdict.stable }))
    print(`  ${name.padEnd(8)} ${row(figures)}`);
  for (const [code, count] of Object.entries(verdict.canary.codes))
    print(`             ${code} ${count} times, of stable ${verdict.stable.codes[code] ?? 0}`);
}

function tellShadow({ same, stricter, laxer, other, skipped, codes }: ShadowCounts): void {
  print(`  alike      ${same}`);
  print(`  differ     ${stricter} it alone refuses, ${laxer} it alone lets pass, ${other} for different reasons`);
  if (skipped > 0) print(`  not judged ${skipped}, since its time was used up`);
  for (const [code, count] of Object.entries(codes)) print(`             ${code} ${count} times`);
}

function row({ requests, errorRate, refusalRate, p50, p99 }: Figures): string {
  const share = (part: number): string => `${(part * 100).toFixed(2)} %`.padStart(9);
  const time = (ms: number | null): string => (ms === null ? '-' : `${ms.toPrecision(3)} ms`).padStart(10);
  return `${String(requests).padStart(10)}${share(errorRate)} ${share(refusalRate)}${time(p50)}${time(p99)}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Errors: FIM-UP-0061 (none runs), FIM-UP-0062 (several do). */
async function socketOf({ control }: CanaryFlags): Promise<string> {
  if (control !== undefined) return control;
  const found: string[] = [];
  for (const path of socketsOf(CONTROL_SOCKET)) if (await ask(path, 'GET', '/canary').then(...LIVES)) found.push(path);
  const [only] = found;
  if (only === undefined) throw new CodedError('FIM-UP-0061', `no socket of a running one in ${tmpdir()}`);
  if (found.length > 1) throw new CodedError('FIM-UP-0062', `--control is one of ${found.join(', ')}`);
  return only;
}

/** A socket that is left of a process that is gone answers nothing. */
const LIVES = [() => true, () => false] as const;

async function ask(socket: string, method: string, path: string): Promise<CanaryReport | null> {
  const text = await exchange(socket, method, path).catch((error: unknown) => {
    throw new CodedError('FIM-UP-0061', `${socket}: ${messageOf(error)}`);
  });
  const { canary: report, code, message = '' } = JSON.parse(text) as Answer;
  if (code !== undefined) throw new CodedError(code as ErrorCode, message.replace(/^.*?: /, ''));
  return report ?? null;
}

function exchange(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((done, failed) => {
    const asked = request({ socketPath, method, path, timeout: ANSWER_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => done(text));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', failed).end();
  });
}
