// Copy of all objects of one kind. It follows the API server through expired versions, throttling, dead connections and
// restarts.
import { setTimeout as pause } from 'node:timers/promises';
import {
  ABSENT_KIND_RETRY_MS,
  FIRST_PAGE_OBJECTS,
  LIST_PAGE_BYTES,
  LIST_PAGE_OBJECTS,
  MAX_WATCH_RETRY_MS,
  MIN_WATCH_RETRY_MS,
  STALE_MS,
  WATCH_SECONDS,
} from '../../limits.ts';
import { ApiError, type KubeApi } from './api.ts';
import { computed } from '../fairness.ts';
import { keyOf, type KubeObject } from './objects.ts';
import { wasLeftAway } from './packed.ts';
import { apiVersionOf, type Resource } from './resources.ts';

/** Listener of changes. `before` is undefined for a new object, `after` for a deleted one. */
export type OnChange = (key: string, before: KubeObject | undefined, after: KubeObject | undefined) => void;

export interface InformerOptions {
  api: KubeApi;
  resource: Resource;
  /** Reduces an object to what is needed. `before`: the reduced object that it replaces. */
  trim?: (object: KubeObject, before: KubeObject | undefined) => KubeObject;
  /** Called for each object that is no longer kept. */
  release?: (object: KubeObject) => void;
  /** Most objects kept of one namespace. Further ones are only counted. Absent: no bound. */
  mostInNamespace?: number;
  onChange: OnChange;
  /** Called for every failure. The informer recovers by itself. */
  onFailure?: (resource: string, reason: string, message: string) => void;
  labelSelector?: string;
  /** The one namespace to be followed. Absent: all. */
  namespace?: string;
  /**
   * Whether objects that were kept without their spec would find room now. If so, they are listed again when the watch
   * ends.
   */
  wantsRelist?: () => boolean;
  /** Override for tests. Default: STALE_MS. */
  staleMs?: number;
  /** Receives the time that an object of a namespace took to read, milliseconds. */
  onWork?: (namespace: string, milliseconds: number) => void;
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
  private failingSince: number | undefined;
  private pageObjects = FIRST_PAGE_OBJECTS;
  /** Number of objects that found no room, by namespace. */
  private readonly left = new Map<string, number>();
  private readonly first = Promise.withResolvers<void>();
  private isWhole = false;
  private unread = 0;

  constructor(options: InformerOptions) {
    this.options = options;
  }

  /** Whether all objects have been listed once. Also true for an optional kind that the cluster does not have. */
  get synced(): boolean {
    return this.isWhole;
  }

  /** Objects above MAX_ITEM_BYTES that were skipped unread. */
  get unreadable(): number {
    return this.unread;
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

  /** Names of objects without namespace. */
  names(): string[] {
    return [...this.in('').keys()];
  }

  /** Objects of a namespace that found no room. */
  leftOut(namespace: string): number {
    return this.left.get(namespace) ?? 0;
  }

  /** Objects of all namespaces that found no room. */
  get allLeftOut(): number {
    return [...this.left.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Whether the copy has been out of date for too long to act on. */
  get stale(): boolean {
    return (
      this.failingSince !== undefined && performance.now() - this.failingSince > (this.options.staleMs ?? STALE_MS)
    );
  }

  /** Settles when `synced` becomes true. */
  whenSynced(): Promise<void> {
    return this.first.promise;
  }

  /** Follows the API server until the signal aborts. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.resourceVersion === undefined) await this.list(signal);
        await this.follow(signal);
        this.reached();
        if (this.options.wantsRelist?.()) this.resourceVersion = undefined;
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
    if (known.reason === 'TooLong') this.pageObjects = Math.max(1, Math.floor(this.pageObjects / 4));
    if (known.status === 404 && resource.optional) {
      // The CRD is not installed: there are no objects, and it may be installed later.
      this.becomeWhole(new Set());
      this.resourceVersion = undefined;
      wait = ABSENT_KIND_RETRY_MS;
    } else {
      // The server no longer has this version. The first such failure lists again at once.
      if (known.status === 410) this.resourceVersion = undefined;
      wait =
        known.status === 410 && this.failures === 0
          ? 0
          : Math.min(MAX_WATCH_RETRY_MS, MIN_WATCH_RETRY_MS * 2 ** Math.min(this.failures, 16)) *
            (0.75 + Math.random() / 2);
      this.failures++;
      this.failingSince ??= performance.now();
      onFailure?.(resource.plural, known.status === 0 ? known.reason : String(known.status), known.message);
    }
    await pause(Math.max(wait, known.retryAfterMs ?? 0), undefined, { signal }).catch(() => undefined);
  }

  /** Lists in pages of about LIST_PAGE_BYTES and takes objects as they arrive. */
  private async list(signal: AbortSignal): Promise<void> {
    const { api, resource, labelSelector, namespace } = this.options;
    const found = new Set<string>();
    this.left.clear();
    let next: string | undefined;
    let version: string;
    do {
      const query = {
        limit: String(this.pageObjects),
        ...(labelSelector ? { labelSelector } : {}),
        ...(next === undefined ? {} : { continue: next }),
      };
      const page = await api.list(resource, query, signal, {
        namespace,
        // Items of a list lack `kind` and `apiVersion`.
        onItem: (text) => {
          const began = computed();
          const object: KubeObject = {
            ...(JSON.parse(text) as KubeObject),
            apiVersion: apiVersionOf(resource),
            kind: resource.kind,
          };
          found.add(this.take(object));
          this.options.onWork?.(object.metadata.namespace ?? '', computed() - began);
        },
        onLongItem: () => this.unread++,
      });
      if (page.items > 0)
        this.pageObjects = Math.min(
          LIST_PAGE_OBJECTS,
          8 * this.pageObjects,
          Math.max(1, Math.floor((LIST_PAGE_BYTES * page.items) / page.bytes)),
        );
      next = page.metadata.continue || undefined;
      version = page.metadata.resourceVersion;
    } while (next !== undefined);
    this.becomeWhole(found);
    this.resourceVersion = version;
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { api, resource, labelSelector, namespace } = this.options;
    const query = {
      resourceVersion: this.resourceVersion ?? '',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS),
      ...(labelSelector ? { labelSelector } : {}),
    };
    for await (const line of api.watch(resource, query, signal, namespace)) {
      if (line === undefined) {
        this.unread++;
        continue;
      }
      const began = computed();
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === 'ERROR')
        throw new ApiError(object.code ?? 500, object.reason ?? 'Error', object.message ?? 'the watch failed');
      this.reached();
      if (type === 'DELETED') this.remove(object);
      else if (type !== 'BOOKMARK') this.take(object);
      this.resourceVersion = object.metadata.resourceVersion;
      this.options.onWork?.(object.metadata.namespace ?? '', computed() - began);
      if (this.hasRoomAgain(object.metadata.namespace ?? ''))
        throw new ApiError(410, 'Relist', 'there is room for objects that were left out');
    }
  }

  private reached(): void {
    this.failures = 0;
    this.failingSince = undefined;
  }

  /** Stores the current form of an object if there is room. Returns its key. */
  private take(object: KubeObject): string {
    const { trim = (whole) => whole, mostInNamespace = Infinity } = this.options;
    const key = keyOf(object);
    const before = this.objects.get(key);
    if (
      before !== undefined &&
      before.metadata.resourceVersion === object.metadata.resourceVersion &&
      before.metadata.uid === object.metadata.uid &&
      !wasLeftAway(before)
    )
      return key;
    const namespace = object.metadata.namespace ?? '';
    if (before === undefined && this.in(namespace).size >= mostInNamespace)
      this.left.set(namespace, this.leftOut(namespace) + 1);
    else this.set(key, trim(object, before));
    return key;
  }

  private remove(object: KubeObject): void {
    const key = keyOf(object);
    const namespace = object.metadata.namespace ?? '';
    if (this.objects.has(key)) this.set(key, undefined);
    else if (this.leftOut(namespace) > 0) this.left.set(namespace, this.leftOut(namespace) - 1);
  }

  /**
   * Whether objects that found no room would find it now. Some slack keeps a namespace at the bound from being listed
   * again and again.
   */
  private hasRoomAgain(namespace: string): boolean {
    return this.leftOut(namespace) > 0 && this.in(namespace).size < 0.9 * (this.options.mostInNamespace ?? Infinity);
  }

  private becomeWhole(found: ReadonlySet<string>): void {
    for (const key of [...this.objects.keys()]) if (!found.has(key)) this.set(key, undefined);
    this.reached();
    this.isWhole = true;
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
    if (before !== undefined) this.options.release?.(before);
  }
}
