// `fim unmask`: turns a masked value back, and leaves a trail.
import { createHash } from 'node:crypto';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { Trail } from '../../envoy/standalone/trail.ts';
import { readMasked, unmask as open, UNMASK_ALGORITHMS, type UnmaskTerms } from '../../envoy/standalone/unmask.ts';
import type { KmsFlags } from './kms-credentials.ts';
import { readKmsCredentials } from './kms-credentials.ts';
import type { KmsSettingFlags } from './kms-options.ts';
import { readSettingFlags } from './kms-options.ts';
import { readPeer } from './options.ts';
import { readStandardInputBytes } from './terminal.ts';

export interface UnmaskFlags extends KmsFlags, KmsSettingFlags {
  kms: string;
  key: string;
  algorithm?: string;
  reason: string;
  trail: string;
  tweak?: string;
  alphabet?: string;
  check?: string;
  keepFirst?: string;
  keepLast?: string;
}

const MIN_REASON = 3;
const MAX_REASON = 256;
const MAX_KEPT = 64;
const ALPHABETS = ['Digits', 'Upper', 'Letters'] as const;
const CHECKS = ['None', 'Luhn', 'IdCard'] as const;

function oneOf<T extends string>(name: string, text: string | undefined, known: readonly T[], absent: T): T {
  const found = text === undefined ? absent : known.find((one) => one === text);
  if (found === undefined) throw new CodedError('FIM-UP-0020', `--${name} is one of ${known.join(', ')}`);
  return found;
}

function kept(name: string, text: string | undefined): number {
  const value = Number(text ?? '0');
  if (!Number.isInteger(value) || value < 0 || value > MAX_KEPT)
    throw new CodedError('FIM-UP-0020', `--${name} is a whole number up to ${MAX_KEPT}`);
  return value;
}

function termsOf(flags: UnmaskFlags): UnmaskTerms {
  if (!/^kms:\/\/[\w./-]{1,256}(#[1-9][0-9]{0,9})?$/.test(flags.key))
    throw new CodedError('FIM-UP-0020', '--key is kms://path, for FF1 with a version: kms://path#1');
  return {
    key: flags.key,
    algorithm: oneOf('algorithm', flags.algorithm, UNMASK_ALGORITHMS, 'SM4-GCM'),
    tweak: flags.tweak ?? '',
    alphabet: oneOf('alphabet', flags.alphabet, ALPHABETS, 'Digits'),
    check: oneOf('check', flags.check, CHECKS, 'None'),
    keepFirst: kept('keep-first', flags.keepFirst),
    keepLast: kept('keep-last', flags.keepLast),
  };
}

/** A reason that somebody can read later, on one line. */
function reasonOf(text: string): string {
  const reason = text.trim();
  if (reason.length < MIN_REASON || reason.length > MAX_REASON || /\p{Cc}/u.test(reason))
    throw new CodedError('FIM-UP-0020', `--reason is a line of ${MIN_REASON} to ${MAX_REASON} characters`);
  return reason;
}

/**
 * Reads a masked value from standard input and writes what is behind it to standard output. The trail has an entry
 * before the key is asked for, and another before the value is shown.
 */
export async function unmask(flags: UnmaskFlags): Promise<void> {
  const terms = termsOf(flags);
  const reason = reasonOf(flags.reason);
  const access = {
    url: readPeer(flags.kms, '--kms'),
    credentials: readKmsCredentials(flags),
    ...readSettingFlags(flags),
  };
  const value = (await readStandardInputBytes()).toString('utf8').replace(/\r?\n$/, '');
  const { kind, key } = readMasked(value, terms);
  // A token tells nothing of its value. What FF1 made is as short as the value: not even its digest is kept.
  const digest = kind === 'Token' ? { token: createHash('sha256').update(value).digest('hex') } : {};
  const about = { action: 'unmask', key, kind, algorithm: terms.algorithm, reason, ...digest };
  const trail = new Trail(flags.trail);
  try {
    trail.note({ ...about, outcome: 'asked' });
    let opened: string;
    try {
      opened = await open(value, terms, access);
    } catch (error) {
      trail.note({ ...about, outcome: 'failed', ...(error instanceof CodedError ? { code: error.code } : {}) });
      throw error;
    }
    trail.note({ ...about, outcome: 'opened' });
    process.stdout.write(`${opened}\n`);
  } finally {
    trail.close();
  }
}
