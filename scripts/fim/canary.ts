// `fim canary …`: commands for a running `fim up`, through its socket.
import { setTimeout as pause } from 'node:timers/promises';
import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';
import type { Figures, ShadowCounts } from '../../envoy/release/index.ts';
import { canaryLine } from './canary-line.ts';
import { ask as control, socketOf } from './control.ts';

export interface CanaryFlags {
  control?: string;
  json?: boolean;
}

/** Time between two looks of `watch`, milliseconds. */
const WATCH_MS = 1_000;
const BARS = '▁▂▃▄▅▆▇█';

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

async function ask(socket: string, method: string, path: string): Promise<CanaryReport | null> {
  return (await control<{ canary: CanaryReport | null }>(socket, method, path)).canary;
}
