// The only client of the API server. `client-node` supplies the credentials, and connections are kept alive.
import { KubeConfig } from '@kubernetes/client-node';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import {
  API_CONNECTIONS,
  API_TIMEOUT_MS,
  MAX_API_ANSWER_BYTES,
  MAX_ITEM_BYTES,
  MAX_PAGE_BYTES,
  WATCH_SILENCE_MS,
} from '../../limits.ts';
import { ListStream, type ListReader } from './list-stream.ts';
import type { KubeObject } from './objects.ts';
import { pathOf, type Resource, type Verb } from './resources.ts';

/** Response with a status other than 2xx. `status` 0: no response. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  /** Pause that the server asked for before the next attempt, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Observer of each request: verb, resource (`financialroutes/status`), HTTP status (0: no response). */
export type OnRequest = (verb: Verb, resource: string, status: number) => void;

/** Metadata of one page of a list. */
export interface Page {
  metadata: { resourceVersion: string; continue?: string };
  items: number;
  bytes: number;
}

interface Call {
  verb: Verb;
  resource: Resource;
  status?: boolean;
  namespace?: string;
  name?: string;
  query?: Record<string, string>;
  body?: unknown;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
}

const METHODS: Record<Verb, string> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
};
const JSON_TYPE = 'application/json';
const METADATA_TYPE = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

export class KubeApi {
  private readonly config: KubeConfig;
  private readonly base: URL;
  private readonly onRequest: OnRequest;
  private agent: HttpAgent | HttpsAgent | undefined;
  private agentKey = '';

  /** `onRequest` sees every request. Throws if the configuration names no server. */
  constructor(config: KubeConfig, onRequest: OnRequest = () => undefined) {
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the Kubernetes configuration names no cluster');
    this.config = config;
    this.base = new URL(server);
    this.onRequest = onRequest;
  }

  get(resource: Resource, namespace: string, name: string): Promise<KubeObject> {
    return this.json({ verb: 'get', resource, namespace, name });
  }

  /**
   * Reads one page of a list and passes each item on as it arrives. A page of several items that exceeds MAX_PAGE_BYTES
   * is aborted (`TooLong`).
   */
  async list(
    resource: Resource,
    query: Record<string, string>,
    signal: AbortSignal,
    reader: ListReader & { namespace?: string | undefined },
  ): Promise<Page> {
    const { namespace } = reader;
    const answer = await this.send(
      { verb: 'list', resource, query, signal, ...(namespace === undefined ? {} : { namespace }) },
      API_TIMEOUT_MS,
    );
    if (answer.statusCode !== 200) throw await failure(answer);
    const stream = new ListStream(reader);
    for await (const chunk of answer) {
      stream.write(chunk as Buffer);
      if (stream.bytes > MAX_PAGE_BYTES && query.limit !== '1')
        throw new ApiError(0, 'TooLong', `a page of more than ${MAX_PAGE_BYTES} bytes`);
    }
    if (!stream.isWhole) throw new ApiError(0, 'BrokenOff', 'the list ended too early');
    return {
      metadata: JSON.parse(stream.metadata || '{}') as Page['metadata'],
      items: stream.items,
      bytes: stream.bytes,
    };
  }

  create(resource: Resource, object: KubeObject): Promise<KubeObject> {
    return this.json({ verb: 'create', resource, namespace: object.metadata.namespace, body: object });
  }

  update(resource: Resource, object: KubeObject): Promise<KubeObject> {
    return this.json({
      verb: 'update',
      resource,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      body: object,
    });
  }

  /** Server-side apply. It overrides the fields of other managers. */
  apply(resource: Resource, object: KubeObject, fieldManager: string): Promise<KubeObject> {
    if (!resource.verbs.includes('create')) throw new Error(`${resource.plural} may not be created`);
    return this.json({
      verb: 'patch',
      resource,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      body: object,
      query: { fieldManager, force: 'true' },
      contentType: 'application/apply-patch+yaml',
    });
  }

  /** Replaces one member of an object, whoever owns it. */
  replaceMember(
    resource: Resource,
    object: KubeObject,
    member: string,
    value: unknown,
    fieldManager: string,
  ): Promise<KubeObject> {
    return this.json({
      verb: 'patch',
      resource,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      body: [{ op: 'replace', path: `/${member}`, value }],
      query: { fieldManager },
      contentType: 'application/json-patch+json',
    });
  }

  /**
   * Applies the status of an object. Asks the server for metadata only and does not read the response, because the
   * object may be large.
   */
  applyStatus(resource: Resource, object: KubeObject, fieldManager: string): Promise<void> {
    return this.done({
      verb: 'patch',
      resource,
      status: true,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      body: object,
      query: { fieldManager, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      accept: `${METADATA_TYPE}, ${JSON_TYPE}`,
    });
  }

  /** Changes the status of an object by a JSON patch, whose tests say what it must be like. */
  patchStatus(resource: Resource, object: KubeObject, patch: readonly object[], fieldManager: string): Promise<void> {
    return this.done({
      verb: 'patch',
      resource,
      status: true,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      body: patch,
      query: { fieldManager },
      contentType: 'application/json-patch+json',
      accept: `${METADATA_TYPE}, ${JSON_TYPE}`,
    });
  }

  /** Deletes the object if it still has this uid. Returns true also if it is already gone. */
  async delete(resource: Resource, object: KubeObject): Promise<void> {
    const preconditions = object.metadata.uid === undefined ? undefined : { uid: object.metadata.uid };
    try {
      await this.json({
        verb: 'delete',
        resource,
        namespace: object.metadata.namespace,
        name: object.metadata.name,
        body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions },
      });
    } catch (error) {
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
    }
  }

  /**
   * Lines of a watch until the server ends it. Yields undefined for a line above MAX_ITEM_BYTES. Throws on a failure
   * and after WATCH_SILENCE_MS without data.
   */
  async *watch(
    resource: Resource,
    query: Record<string, string>,
    signal: AbortSignal,
    namespace?: string,
  ): AsyncGenerator<string | undefined> {
    const answer = await this.send(
      {
        verb: 'watch',
        resource,
        query: { ...query, watch: 'true' },
        signal,
        ...(namespace === undefined ? {} : { namespace }),
      },
      WATCH_SILENCE_MS,
    );
    if (answer.statusCode !== 200) throw await failure(answer);
    yield* linesOf(answer);
  }

  /** Closes all connections. */
  close(): void {
    this.agent?.destroy();
  }

  private async json<T = KubeObject>(call: Call): Promise<T> {
    const answer = await this.send(call, API_TIMEOUT_MS);
    if (answer.statusCode === undefined || answer.statusCode < 200 || answer.statusCode > 299)
      throw await failure(answer);
    return JSON.parse(await textOf(answer)) as T;
  }

  private async done(call: Call): Promise<void> {
    const answer = await this.send(call, API_TIMEOUT_MS);
    if (answer.statusCode === undefined || answer.statusCode < 200 || answer.statusCode > 299)
      throw await failure(answer);
    for await (const _ of answer) continue;
  }

  private async send(call: Call, timeoutMs: number): Promise<IncomingMessage> {
    const { verb, resource, status = false } = call;
    const allowed = status ? (resource.statusVerbs ?? []) : resource.verbs;
    const name = `${resource.plural}${status ? '/status' : ''}`;
    if (!allowed.includes(verb)) throw new Error(`the operator has no business to ${verb} ${name}`);
    const text = call.body === undefined ? undefined : JSON.stringify(call.body);
    const options = await this.options();
    Object.assign(
      options.headers as Record<string, string>,
      { accept: call.accept ?? JSON_TYPE, 'user-agent': 'fim-operator' },
      text === undefined
        ? {}
        : { 'content-type': call.contentType ?? JSON_TYPE, 'content-length': String(Buffer.byteLength(text)) },
    );
    const query = new URLSearchParams(call.query);
    const path = `${this.base.pathname.replace(/\/$/, '')}${pathOf(resource, call.namespace, call.name)}${status ? '/status' : ''}${query.size > 0 ? `?${query}` : ''}`;
    try {
      const answer = await this.exchange(
        { ...options, method: METHODS[verb], path, signal: call.signal },
        text,
        timeoutMs,
      );
      this.onRequest(verb, name, answer.statusCode ?? 0);
      return answer;
    } catch (error) {
      this.onRequest(verb, name, 0);
      throw new ApiError(0, (error as NodeJS.ErrnoException).code ?? 'NoAnswer', (error as Error).message);
    }
  }

  private exchange(options: RequestOptions, text: string | undefined, timeoutMs: number): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing: ClientRequest = (this.base.protocol === 'https:' ? httpsRequest : httpRequest)(
      { ...options, timeout: timeoutMs },
      resolve,
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no byte for ${timeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.end(text);
    return promise;
  }

  /** Current address, TLS and credentials. Tokens and certificates are replaced while the operator runs. */
  private async options(): Promise<RequestOptions> {
    const options: RequestOptions = { headers: {} };
    await this.config.applyToHTTPSOptions(options);
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const identity = JSON.stringify([ca, cert, key, rejectUnauthorized, servername].map(String));
    if (this.agent === undefined || identity !== this.agentKey) {
      const connections = { keepAlive: true, maxSockets: API_CONNECTIONS, maxFreeSockets: API_CONNECTIONS };
      this.agent =
        this.base.protocol === 'https:'
          ? new HttpsAgent({ ...connections, ca, cert, key, rejectUnauthorized, servername })
          : new HttpAgent(connections);
      this.agentKey = identity;
    }
    return {
      host: this.base.hostname,
      port: this.base.port || (this.base.protocol === 'https:' ? 443 : 80),
      headers: options.headers,
      auth: options.auth,
      agent: this.agent,
    };
  }
}

async function* linesOf(answer: AsyncIterable<Buffer>): AsyncGenerator<string | undefined> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of answer) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      held += end - from;
      if (held > 0)
        yield held > MAX_ITEM_BYTES ? undefined : Buffer.concat([...parts, chunk.subarray(from, end)]).toString('utf8');
      parts = [];
      held = 0;
      from = end + 1;
    }
    held += chunk.length - from;
    // A line that is too long to be read is not kept either.
    if (held > MAX_ITEM_BYTES) parts = [];
    else parts.push(chunk.subarray(from));
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_API_ANSWER_BYTES) throw new ApiError(0, 'TooLong', 'the answer is too long');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function failure(answer: IncomingMessage): Promise<ApiError> {
  const status = answer.statusCode ?? 0;
  const text = await textOf(answer).catch(() => '');
  const retry = Number(answer.headers['retry-after']);
  let said: { reason?: string; message?: string } = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // A proxy between the operator and the API server does not answer with a Kubernetes Status.
  }
  return new ApiError(
    status,
    said.reason ?? 'HTTP',
    said.message ?? `status ${status}`,
    Number.isFinite(retry) && retry > 0 ? retry * 1000 : undefined,
  );
}
