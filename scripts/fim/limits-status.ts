// `fim limits status`: whether the service of global limits answers a running Envoy, and what became of requests by limit,
// read from the proxy's own counters.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { Door } from '../../envoy/standalone/door.ts';
import { EnvoyAdmin } from '../../envoy/standalone/envoy-admin.ts';
import { ADMIN_ADDRESS_FILE } from '../../envoy/standalone/envoy-process.ts';

export interface LimitsStatusFlags {
  door?: string;
  json?: boolean;
}

interface LimitsStatus {
  /** `None`: the proxy was started without --limits. */
  service: 'None' | 'Answers' | 'DoesNotAnswer';
  /** Requests that passed because it did not answer. */
  passedUnasked: number;
  /** Counts by name of the limit and outcome, since the proxy started. */
  limits: Record<string, Record<string, number>>;
}

const STATS = String.raw`^(cluster\.fim-limits\.membership_healthy$|cluster\..+\.ratelimit\.open\.failure_mode_allowed$|wasmcustom\.fim\.limit\.limit=)`;
const HEALTHY = 'cluster.fim-limits.membership_healthy';
const PASSED = /\.ratelimit\.open\.failure_mode_allowed$/;
const COUNTED = /^wasmcustom\.fim\.limit\.requests_total\{limit=(.*),outcome=(\w+)\}$/;
const OUTCOMES = ['admitted', 'refused', 'observed', 'unanswered', 'waited', 'left'];
const WORDS: Record<LimitsStatus['service'], string> = {
  None: 'none was named with --limits: no limit is global',
  Answers: 'answers',
  DoesNotAnswer: "does not answer: each global limit does as its onStoreFailure says, below this proxy's ceiling",
};

/** Returns the exit status: 1 if there is a service that does not answer. */
export async function limitsStatus(flags: LimitsStatusFlags): Promise<number> {
  const door = await Door.find(flags.door);
  const status = statusOf(await statsOf(door));
  process.stdout.write(flags.json ? `${JSON.stringify(status)}\n` : textOf(status));
  return status.service === 'DoesNotAnswer' ? 1 : 0;
}

/** The admin interface's address lies beside the door. Error: FIM-UP-0061. */
async function statsOf(door: Door): Promise<Map<string, number>> {
  try {
    const address = readFileSync(join(dirname(door.socket), ADMIN_ADDRESS_FILE), 'utf8').trim();
    return await new EnvoyAdmin(new URL(`http://${address}`)).stats(STATS);
  } catch (error) {
    throw new CodedError('FIM-UP-0061', messageOf(error));
  }
}

function statusOf(stats: ReadonlyMap<string, number>): LimitsStatus {
  const healthy = stats.get(HEALTHY);
  const limits: LimitsStatus['limits'] = {};
  let passedUnasked = 0;
  for (const [name, value] of stats) {
    if (PASSED.test(name)) passedUnasked += value;
    const [, limit, outcome] = COUNTED.exec(name) ?? [];
    if (limit !== undefined && outcome !== undefined) (limits[limit] ??= {})[outcome] = value;
  }
  const service = healthy === undefined ? 'None' : healthy > 0 ? 'Answers' : 'DoesNotAnswer';
  return { service, passedUnasked, limits };
}

function textOf({ service, passedUnasked, limits }: LimitsStatus): string {
  const passed = passedUnasked === 0 ? '' : `; ${passedUnasked} requests passed unasked so far`;
  const rows = Object.entries(limits)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, counts]) => [name, ...OUTCOMES.map((outcome) => String(counts[outcome] ?? 0))]);
  const table = [['LIMIT', ...OUTCOMES.map((outcome) => outcome.toUpperCase())], ...rows];
  const widths = table[0]!.map((_, at) => Math.max(...table.map((row) => row[at]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd(),
  );
  return `service of global limits: ${WORDS[service]}${passed}\n${lines.join('\n')}\n`;
}
