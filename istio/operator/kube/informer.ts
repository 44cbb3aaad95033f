// A copy of all objects of one kind that follows the API server through expired versions, throttling, dead connections and restarts.
import { setTimeout as pause } from 'node:timers/promises';
import { ABSENT_KIND_RETRY_MS, LIST_PAGE_OBJECTS, MAX_WATCH_RETRY_MS, MIN_WATCH_RETRY_MS, WATCH_SECONDS } from '../../limits.ts';
import { ApiError, type KubeApi } from './api.ts';
import { keyOf, type KubeObject } from './objects.ts';
import { apiVersionOf, type Resource } from './resources.ts';

/** What changed: before and after; one of them is undefined for what is new or gone. */
export type OnChange = (key: string, before: KubeObject | undefined, after: KubeObject | undefined) => void;

export interface InformerOptions {
  api: KubeApi;
  resource: Resource;
  /** Keeps what is needed of an object. */
  trim?: (object: KubeObject) => KubeObject;
  onChange: OnChange;
  /** Told of every failure, after which the informer goes on by itself. */
  onFailure?: (resource: string, reason: string, message: string) => void;
  labelSelector?: string;
}

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: KubeObject & { code?: number; reason?: string; message?: string };
}

const NOTHING: ReadonlyMap<string, KubeObject> = new Map();

export class Informer {
  private readonly options: InformerOptions;
  private readonly objects = new Map<string, KubeObject>();
  private readonly byNamespace = new Map<string, Map<string, KubeObject>>();
  private resourceVersion: string | undefined;
  private failures = 0;
  private readonly first = Promise.withResolvers<void>();
  /** All objects have been listed once, or the kind is one that the cluster need not have and has not. */
  synced = false;

  constructor(options: InformerOptions) {
    this.options = options;
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: string): KubeObject | undefined {
    return this.objects.get(key);
  }

  /** Objects of a namespace, by name. */
  in(namespace: string): ReadonlyMap<string, KubeObject> {
    return this.byNamespace.get(namespace) ?? NOTHING;
  }

  /** Namespaces that have an object. */
  namespaces(): string[] {
    return [...this.byNamespace.keys()];
  }

  /** Settles when `synced` becomes true. */
  whenSynced(): Promise<void> {
    return this.first.promise;
  }

  /** Follows the API server until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.resourceVersion === undefined) await this.list(signal);
        await this.follow(signal);
        this.failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        await this.recover(error, signal);
      }
    }
  }

  private async recover(error: unknown, signal: AbortSignal): Promise<void> {
    const known = error instanceof ApiError ? error : new ApiError(0, 'Failed', (error as Error).message);
    const { resource, onFailure } = this.options;
    let wait: number;
    if (known.status === 404 && resource.optional) {
      // The definition is not there: there are no objects, and it may come later.
      this.replaceAll([]);
      this.resourceVersion = undefined;
      wait = ABSENT_KIND_RETRY_MS;
    } else {
      // What the server no longer remembers is listed anew, at once the first time.
      if (known.status === 410) this.resourceVersion = undefined;
      wait = known.status === 410 && this.failures === 0 ? 0 : Math.min(MAX_WATCH_RETRY_MS, MIN_WATCH_RETRY_MS * 2 ** Math.min(this.failures, 16)) * (0.75 + Math.random() / 2);
      this.failures++;
      onFailure?.(resource.plural, known.status === 0 ? known.reason : String(known.status), known.message);
    }
    await pause(Math.max(wait, known.retryAfterMs ?? 0), undefined, { signal }).catch(() => undefined);
  }

  private async list(signal: AbortSignal): Promise<void> {
    const { api, resource, labelSelector, trim = (object) => object } = this.options;
    const found: KubeObject[] = [];
    let next: string | undefined;
    let version: string;
    do {
      const page = await api.list(resource, { limit: String(LIST_PAGE_OBJECTS), ...(labelSelector ? { labelSelector } : {}), ...(next === undefined ? {} : { continue: next }) }, signal);
      // Items of a list do not say what they are.
      for (const item of page.items ?? []) found.push(trim({ ...item, apiVersion: apiVersionOf(resource), kind: resource.kind }));
      next = page.metadata.continue || undefined;
      version = page.metadata.resourceVersion;
    } while (next !== undefined);
    this.replaceAll(found);
    this.resourceVersion = version;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { api, resource, labelSelector, trim = (object) => object } = this.options;
    const query = { resourceVersion: this.resourceVersion ?? '', allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH_SECONDS), ...(labelSelector ? { labelSelector } : {}) };
    for await (const line of api.watch(resource, query, signal)) {
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === 'ERROR') throw new ApiError(object.code ?? 500, object.reason ?? 'Error', object.message ?? 'the watch failed');
      this.failures = 0;
      if (type === 'DELETED') this.set(keyOf(object), undefined);
      else if (type !== 'BOOKMARK') this.set(keyOf(object), trim(object));
      this.resourceVersion = object.metadata.resourceVersion;
    }
  }

  private replaceAll(found: readonly KubeObject[]): void {
    const kept = new Set(found.map(keyOf));
    for (const key of [...this.objects.keys()]) if (!kept.has(key)) this.set(key, undefined);
    for (const object of found) {
      const before = this.objects.get(keyOf(object));
      if (before?.metadata.resourceVersion !== object.metadata.resourceVersion || before?.metadata.uid !== object.metadata.uid) this.set(keyOf(object), object);
    }
    this.synced = true;
    this.first.resolve();
  }

  private set(key: string, object: KubeObject | undefined): void {
    const before = this.objects.get(key);
    if (object === undefined) this.objects.delete(key);
    else this.objects.set(key, object);
    const { namespace = '', name } = (object ?? before)?.metadata ?? { name: '' };
    const group = this.byNamespace.get(namespace) ?? new Map<string, KubeObject>();
    if (object === undefined) group.delete(name);
    else group.set(name, object);
    if (group.size === 0) this.byNamespace.delete(namespace);
    else this.byNamespace.set(namespace, group);
    if (before !== undefined || object !== undefined) this.options.onChange(key, before, object);
  }
}
