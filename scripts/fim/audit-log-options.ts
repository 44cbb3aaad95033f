// Options of a log of audit, shared by `fim audit serve` and, with a prefix, by `fim up`.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
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
} as const;

type OptionName = keyof typeof OPTIONS;
export type LogFlags = Readonly<Record<string, unknown>>;
export type LogSettings = Pick<
  StartOptions,
  'key' | 'retention' | 'segmentBytes' | 'segmentMs' | 'checkpointMs' | 'anchorFile'
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
  };
}
