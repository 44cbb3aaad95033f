// The key service of the tests: keys that a test says, faults that it injects, and a record of what was asked. On the
// host it takes call-outs; `kms-server.ts` gives it a port.
import type { HttpCall, HttpCallHandler, HttpCallOutcome } from '../../envoy/host/index.ts';
import { ABSENT, type Fault, says } from './replies.ts';
import { TransitEngine } from './transit-engine.ts';

const READ_PREFIX = '/v1/secret/data/';
const METADATA_PREFIX = '/v1/secret/metadata/';
const TRANSIT_PREFIX = '/v1/transit/';
const TRANSIT_KEYS_PREFIX = '/v1/transit/keys/';
/** One version of a stored key. */
export interface KeyVersion {
  /** Null: it was deleted or destroyed, and only its metadata is left. */
  data: object | null;
  /** Members that differ from those of a version that lives. */
  metadata?: object;
  fault?: Fault;
}

export type KeyVersions = Record<number, KeyVersion>;

/** A version in the form in which the service stores keys. */
export const stored = (algorithm: string, material: Buffer, more: object = {}): KeyVersion => ({
  data: { algorithm, material: material.toString('base64'), ...more },
});

export interface Asked {
  method: string;
  /** With its query. */
  path: string;
  /** The cluster of a call-out; '' over the network. */
  cluster: string;
  body: string;
  header: (name: string) => string | undefined;
  /** Names in the client's certificate; undefined without one. */
  subject?: string | undefined;
  /** Over the network: settles when the client has its answer or has gone. */
  over?: Promise<unknown>;
}

export class TestKms {
  /** The versions of every key that `keys` does not name. Null: there is no such key. */
  versions: KeyVersions | null;
  /** Versions by key path, as `prod/fund`. */
  readonly keys = new Map<string, KeyVersions>();
  readonly transit = new TransitEngine();
  /** Everything that was asked, in order. */
  readonly asked: Asked[] = [];
  /** Fate of every request, or of those for which it returns something. */
  fault: Fault | ((asked: Asked) => Fault | undefined) | undefined;
  /** Time to a reply on the host, milliseconds. */
  afterMs = 1;
  /** Over the network, what a reply waits for. */
  gate: (asked: Asked) => Promise<void> = () => Promise.resolve();

  constructor(versions: KeyVersions | null = null) {
    this.versions = versions;
  }

  /** Takes the call-outs of a VM. */
  readonly call: HttpCallHandler = (call: HttpCall): HttpCallOutcome => {
    const outcome = this.answer({
      method: call.headers.get(':method') ?? '',
      path: call.headers.get(':path') ?? '',
      cluster: call.cluster,
      body: call.body.toString(),
      header: (name) => call.headers.get(name),
    });
    if (outcome === 'dripping') return 'silent';
    return typeof outcome === 'string' ? outcome : { afterMs: this.afterMs, ...outcome };
  };

  answer(asked: Asked): Fault {
    this.asked.push(asked);
    return this.decide(asked);
  }

  /** As `answer`, for a request over the network. */
  async answerLater(asked: Asked): Promise<Fault> {
    this.asked.push(asked);
    await this.gate(asked);
    return this.decide(asked);
  }

  /** Paths that were asked for and contain `part`. */
  paths(part = ''): string[] {
    return this.asked.map(({ path }) => path).filter((path) => path.includes(part));
  }

  /** Versions of a key by its path; null if there is none. */
  versionsOf(path: string): KeyVersions | null {
    return this.keys.get(path) ?? this.versions;
  }

  private decide(asked: Asked): Fault {
    const fault = typeof this.fault === 'function' ? this.fault(asked) : this.fault;
    return fault ?? this.find(asked);
  }

  private find({ method, path, body }: Asked): Fault {
    const url = new URL(path, 'http://kms');
    if (method === 'GET' && url.pathname.startsWith(TRANSIT_KEYS_PREFIX))
      return this.shows(`transit/${url.pathname.slice(TRANSIT_KEYS_PREFIX.length)}`);
    if (url.pathname.startsWith(TRANSIT_PREFIX)) return this.transit.answer(method, url.pathname, body);
    if (method !== 'GET') return says(405, '{"errors":[]}');
    if (url.pathname.startsWith(METADATA_PREFIX)) return this.shows(url.pathname.slice(METADATA_PREFIX.length));
    if (!url.pathname.startsWith(READ_PREFIX)) return ABSENT;
    return read(this.versionsOf(url.pathname.slice(READ_PREFIX.length)), url.searchParams.get('version'));
  }

  /** Whether a key is there, without its material. */
  private shows(path: string): Fault {
    return this.versionsOf(path) === null ? ABSENT : says(200, '{}');
  }
}

function read(versions: KeyVersions | null, wanted: string | null): Fault {
  const numbers = Object.keys(versions ?? {}).map(Number);
  const version = wanted === null ? Math.max(...numbers) : Number(wanted);
  const found = versions?.[version];
  if (found === undefined) return ABSENT;
  if (found.fault !== undefined) return found.fault;
  const metadata = { version, deletion_time: '', destroyed: false };
  const data = { data: found.data, metadata: { ...metadata, ...found.metadata } };
  return says(found.data === null ? 404 : 200, JSON.stringify({ data }));
}
