// Recorded traffic: HAR of a browser or a proxy, and JSON lines.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { MAX_HAR_BYTES, MAX_RECORDED_LINE_BYTES } from '../limits.ts';
import { CodedError, messageOf } from '../standalone/coded-error.ts';
import type { Step } from './case-file.gen.ts';

/** A recorded message and the answer of its upstream. */
export interface Recorded {
  /** Where it stands: file and line, or number of the entry. */
  place: string;
  /** When it came, milliseconds of any clock. Undefined: directly after the one before. */
  atMs?: number;
  step: Step;
}

/** Body and headers of one side, as JSON lines have them. */
interface Side {
  headers?: Record<string, string>;
  /** Text. */
  body?: string;
  /** Any bytes. */
  bodyBase64?: string;
}

interface Line {
  /** RFC 3339. */
  time?: string;
  request: Side & { method?: string; path?: string; host?: string };
  response?: Side & { status?: number };
}

interface HarPair {
  name: string;
  value: string;
}

interface HarEntry {
  startedDateTime?: string;
  request: { method: string; url: string; headers?: HarPair[]; postData?: { text?: string; encoding?: string } };
  response?: { status?: number; headers?: HarPair[]; content?: { text?: string; encoding?: string } };
}

/** Headers of a connection, and those that follow from the body as it is sent here. */
const LEFT_OUT = /^(?::.*|connection|keep-alive|transfer-encoding|content-length|upgrade|proxy-.*|host|te)$/i;
/** Bodies of HAR are decoded. */
const DECODED = /^content-encoding$/i;

function body(text: string | undefined, base64: string | undefined): { hex?: string } {
  if (base64 !== undefined) return { hex: Buffer.from(base64, 'base64').toString('hex') };
  return text === undefined || text === '' ? {} : { hex: Buffer.from(text).toString('hex') };
}

function headersOf(pairs: readonly (readonly [string, string])[], left: readonly RegExp[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of pairs) {
    if (left.some((pattern) => pattern.test(name))) continue;
    const key = name.toLowerCase();
    found[key] = found[key] === undefined ? value : `${found[key]}${key === 'cookie' ? '; ' : ', '}${value}`;
  }
  return found;
}

function fromHar({ startedDateTime, request, response = {} }: HarEntry, place: string): Recorded {
  const url = new URL(request.url);
  const pairs = (list: HarPair[] = []): [string, string][] => list.map(({ name, value }) => [name, value]);
  const { postData = {} } = request;
  const { content = {} } = response;
  const coded = (side: { text?: string; encoding?: string }): { hex?: string } =>
    side.encoding === 'base64' ? body(undefined, side.text) : body(side.text, undefined);
  return {
    place,
    ...(startedDateTime === undefined ? {} : { atMs: Date.parse(startedDateTime) }),
    step: {
      request: {
        method: request.method,
        path: url.pathname + url.search,
        host: url.host,
        headers: headersOf(pairs(request.headers), [LEFT_OUT, DECODED]),
        ...coded(postData),
      },
      response: {
        status: statusOf(response.status),
        headers: headersOf(pairs(response.headers), [LEFT_OUT, DECODED]),
        ...coded(content),
      },
    },
  };
}

/** Status of an answer; 200 where none was recorded. */
function statusOf(status: number | undefined): number {
  return status !== undefined && status >= 200 && status < 600 ? status : 200;
}

function fromLine({ time, request, response = {} }: Line, place: string): Recorded {
  const { method, path, host, headers = {} } = request;
  return {
    place,
    ...(time === undefined ? {} : { atMs: Date.parse(time) }),
    step: {
      request: {
        ...(method === undefined ? {} : { method }),
        ...(path === undefined ? {} : { path }),
        ...(host === undefined ? {} : { host }),
        headers: headersOf(Object.entries(headers), [LEFT_OUT]),
        ...body(request.body, request.bodyBase64),
      },
      response: {
        status: statusOf(response.status),
        headers: headersOf(Object.entries(response.headers ?? {}), [LEFT_OUT]),
        ...body(response.body, response.bodyBase64),
      },
    },
  };
}

/** Messages of a file, in order. JSON lines are read as they come, a HAR as a whole. Error: FIM-UP-0083, with the line. */
export async function* readRecorded(file: string): AsyncGenerator<Recorded> {
  if (/\.har$/i.test(file)) yield* readHar(file);
  else yield* readLines(file);
}

async function* readHar(file: string): AsyncGenerator<Recorded> {
  let entries: HarEntry[];
  try {
    const { size } = await stat(file);
    if (size > MAX_HAR_BYTES) throw new Error(`more than ${MAX_HAR_BYTES} bytes; JSON lines have no such limit`);
    entries = (JSON.parse(await readFile(file, 'utf8')) as { log: { entries: HarEntry[] } }).log.entries;
    if (!Array.isArray(entries)) throw new Error('it has no log.entries');
  } catch (error) {
    throw new CodedError('FIM-UP-0083', `${file}: ${messageOf(error)}`);
  }
  for (const [n, entry] of entries.entries()) yield read(`${file}#${n + 1}`, (place) => fromHar(entry, place));
}

async function* readLines(file: string): AsyncGenerator<Recorded> {
  const stream = createReadStream(file, { encoding: 'utf8' });
  let number = 0;
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      number++;
      if (line.trim() === '') continue;
      yield read(`${file}:${number}`, (place) => {
        if (line.length > MAX_RECORDED_LINE_BYTES) throw new Error(`more than ${MAX_RECORDED_LINE_BYTES} bytes`);
        const parsed = JSON.parse(line) as Line;
        if (typeof parsed.request !== 'object') throw new Error('it has no request');
        return fromLine(parsed, place);
      });
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('FIM-UP-0083', `${file}: ${messageOf(error)}`);
  } finally {
    stream.destroy();
  }
}

function read(place: string, make: (place: string) => Recorded): Recorded {
  try {
    const made = make(place);
    if (made.atMs !== undefined && Number.isNaN(made.atMs)) throw new Error('its time is none');
    return made;
  } catch (error) {
    // The parser's own message could quote the record.
    const told =
      error instanceof SyntaxError || error instanceof TypeError ? 'it is not of this form' : messageOf(error);
    throw new CodedError('FIM-UP-0083', `${place}: ${told}`);
  }
}
