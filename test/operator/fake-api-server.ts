// The part of an API server that the operator needs: lists in pages, watches with a history, apply, status, leases, and
// all their failures.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';

interface Change {
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

interface Watcher {
  collection: string;
  namespace: string | undefined;
  response: ServerResponse;
  /** Settles when all that was to be sent has been. */
  sent: Promise<void>;
}

/**
 * Longest pause before each answer and each event of a watch, milliseconds; drawn anew each time. It turns up tests
 * that count on an order or a speed which no API server promises.
 */
const LATE_MS = Number(process.env.FIM_TEST_LATE_MS ?? 0);

async function late(): Promise<void> {
  if (LATE_MS > 0) await pause(Math.random() * LATE_MS);
}

function tell(watcher: Watcher, type: Change['type'], object: KubeObject): void {
  const write = (): void => {
    if (!watcher.response.writableEnded) watcher.response.write(`${JSON.stringify({ type, object })}\n`);
  };
  if (LATE_MS === 0) return write();
  watcher.sent = watcher.sent.then(late).then(write);
}

/** `financialroutes` and the like → what the objects are. */
const KINDS: Record<string, { apiVersion: string; kind: string }> = {
  financialroutes: { apiVersion: 'fim.financial/v1', kind: 'FinancialRoute' },
  validationprofiles: { apiVersion: 'fim.financial/v1', kind: 'ValidationProfile' },
  financialbaselines: { apiVersion: 'fim.financial/v1', kind: 'FinancialBaseline' },
  envoyfilters: { apiVersion: 'networking.istio.io/v1alpha3', kind: 'EnvoyFilter' },
  wasmplugins: { apiVersion: 'extensions.istio.io/v1alpha1', kind: 'WasmPlugin' },
  'networking.istio.io/gateways': { apiVersion: 'networking.istio.io/v1', kind: 'Gateway' },
  'gateway.networking.k8s.io/gateways': { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway' },
  httproutes: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
  services: { apiVersion: 'v1', kind: 'Service' },
  namespaces: { apiVersion: 'v1', kind: 'Namespace' },
  pods: { apiVersion: 'v1', kind: 'Pod' },
  events: { apiVersion: 'v1', kind: 'Event' },
  secrets: { apiVersion: 'v1', kind: 'Secret' },
  configmaps: { apiVersion: 'v1', kind: 'ConfigMap' },
  leases: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
};

const PATH = /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(\/status)?$/;

type JsonPatch = { op: string; path: string; value?: unknown }[];

/** An object with a JSON patch; undefined if one of its tests fails. */
function jsonPatched(object: KubeObject, patch: JsonPatch): KubeObject | undefined {
  const copy = structuredClone(object);
  for (const { op, path, value } of patch) {
    const steps = path.split('/').slice(1);
    const last = steps.pop() ?? '';
    const parent = steps.reduce<unknown>((one, step) => (one as Record<string, unknown> | undefined)?.[step], copy);
    if (parent === undefined) return undefined;
    const members = parent as Record<string, unknown>;
    if (op === 'test') {
      if (JSON.stringify(members[last]) !== JSON.stringify(value)) return undefined;
    } else if (Array.isArray(parent)) {
      if (op === 'remove') parent.splice(Number(last), 1);
      else if (op === 'replace') parent[Number(last)] = value;
      else parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    } else members[last] = value;
  }
  return copy;
}

/** Conditions are one to a type; those of other managers stay, and those that a manager gives up go. */
function withConditions(
  status: KubeObject['status'],
  applied: KubeObject['status'],
  former: ReadonlySet<string>,
): KubeObject['status'] {
  const of = (one: KubeObject['status']): { type: string }[] => (one?.conditions ?? []) as { type: string }[];
  return {
    ...status,
    conditions: [
      ...of(status).filter(
        ({ type }) => !former.has(type) && !of(applied).some((condition) => condition.type === type),
      ),
      ...of(applied),
    ],
  };
}

export class FakeApiServer {
  /** `verb resource` of each request, in order. */
  readonly requests: string[] = [];
  /** Query of each list and watch, in order. */
  readonly queries: URLSearchParams[] = [];
  private readonly objects = new Map<string, Map<string, KubeObject>>();
  private readonly history = new Map<string, Change[]>();
  private readonly watchers = new Set<Watcher>();
  private readonly faults: {
    matches: (request: string) => boolean;
    status: number;
    headers: Record<string, string>;
  }[] = [];
  private readonly absent = new Set<string>();
  private version = 100;
  private uid = 0;
  private server: Server | undefined;
  private port = 0;
  private readonly stopped = Promise.withResolvers<void>();
  /** Settles when it is told to stop. */
  readonly stopping = this.stopped.promise;
  /** Pages of lists have at most this many items. */
  pageSize = 500;

  async start(): Promise<void> {
    this.server = createServer((request, response) => void this.answer(request, response));
    const server = this.server;
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
    this.port = (server.address() as AddressInfo).port;
  }

  /** Drops every connection and stops to listen; what it holds stays for the next start. */
  async stop(): Promise<void> {
    const { server } = this;
    this.stopped.resolve();
    this.watchers.clear();
    await new Promise<void>((done) => {
      server?.close(() => done());
      server?.closeAllConnections();
    });
  }

  config(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'fake', server: `http://127.0.0.1:${this.port}`, skipTLSVerify: true },
      { name: 'test', token: 'test' },
    );
    return config;
  }

  /** The next `count` requests that read `verb resource` are answered with a failure. */
  fail(request: string, status: number, count = 1, headers: Record<string, string> = {}): void {
    for (let index = 0; index < count; index++)
      this.faults.push({ matches: (given) => given === request, status, headers });
  }

  /** Refuses one verb on one object, as admission does, until another is named. */
  refuse(verb: string, plural: string, name: string): void {
    this.refusal = { line: `${verb} ${plural}`, name };
  }

  private refusal = { line: '', name: '' };

  /** Whether roles allow a request: `verb resource`, and its namespace if it has one. */
  allows: (request: string, namespace: string | undefined) => boolean = () => true;
  /** Requests that roles did not allow, in order. */
  readonly refused: string[] = [];

  /** The server does not know the collection. */
  without(collection: string): void {
    this.absent.add(collection);
  }

  /** Ends all watches. `expired`: and forgets what happened before, so that they cannot go on where they were. */
  endWatches(expired = false): void {
    for (const { response } of this.watchers) response.end();
    this.watchers.clear();
    if (expired) {
      this.history.clear();
      this.version += 1000;
      this.floor = this.version;
    }
  }

  private floor = 0;

  put(collection: string, object: { metadata: KubeObject['metadata']; [member: string]: unknown }): KubeObject {
    const known = this.of(collection).get(`${object.metadata.namespace ?? ''}/${object.metadata.name}`);
    const sameSpec = JSON.stringify(known?.spec) === JSON.stringify(object.spec);
    const generation = known === undefined ? 1 : (known.metadata.generation ?? 1) + (sameSpec ? 0 : 1);
    const metadata = {
      creationTimestamp: '2026-01-01T00:00:00Z',
      uid: known?.metadata.uid ?? `uid-${++this.uid}`,
      ...object.metadata,
      generation,
      resourceVersion: String(++this.version),
    };
    const stored = { ...KINDS[collection]!, ...object, metadata } as KubeObject;
    this.of(collection).set(`${metadata.namespace ?? ''}/${metadata.name}`, stored);
    this.record(collection, known === undefined ? 'ADDED' : 'MODIFIED', stored);
    return stored;
  }

  remove(collection: string, namespace: string, name: string): void {
    const object = this.of(collection).get(`${namespace}/${name}`);
    if (object === undefined) return;
    this.of(collection).delete(`${namespace}/${name}`);
    this.record(collection, 'DELETED', {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.version) },
    });
  }

  get(collection: string, namespace: string, name: string): KubeObject | undefined {
    return this.of(collection).get(`${namespace}/${name}`);
  }

  all(collection: string): KubeObject[] {
    return [...this.of(collection).values()];
  }

  private of(collection: string): Map<string, KubeObject> {
    let objects = this.objects.get(collection);
    if (objects === undefined) this.objects.set(collection, (objects = new Map()));
    return objects;
  }

  private record(collection: string, type: Change['type'], object: KubeObject): void {
    const changes = this.history.get(collection) ?? [];
    changes.push({ version: Number(object.metadata.resourceVersion), type, object });
    this.history.set(collection, changes);
    for (const watcher of this.watchers)
      if (
        watcher.collection === collection &&
        (watcher.namespace ?? object.metadata.namespace) === object.metadata.namespace
      )
        tell(watcher, type, object);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await late();
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? '/', 'http://fake');
    const [, group = '', namespace, plural = '', name, sub] = PATH.exec(url.pathname) ?? [];
    const collection = plural === 'gateways' ? `${group}/gateways` : plural;
    const verb = verbOf(request.method ?? '', name, url.searchParams.get('watch') === 'true');
    const line = `${verb} ${plural}${sub ?? ''}`;
    this.requests.push(line);
    if (verb === 'list' || verb === 'watch') this.queries.push(url.searchParams);
    const metadataOnly = request.headers.accept?.includes('PartialObjectMetadata') === true;
    const say = (status: number, given: object, headers: Record<string, string> = {}): void => {
      const body =
        metadataOnly && 'metadata' in given
          ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: given.metadata }
          : given;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    };
    const refuse = (status: number, reason: string, headers: Record<string, string> = {}): void =>
      say(status, { kind: 'Status', status: 'Failure', reason, message: `${reason} (${line})`, code: status }, headers);
    const index = this.faults.findIndex((fault) => fault.matches(line));
    if (index >= 0) {
      const [fault] = this.faults.splice(index, 1);
      return refuse(fault!.status, 'Injected', fault!.headers);
    }
    if (!this.allows(line, namespace)) {
      this.refused.push(`${line} ${namespace ?? '*'}`);
      return refuse(403, 'Forbidden');
    }
    if (line === this.refusal.line && name === this.refusal.name) return refuse(403, 'Denied');
    if (KINDS[collection] === undefined || this.absent.has(collection)) return refuse(404, 'NotFound');
    const object = text === '' ? undefined : (JSON.parse(text) as KubeObject);
    switch (verb) {
      case 'list':
        return this.list(collection, namespace, url, say, refuse);
      case 'watch':
        return this.watch(collection, namespace, url, response, say);
      case 'get': {
        const found = this.get(collection, namespace ?? '', name ?? '');
        return found === undefined ? refuse(404, 'NotFound') : say(200, found);
      }
      case 'create':
        return this.get(collection, namespace ?? '', object!.metadata.name)
          ? refuse(409, 'AlreadyExists')
          : say(201, this.put(collection, object!));
      case 'update':
        return object!.metadata.resourceVersion !==
          this.get(collection, namespace ?? '', name ?? '')?.metadata.resourceVersion
          ? refuse(409, 'Conflict')
          : say(200, this.put(collection, object!));
      case 'delete':
        this.remove(collection, namespace ?? '', name ?? '');
        return say(200, {});
      default:
        return this.patch(
          url.searchParams.get('fieldManager') ?? '',
          collection,
          namespace ?? '',
          name ?? '',
          sub !== undefined,
          object!,
          request.headers['content-type'] ?? '',
          say,
          refuse,
        );
    }
  }

  /** Types of conditions that a manager has applied before; those that it applies now are noted. */
  private takenOver(collection: string, known: KubeObject, body: KubeObject, manager: string): Set<string> {
    const key = `${collection} ${known.metadata.namespace}/${known.metadata.name} ${manager}`;
    const former = this.managed.get(key) ?? new Set<string>();
    const conditions = (body.status?.conditions ?? []) as { type: string }[];
    this.managed.set(key, new Set(conditions.map(({ type }) => type)));
    return former;
  }

  private readonly managed = new Map<string, Set<string>>();

  private patch(
    manager: string,
    collection: string,
    namespace: string,
    name: string,
    isStatus: boolean,
    body: KubeObject,
    type: string,
    say: Say,
    refuse: Refuse,
  ): void {
    const known = this.get(collection, namespace, name);
    if (type.startsWith('application/json-patch')) {
      if (known === undefined) return refuse(404, 'NotFound');
      const patched = jsonPatched(known, body as unknown as JsonPatch);
      return patched === undefined ? refuse(422, 'Invalid') : say(200, this.put(collection, patched));
    }
    if (isStatus)
      return known === undefined
        ? refuse(404, 'NotFound')
        : say(
            200,
            this.put(collection, {
              ...known,
              status: ['pods', 'gateway.networking.k8s.io/gateways'].includes(collection)
                ? withConditions(known.status, body.status, this.takenOver(collection, known, body, manager))
                : body.status,
            }),
          );
    // Members of the spec that others own stay, as with a real server.
    const foreign = Object.fromEntries(
      Object.entries(known?.spec ?? {}).filter(([member]) => member.startsWith('foreign')),
    );
    say(
      known === undefined ? 201 : 200,
      this.put(collection, {
        ...known,
        ...body,
        spec: { ...foreign, ...body.spec },
        metadata: { ...known?.metadata, ...body.metadata },
      }),
    );
  }

  private list(collection: string, namespace: string | undefined, url: URL, say: Say, refuse: Refuse): void {
    const from = Number(url.searchParams.get('continue') ?? 0);
    if (from < 0) return refuse(410, 'Expired');
    const size = Math.min(this.pageSize, Number(url.searchParams.get('limit') ?? this.pageSize));
    const all = this.all(collection).filter(
      (object) => (namespace ?? object.metadata.namespace) === object.metadata.namespace,
    );
    const items = all.slice(from, from + size).map(({ apiVersion: _, kind: __, ...item }) => item);
    const next = from + size < all.length ? { continue: String(from + size) } : {};
    say(200, { kind: 'List', metadata: { resourceVersion: String(this.version), ...next }, items });
  }

  private watch(collection: string, namespace: string | undefined, url: URL, response: ServerResponse, say: Say): void {
    const since = Number(url.searchParams.get('resourceVersion'));
    if (since < this.floor) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } })}\n`,
      );
      return;
    }
    if (Number.isNaN(since)) return say(400, {});
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watcher: Watcher = { collection, namespace, response, sent: Promise.resolve() };
    for (const { version, type, object } of this.history.get(collection) ?? [])
      if (version > since && (namespace ?? object.metadata.namespace) === object.metadata.namespace)
        tell(watcher, type, object);
    this.watchers.add(watcher);
    response.on('close', () => this.watchers.delete(watcher));
  }
}

type Say = (status: number, body: object, headers?: Record<string, string>) => void;
type Refuse = (status: number, reason: string, headers?: Record<string, string>) => void;

function verbOf(method: string, name: string | undefined, watching: boolean): string {
  if (method === 'GET') return watching ? 'watch' : name === undefined ? 'list' : 'get';
  return { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method] ?? method;
}
