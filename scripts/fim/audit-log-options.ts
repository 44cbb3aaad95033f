// Options of a log of audit, shared by `fim audit serve` and, with a prefix, by `fim up`.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import type { AnchorPeer } from '../../services/audit/anchor-request.ts';
import type { WitnessedLog } from '../../services/audit/witness-book.ts';
import { keysOf, readTlogKeyFile } from './audit-keys.ts';
import type { StartOptions } from '../../services/audit/start-collector.ts';

const DAY_MS = 24 * 3_600_000;
const BYTES: Record<string, number> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

/** Name, argument and help of each. */
const OPTIONS = {
  key: ['<id>', 'kms:// id of the SM2 key that signs checkpoints (default: a development key in the folder)'],
  'keep-days': ['<n>', 'cut segments older than this; the cut is itself recorded (default: nothing is cut)'],
  'keep-size': ['<size>', 'cut the oldest segments of a larger log, as 500GiB'],
  'segment-size': ['<size>', 'begin the next segment after this much, 1MiB to 1GiB (default: 64MiB)'],
  'segment-age': ['<time>', 'begin the next segment after this time, 1m to 31d (default: 1d)'],
  'checkpoint-every': ['<time>', 'sign a checkpoint this often while records come, 1s to 1h (default: 10s)'],
  'anchor-file': ['<file>', 'append each checkpoint to a file elsewhere, for fim audit verify --checkpoint'],
  witness: ['<url>', 'another collector that signs each checkpoint if this log has grown (there: --witness-for)'],
  'witness-token-file': ['<file>', 'token for it'],
  tlog: ['<url>', 'a transparency log with `add` and tiles, as Tessera serves them, that takes checkpoints as entries'],
  'tlog-key': ['<key>', 'its key: NAME+HASH+KEY, or a file with it'],
  'tlog-every': ['<time>', 'time between checkpoints that go there, 1s to 31d (default: 10m)'],
  'anchor-ca': ['<file>', "authorities of the certificates of both, PEM (default: the system's)"],
} as const;

type OptionName = keyof typeof OPTIONS;
export type LogFlags = Readonly<Record<string, unknown>>;
export type LogSettings = Pick<
  StartOptions,
  'key' | 'retention' | 'segmentBytes' | 'segmentMs' | 'checkpointMs' | 'anchorFile' | 'witness' | 'tlog'
>;

/** `prefix`: `audit-`, or nothing. */
export function addLogOptions(command: Command, prefix = ''): Command {
  for (const [name, [argument, help]] of Object.entries(OPTIONS))
    command.option(`--${prefix}${name} ${argument}`, help);
  return command;
}

/** Reads them. Error: FIM-UP-0020. */
export function readLogFlags(flags: LogFlags, prefix = ''): LogSettings {
  const of = (name: OptionName): string | undefined =>
    flags[`${prefix}${name}`.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())] as string | undefined;
  const refuse = (name: OptionName, text: string): never => {
    throw new CodedError('FIM-UP-0020', `--${prefix}${name} ${text}`);
  };
  const amount = (
    name: OptionName,
    units: Record<string, number>,
    least: number,
    most: number,
    like: string,
  ): number => {
    const [, number = '', unit = ''] = /^(\d{1,6})([A-Za-z]{1,3})$/.exec(of(name)!) ?? [];
    const value = Number(number) * (units[unit] ?? Number.NaN);
    return value >= least && value <= most ? value : refuse(name, `is ${like}`);
  };
  const key = of('key');
  if (key !== undefined && !/^kms:\/\/[\w./-]{1,256}(#[1-9]\d{0,9})?$/.test(key))
    refuse('key', 'is kms://path or kms://path#version');
  const days = of('keep-days');
  if (days !== undefined && !/^[1-9]\d{0,4}$/.test(days)) refuse('keep-days', 'is a number of days');
  const maxBytes =
    of('keep-size') === undefined ? undefined : amount('keep-size', BYTES, 1, Number.MAX_SAFE_INTEGER, 'like 500GiB');
  const anchorFile = of('anchor-file');
  const everyMs =
    of('tlog-every') === undefined ? undefined : amount('tlog-every', MS, 1_000, 31 * DAY_MS, 'a time from 1s to 31d');
  const { witness, tlog } = readPeers(of, `--${prefix}`, everyMs);
  return {
    ...(key !== undefined && { key }),
    ...((days !== undefined || maxBytes !== undefined) && {
      retention: {
        ...(days !== undefined && { maxAgeMs: Number(days) * DAY_MS }),
        ...(maxBytes !== undefined && { maxBytes }),
      },
    }),
    ...(of('segment-size') !== undefined && {
      segmentBytes: amount('segment-size', BYTES, 2 ** 20, 2 ** 30, 'a size from 1MiB to 1GiB'),
    }),
    ...(of('segment-age') !== undefined && {
      segmentMs: amount('segment-age', MS, 60_000, 31 * DAY_MS, 'a time from 1m to 31d, as 12h'),
    }),
    ...(of('checkpoint-every') !== undefined && {
      checkpointMs: amount('checkpoint-every', MS, 1_000, 3_600_000, 'a time from 1s to 1h, as 30s'),
    }),
    ...(anchorFile !== undefined && { anchorFile: resolve(anchorFile) }),
    ...(witness !== undefined && { witness }),
    ...(tlog !== undefined && { tlog }),
  };
}

/** The services that keep checkpoints. Error: FIM-UP-0020. */
function readPeers(
  of: (name: OptionName) => string | undefined,
  prefix: string,
  everyMs: number | undefined,
): Pick<LogSettings, 'witness' | 'tlog'> {
  const [witness, tlog, tokenFile, key] = [of('witness'), of('tlog'), of('witness-token-file'), of('tlog-key')];
  if (tokenFile !== undefined && witness === undefined)
    throw new CodedError('FIM-UP-0020', `${prefix}witness-token-file is for ${prefix}witness`);
  if ((tlog === undefined) !== (key === undefined) || (everyMs !== undefined && tlog === undefined))
    throw new CodedError('FIM-UP-0020', `${prefix}tlog and ${prefix}tlog-key go together`);
  const peer = (text: string, name: string): AnchorPeer => readAnchorPeer(text, `${prefix}${name}`, of('anchor-ca'));
  return {
    ...(witness !== undefined && {
      witness: {
        ...peer(witness, 'witness'),
        ...(tokenFile !== undefined && { token: () => readFileSync(tokenFile, 'utf8').split('\n')[0]!.trim() }),
      },
    }),
    ...(tlog !== undefined && {
      tlog: { ...peer(tlog, 'tlog'), key: readTlogKeyFile(key!), ...(everyMs !== undefined && { everyMs }) },
    }),
  };
}

/** The file that an option names. Error: FIM-UP-0020. */
export function readFlagFile(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CodedError('FIM-UP-0020', `${option}: ${messageOf(error)}`);
  }
}

/** A service that keeps checkpoints. Error: FIM-UP-0020. */
export function readAnchorPeer(text: string, option: string, caFile?: string): AnchorPeer {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new CodedError('FIM-UP-0020', `${option} is http(s)://HOST:PORT, with a path if there is one`);
  return { url: new URL(text), ...(caFile !== undefined && { ca: readFlagFile(caFile, '--anchor-ca') }) };
}

/** Logs that a collector is the witness of: `ORIGIN=KEYS.pem` each. Error: FIM-UP-0020. */
export function readWitnessed(texts: readonly string[]): WitnessedLog[] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1)
      throw new CodedError(
        'FIM-UP-0020',
        '--witness-for is ORIGIN=KEYS.pem, as log.json and checkpoint-key.pem have them',
      );
    return { origin: text.slice(0, at), keys: keysOf(text.slice(at + 1)) };
  });
}
