// Objects as the operator keeps them: metadata as it is, the spec compressed. A spec is decompressed at each use and
// never held.
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { FAIR_PACKED_BYTES, MAX_PACKED_BYTES, MAX_RESOURCE_BYTES } from '../../limits.ts';
import { canonicalJson } from '../../../envoy/route/index.ts';
import type { KubeObject } from './objects.ts';

/** Size below which a spec is not compressed, bytes. */
const PLAIN_BYTES = 512;

interface Packed {
  data: Buffer | string | undefined;
  /** Size of the spec as JSON, bytes. */
  bytes: number;
  /** SHA-256 of the spec in its canonical form. Computed on first use. */
  hash: string | undefined;
}

const packed = new WeakMap<KubeObject, Packed>();

function specOf(key: string, { data }: Packed): Record<string, unknown> | undefined {
  if (data === undefined) throw new Error(`the spec of ${key} found no room`);
  return JSON.parse(typeof data === 'string' ? data : inflateRawSync(data).toString('utf8')) as Record<string, unknown>;
}

function sizeOf({ data }: Packed): number {
  return data === undefined ? 0 : data.length;
}

function entryOf({ spec }: KubeObject, limited: boolean): Packed {
  const text = JSON.stringify(spec ?? {});
  // A spec that is too large to be accepted is not kept.
  if (text.length > MAX_RESOURCE_BYTES && limited)
    return { data: undefined, bytes: Buffer.byteLength(text), hash: undefined };
  return {
    data: text.length < PLAIN_BYTES ? text : deflateRawSync(text, { level: 1 }),
    bytes: Buffer.byteLength(text),
    hash: undefined,
  };
}

function keep({ apiVersion, kind, status }: KubeObject, metadata: KubeObject['metadata'], entry: Packed): KubeObject {
  const key = `${metadata.namespace ?? ''}/${metadata.name}`;
  const kept = { apiVersion, kind, metadata, ...(status === undefined ? {} : { status }) } as KubeObject;
  Object.defineProperty(kept, 'spec', { enumerable: true, get: () => specOf(key, entry) });
  packed.set(kept, entry);
  return kept;
}

/** The object with its spec packed, regardless of room. */
export function pack(object: KubeObject, metadata = object.metadata): KubeObject {
  return keep(object, metadata, entryOf(object, false));
}

/** Whether the spec is absent for want of room and not for its size. */
function isLeftAway({ data, bytes }: Packed): boolean {
  return data === undefined && bytes <= MAX_RESOURCE_BYTES;
}

/** Packs specs while there is room. Counts their bytes by namespace. */
export class SpecStore {
  private readonly byNamespace = new Map<string, number>();
  private total = 0;
  private leftAway = 0;
  private readonly limited: boolean;

  /** `limited`: drop specs above MAX_RESOURCE_BYTES, which can never be accepted. */
  constructor(limited: boolean) {
    this.limited = limited;
  }

  /** Whether a spec that was left out would find room now. */
  get hasRoomAgain(): boolean {
    return this.leftAway > 0 && this.total < 0.8 * MAX_PACKED_BYTES;
  }

  /** Size of all packed specs, bytes. */
  get bytes(): number {
    return this.total;
  }

  /**
   * The object with its spec packed, or without the spec if there is no room. A namespace below FAIR_PACKED_BYTES
   * always finds room. Others find room while all packed specs stay below MAX_PACKED_BYTES. `before`: the object as it
   * was kept until now; an unchanged spec is not packed again.
   */
  take(object: KubeObject, metadata: KubeObject['metadata'], before?: KubeObject): KubeObject {
    const isSame =
      before?.metadata.uid === metadata.uid &&
      metadata.generation !== undefined &&
      before?.metadata.generation === metadata.generation;
    const former = before !== undefined && isSame ? packed.get(before) : undefined;
    const entry = former?.data === undefined ? entryOf(object, this.limited) : former;
    const namespace = metadata.namespace ?? '';
    const own = this.byNamespace.get(namespace) ?? 0;
    if (own + sizeOf(entry) > FAIR_PACKED_BYTES && this.total + sizeOf(entry) > MAX_PACKED_BYTES)
      entry.data = undefined;
    if (isLeftAway(entry)) this.leftAway++;
    this.add(namespace, sizeOf(entry));
    return keep(object, metadata, entry);
  }

  /** Releases the room of an object that is no longer kept. */
  release(object: KubeObject): void {
    const entry = packed.get(object);
    if (entry === undefined) return;
    if (isLeftAway(entry)) this.leftAway--;
    this.add(object.metadata.namespace ?? '', -sizeOf(entry));
  }

  private add(namespace: string, bytes: number): void {
    this.total += bytes;
    const own = (this.byNamespace.get(namespace) ?? 0) + bytes;
    if (own > 0) this.byNamespace.set(namespace, own);
    else this.byNamespace.delete(namespace);
  }
}

function hashOf(spec: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(spec ?? {}))
    .digest('hex');
}

/** Size of an object's spec as JSON, bytes. */
export function specBytesOf(object: KubeObject): number {
  return packed.get(object)?.bytes ?? Buffer.byteLength(JSON.stringify(object.spec ?? {}));
}

/** Whether the spec is available. */
export function hasSpec(object: KubeObject): boolean {
  const entry = packed.get(object);
  return entry === undefined || entry.data !== undefined;
}

/** SHA-256 of an object's spec in its canonical form. */
export function specHashOf(object: KubeObject): string {
  const entry = packed.get(object);
  if (entry === undefined) return hashOf(object.spec);
  return (entry.hash ??= hashOf(object.spec));
}

/** Whether the spec found no room and might find it now. */
export function wasLeftAway(object: KubeObject): boolean {
  const entry = packed.get(object);
  return entry !== undefined && isLeftAway(entry);
}
