// Copy of the objects of some namespaces, each followed for itself: for an operator that may not list those of others.
import { Informer, type InformerOptions } from './informer.ts';
import type { KubeObject } from './objects.ts';

const NOTHING: ReadonlyMap<string, KubeObject> = new Map();

export class NamespacedInformer extends Informer {
  private readonly parts: ReadonlyMap<string, Informer>;

  /** Without namespaces there is nothing to follow, and the copy is whole. */
  constructor(options: InformerOptions, namespaces: readonly string[]) {
    super(options);
    this.parts = new Map(namespaces.map((namespace) => [namespace, new Informer({ ...options, namespace })]));
  }

  override get size(): number {
    return this.sum(({ size }) => size);
  }

  override get synced(): boolean {
    return [...this.parts.values()].every(({ synced }) => synced);
  }

  override get stale(): boolean {
    return [...this.parts.values()].some(({ stale }) => stale);
  }

  override get unreadable(): number {
    return this.sum(({ unreadable }) => unreadable);
  }

  override get allLeftOut(): number {
    return this.sum(({ allLeftOut }) => allLeftOut);
  }

  override get(key: string): KubeObject | undefined {
    return this.parts.get(key.split('/')[0] ?? '')?.get(key);
  }

  override in(namespace: string): ReadonlyMap<string, KubeObject> {
    return this.parts.get(namespace)?.in(namespace) ?? NOTHING;
  }

  override namespaces(): string[] {
    return [...this.parts.values()].flatMap((part) => part.namespaces());
  }

  override leftOut(namespace: string): number {
    return this.parts.get(namespace)?.leftOut(namespace) ?? 0;
  }

  override async whenSynced(): Promise<void> {
    await Promise.all([...this.parts.values()].map((part) => part.whenSynced()));
  }

  override async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.parts.values()].map((part) => part.run(signal)));
  }

  private sum(pick: (part: Informer) => number): number {
    return [...this.parts.values()].reduce((total, part) => total + pick(part), 0);
  }
}
