import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { KEY_ALGORITHMS, type KeyAlgorithm } from '../../envoy/route/index.ts';
import { parseAddress } from '../../envoy/standalone/address.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import type { AuditRecord } from '../../envoy/standalone/key-folder.ts';
import { KeyFolder } from '../../envoy/standalone/key-folder.ts';
import { isTime } from '../../envoy/standalone/key-answer.ts';
import { FILE_ENCODINGS, bytesOfFile } from '../../envoy/standalone/key-material.ts';
import type { StoredKey, VersionState } from '../../envoy/standalone/key-register.ts';
import { KeyRegister, pathOf } from '../../envoy/standalone/key-register.ts';
import { TRANSIT_MOUNT } from '../../envoy/standalone/kms-answers.ts';
import { readToken } from '../../envoy/standalone/kms-token.ts';
import { progress, styled } from './terminal.ts';

export interface FolderFlags {
  data?: string;
  storageKey?: string;
  json?: boolean;
}

export interface CreateFlags extends FolderFlags {
  algorithm?: string;
  from?: string;
  encoding?: string;
  expires?: string;
}

export interface ChangeFlags extends FolderFlags {
  version?: string;
}

export interface RenewFlags extends ChangeFlags {
  expires: string;
}

export interface ServeFlags extends FolderFlags {
  listen: string;
  tokenFile?: string;
}

const STATES = { disable: 'disabled', enable: 'enabled', destroy: 'destroyed' } as const satisfies Record<
  string,
  VersionState
>;

function folderOf(flags: FolderFlags): string {
  return resolve(flags.data ?? join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'fim', 'kms'));
}

function open(flags: FolderFlags): { folder: KeyFolder; register: KeyRegister } {
  const folder = new KeyFolder(folderOf(flags), flags.storageKey === undefined ? undefined : resolve(flags.storageKey));
  return { folder, register: new KeyRegister(folder) };
}

/** `fim kms create`. Returns the exit status. Errors: FIM-KMS-0004, FIM-KMS-0005, FIM-CFG-0017, FIM-UP-0020. */
export function createKey(id: string, flags: CreateFlags): number {
  const path = pathOf(id);
  const isTransit = path.startsWith(`${TRANSIT_MOUNT}/`);
  const algorithm = (flags.algorithm ?? (isTransit ? 'transit' : 'SM4')) as KeyAlgorithm;
  if (!KEY_ALGORITHMS.includes(algorithm) || (algorithm === 'transit') !== isTransit) {
    throw new CodedError(
      'FIM-UP-0020',
      `--algorithm ${algorithm} is none of ${KEY_ALGORITHMS.join(', ')}, or not for this key: transit is for kms://${TRANSIT_MOUNT}/ and for nothing else`,
    );
  }
  const expires = endFrom(flags.expires);
  const read = fileReader(flags);
  return done(
    flags,
    'create',
    path,
    1,
    (register) =>
      void register.create(path, algorithm, {
        ...(read ? { material: read(algorithm) } : {}),
        ...(expires === undefined ? {} : { expires }),
      }),
  );
}

/** Expiry in the future. Error: FIM-UP-0020. */
function endFrom(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!isTime(text))
    throw new CodedError(
      'FIM-UP-0020',
      `--expires ${text} is not an RFC 3339 time of a day that exists, as 2027-01-01T00:00:00Z`,
    );
  if (Date.parse(text) <= Date.now()) throw new CodedError('FIM-UP-0020', `--expires ${text} has passed`);
  return new Date(text).toISOString();
}

/** `fim kms rotate`. Errors: FIM-KMS-0002 and as `createKey`. */
export function rotateKey(id: string, flags: CreateFlags): number {
  const path = pathOf(id);
  const expires = endFrom(flags.expires);
  const read = fileReader(flags);
  return done(flags, 'rotate', path, 0, (register) => {
    const algorithm = register.find(path)?.algorithm;
    return register.rotate(path, algorithm && read?.(algorithm), expires);
  });
}

/** `fim kms renew`. Errors: as `rotateKey`. */
export function renewKey(id: string, flags: RenewFlags): number {
  const path = pathOf(id);
  const expires = flags.expires === 'never' ? undefined : endFrom(flags.expires);
  return done(flags, 'renew', path, 0, (register) => register.renew(path, expires, versionFrom(flags)));
}

/** `fim kms disable | enable | destroy`. Errors: as `rotateKey`. */
export function changeState(verb: keyof typeof STATES, id: string, flags: ChangeFlags): number {
  const path = pathOf(id);
  const version = versionFrom(flags);
  return done(flags, verb, path, 0, (register) => register.setState(path, STATES[verb], version));
}

function versionFrom({ version }: ChangeFlags): number | undefined {
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version))
    throw new CodedError('FIM-UP-0020', `--version ${version} is not a whole number from 1`);
  return version === undefined ? undefined : Number(version);
}

function done(
  flags: FolderFlags,
  verb: string,
  path: string,
  first: number,
  work: (register: KeyRegister) => number | void,
): number {
  const { folder, register } = open(flags);
  const record = (version: number): AuditRecord => ({
    time: new Date().toISOString(),
    verb,
    key: path,
    version,
    peer: 'cli',
  });
  const version = folder.audited(
    () => work(register) ?? first,
    record,
    (problem) => progress(`${problem}: what was done is not in the trail`),
  );
  const line = flags.json
    ? JSON.stringify({ key: `kms://${path}`, verb, version })
    : `${styled('green', '✓')} ${verb} kms://${path} version ${version}`;
  process.stdout.write(`${line}\n`);
  return 0;
}

/** `fim kms list`. */
export function listKeys(flags: FolderFlags): number {
  const keys = open(flags).register.list();
  process.stdout.write(flags.json ? `${JSON.stringify({ keys: keys.map(described) })}\n` : table(keys));
  return 0;
}

/** A key without its material, sealed or not. */
function described({ path, algorithm, versions }: StoredKey): object {
  return {
    key: `kms://${path}`,
    algorithm,
    versions: versions.map(({ version, state, created, changed, expires }) => ({
      version,
      state,
      created,
      changed,
      ...(expires === undefined ? {} : { expires }),
    })),
  };
}

function table(keys: StoredKey[]): string {
  const rows = keys.flatMap(({ path, algorithm, versions }) =>
    versions.map(({ version, state, created, expires = '' }, index) => [
      ...(index === 0 ? [`kms://${path}`, algorithm] : ['', '']),
      String(version),
      state,
      created,
      expires,
    ]),
  );
  const all = [['KEY', 'ALGORITHM', 'VERSION', 'STATE', 'CREATED', 'EXPIRES'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** `fim kms serve`: runs until a signal. Errors: FIM-UP-0008, FIM-UP-0016, FIM-KMS-0004, FIM-KMS-0006. */
export async function serve(flags: ServeFlags): Promise<number> {
  const { host, port } = parseAddress(flags.listen, '--listen');
  const { tokenFile, storageKey } = flags;
  if (tokenFile !== undefined) readToken(tokenFile);
  const kms = new DevelopmentKms({
    folder: folderOf(flags),
    ...(storageKey === undefined ? {} : { storageKey: resolve(storageKey) }),
    ...(tokenFile === undefined ? {} : { token: () => readToken(tokenFile) }),
  });
  const url = await kms.start(host, port);
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ event: 'ready', kms: url.origin, data: folderOf(flags) })}\n`
      : `${styled('green', '✓')} development KMS at ${url.origin}, keys in ${folderOf(flags)}\n`,
  );
  await new Promise((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  });
  await kms.stop();
  return 0;
}

/** Reader of the key file that `--from` names. Undefined without `--from`. Errors: FIM-UP-0020, FIM-KMS-0005. */
function fileReader({ from, encoding }: CreateFlags): ((algorithm: KeyAlgorithm) => Buffer) | undefined {
  const named = FILE_ENCODINGS.find((known) => known === encoding);
  if (encoding !== undefined && (named === undefined || from === undefined))
    throw new CodedError(
      'FIM-UP-0020',
      `--encoding ${encoding} is none of ${FILE_ENCODINGS.join(', ')}, or without --from`,
    );
  if (from === undefined) return undefined;
  return (algorithm) => {
    try {
      return bytesOfFile(algorithm, readFileSync(from), named);
    } catch (error) {
      throw error instanceof CodedError ? error : new CodedError('FIM-KMS-0005', `${from}: ${messageOf(error)}`);
    }
  };
}
