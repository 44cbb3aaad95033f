// Compares what was seen of a message with what a case expects.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { BACKUPS, REPEATABLE, type Path } from '../route/index.ts';
import type { ExpectedError, ExpectedMessage, Expectation } from './case-file.gen.ts';

/** Longest part of a body that a report shows, characters. */
const SHOWN_CHARACTERS = 400;

/** An expectation that does not hold. */
export interface Failure {
  /** Place of the expectation in its file. */
  at: Path;
  /** Finding, and the expectation. */
  message: string;
}

/** A message as one side got it. */
export interface SeenMessage {
  method?: string;
  path?: string;
  headers: [string, string][];
  body: Buffer;
  /** It came protected, and was opened. */
  isProtected?: boolean;
  /** Why the partner could not open it. */
  unopened?: string;
}

/** Everything that was seen of one exchange. */
export interface Seen {
  verdict: string;
  route?: string;
  code?: string;
  observed?: string[];
  status: number;
  /** Whether the exchange came to an end. */
  ended: boolean;
  /** Envoy's response code details. */
  details: string;
  client: SeenMessage;
  /** Null: the upstream got nothing. */
  upstream: SeenMessage | null;
  /** Value by which Envoy chooses among the route's channels. */
  lane?: string;
}

interface Problem {
  code?: string;
  errors?: ExpectedError[];
}

/** `folder`: where files of bodies are. */
export interface Place {
  at: Path;
  folder: string;
}

/** Every expectation that does not hold. */
export function compare(expected: Expectation, seen: Seen, { at, folder }: Place): Failure[] {
  const failures: Failure[] = [];
  const place: Path = [...at, 'expect'];
  const fail = (member: string, message: string): void => void failures.push({ at: [...place, member], message });
  const problem = problemOf(seen.client);
  const because = seen.verdict === 'Refused' ? ` (${told(seen, problem)})` : '';
  if (!seen.ended) failures.push({ at: place, message: 'the exchange hangs: neither side got an end' });
  const same = (member: 'verdict' | 'status' | 'code', found: string | number | undefined, more = because): void => {
    const wanted = expected[member];
    if (wanted !== undefined && wanted !== found) fail(member, `${String(found ?? 'none')}, expected ${wanted}${more}`);
  };
  same('verdict', seen.verdict);
  same('status', seen.status);
  same('code', seen.code, '');
  const { route, errors, observed, channels, repeatable, upstream, client } = expected;
  if (route !== undefined && !isNamed(seen.route, route))
    fail('route', `${seen.route ?? 'no route'}, expected ${route}`);
  if (errors !== undefined && !areErrors(problem.errors ?? [], errors))
    fail('errors', `the refusal names ${listed(problem.errors ?? [])}`);
  if (observed !== undefined && !isDeepStrictEqual(seen.observed ?? [], observed))
    fail('observed', `${(seen.observed ?? []).join(', ') || 'none'}, expected ${observed.join(', ') || 'none'}`);
  const lane = seen.lane ?? '';
  if (channels !== undefined && channels !== (lane.includes(BACKUPS) ? 'Backups' : 'All'))
    fail(
      'channels',
      `${lane === '' ? 'the route has no channels' : lane.includes(BACKUPS) ? 'Backups' : 'All'}, expected ${channels}`,
    );
  if (repeatable !== undefined && repeatable !== lane.endsWith(REPEATABLE))
    fail('repeatable', `${lane.endsWith(REPEATABLE)}, expected ${repeatable}`);
  const look = (side: string, wanted: ExpectedMessage, found: SeenMessage): void => {
    for (const { at: below, message } of compareMessage(wanted, found, folder))
      failures.push({ at: [...place, side, ...below], message });
  };
  if (upstream === 'Nothing') {
    if (seen.upstream !== null)
      fail(
        'upstream',
        `the upstream got ${seen.upstream.method} with ${seen.upstream.body.length} bytes, expected Nothing`,
      );
  } else if (upstream !== undefined) {
    if (seen.upstream === null) fail('upstream', `the upstream got nothing${because || ` (status ${seen.status})`}`);
    else look('upstream', upstream, seen.upstream);
  }
  if (client !== undefined) look('client', client, seen.client);
  return failures;
}

function told({ code }: Seen, { errors = [] }: Problem): string {
  return `refused: ${code}${errors.length === 0 ? '' : `, ${listed(errors)}`}`;
}

function listed(errors: readonly ExpectedError[]): string {
  return errors.length === 0 ? 'no errors' : errors.map(({ code, path }) => `${code} at ${path}`).join('; ');
}

function problemOf({ headers, body }: SeenMessage): Problem {
  if (!headers.some(([name, value]) => name === 'content-type' && value.includes('problem+json'))) return {};
  try {
    return JSON.parse(body.toString()) as Problem;
  } catch {
    return {};
  }
}

function isNamed(found: string | undefined, wanted: string): boolean {
  const name = found?.replace(/#.*$/, '');
  return name === wanted || name?.split('/')[1] === wanted;
}

/** Each expected error is one of those found, and none is left over. */
function areErrors(found: readonly ExpectedError[], wanted: readonly ExpectedError[]): boolean {
  const left = [...found];
  for (const { code, path } of wanted) {
    const at = left.findIndex((one) => (code ?? one.code) === one.code && (path ?? one.path) === one.path);
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return left.length === 0;
}

function compareMessage(wanted: ExpectedMessage, found: SeenMessage, folder: string): Failure[] {
  const failures: Failure[] = [];
  const fail = (at: Path, message: string): void => void failures.push({ at, message });
  const { method, path, headers = {}, text, hex, file, json } = wanted;
  if (found.unopened !== undefined) fail([], `the other side cannot open it: ${shown(found.unopened)}`);
  if (method !== undefined && method !== found.method) fail(['method'], `${found.method}, expected ${method}`);
  if (path !== undefined && path !== found.path) fail(['path'], `${found.path}, expected ${path}`);
  for (const [name, value] of Object.entries(headers)) compareHeader(found, name, value, fail);
  if (wanted.protected !== undefined && wanted.protected !== (found.isProtected ?? false))
    fail(['protected'], `it came ${found.isProtected === true ? 'protected' : 'in clear'}`);
  const body = found.body.toString();
  if (text !== undefined && body !== text) fail(['text'], `${shown(body)}, expected ${shown(text)}`);
  const bytes = hex === undefined ? undefined : Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  if (bytes !== undefined && !bytes.equals(found.body)) fail(['hex'], `${shown(found.body.toString('hex'))}`);
  if (file !== undefined) compareFile(found.body, join(folder, file), fail);
  if (json !== undefined || wanted.values !== undefined || wanted.absent !== undefined) compareJson(wanted, body, fail);
  return failures;
}

type Fail = (at: Path, message: string) => void;

function compareHeader(found: SeenMessage, name: string, wanted: string | null, fail: Fail): void {
  const values = found.headers.filter(([other]) => other === name.toLowerCase()).map(([, value]) => value);
  const value = values.join(', ');
  if (wanted === null ? values.length > 0 : values.length === 0 || !isText(value, wanted))
    fail(['headers', name], `${values.length === 0 ? 'absent' : shown(value)}, expected ${wanted ?? 'absent'}`);
}

function compareFile(body: Buffer, path: string, fail: Fail): void {
  try {
    if (!readFileSync(path).equals(body)) fail(['file'], `the body is not that of ${path}`);
  } catch (error) {
    fail(['file'], `${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function compareJson({ json, values = {}, absent = [] }: ExpectedMessage, body: string, fail: Fail): void {
  let found: unknown;
  try {
    found = JSON.parse(body);
  } catch {
    fail([json === undefined ? 'values' : 'json'], `the body is no JSON: ${shown(body)}`);
    return;
  }
  if (json !== undefined && !isDeepStrictEqual(found, json))
    fail(['json'], `${shown(JSON.stringify(found))}, expected ${shown(JSON.stringify(json))}`);
  for (const [path, wanted] of Object.entries(values)) {
    const value = at(found, path);
    const holds =
      typeof wanted === 'string' && typeof value === 'string'
        ? isText(value, wanted)
        : isDeepStrictEqual(value, wanted);
    if (!holds)
      fail(
        ['values', path],
        `${value === undefined ? 'absent' : shown(JSON.stringify(value))}, expected ${shown(JSON.stringify(wanted))}`,
      );
  }
  for (const [n, path] of absent.entries()) if (at(found, path) !== undefined) fail(['absent', n], `${path} is there`);
}

/** Value at `$.a.b[0]['c']`. */
function at(value: unknown, path: string): unknown {
  const steps = [...path.replace(/^\$/, '').matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]/g)].map(
    ([, name, index, quoted]) => name ?? quoted ?? index ?? '',
  );
  return steps.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<string, unknown>)[step]
        : undefined,
    value,
  );
}

/** The pattern of a text between slashes; undefined for any other text. Throws SyntaxError where it is none. */
export function patternOf(text: string): RegExp | undefined {
  const pattern = /^\/(.*)\/$/s.exec(text)?.[1];
  return pattern === undefined ? undefined : new RegExp(pattern, 'u');
}

function isText(found: string, wanted: string): boolean {
  return patternOf(wanted)?.test(found) ?? found === wanted;
}

function shown(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters)`;
}
