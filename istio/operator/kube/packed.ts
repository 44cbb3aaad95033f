// Objects as they are kept: what names them as it is, the spec packed. A spec is unpacked each time that it is asked
// for, and never held.
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { FAIR_PACKED_BYTES, MAX_PACKED_BYTES, MAX_RESOURCE_BYTES } from '../../limits.ts';
import { canonicalJson } from '../../../envoy/route/index.ts';
import type { KubeObject } from './objects.ts';

/** Below this a spec is not worth packing, bytes. */
const PLAIN_BYTES = 512;

interface Packed {
  data: Buffer | string | undefined;
  /** Of the spec as JSON. */
  bytes: number;
  /** Of the spec in its canonical form; made when it is first asked for. */
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
  // What is too large for anything is not kept.
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

/** The object with its spec packed, whatever room it takes. */
export function pack(object: KubeObject, metadata = object.metadata): KubeObject {
  return keep(object, metadata, entryOf(object, false));
}

/** For want of room, not for its size. */
function isLeftAway({ data, bytes }: Packed): boolean {
  return data === undefined && bytes <= MAX_RESOURCE_BYTES;
}

/** Packs specs as far as there is room, and keeps count of what they take, by namespace. */
export class SpecStore {
  private readonly byNamespace = new Map<string, number>();
  private total = 0;
  private leftAway = 0;
  private readonly limited: boolean;

  /** `limited`: a spec of more than MAX_RESOURCE_BYTES is of no use to anyone. */
  constructor(limited: boolean) {
    this.limited = limited;
  }

  /** Specs were left away that could be kept now. */
  get hasRoomAgain(): boolean {
    return this.leftAway > 0 && this.total < 0.8 * MAX_PACKED_BYTES;
  }

  /** What all packed specs take, bytes. */
  get bytes(): number {
    return this.total;
  }

  /**
   * The object with its spec packed. Where there is no room the spec is left away: a namespace that takes little
   * (FAIR_PACKED_BYTES) always finds room, another as long as all together stay below MAX_PACKED_BYTES. `before`: the
   * object as it was kept until now; a spec that is still the same is not packed again.
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

  /** An object that was taken is not kept any more. */
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

/** Bytes of an object's spec as JSON. */
export function specBytesOf(object: KubeObject): number {
  return packed.get(object)?.bytes ?? Buffer.byteLength(JSON.stringify(object.spec ?? {}));
}

/** Whether the spec can be had. */
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

/** Whether the spec found no room, and might find it now. */
export function wasLeftAway(object: KubeObject): boolean {
  const entry = packed.get(object);
  return entry !== undefined && isLeftAway(entry);
}
