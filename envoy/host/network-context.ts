// Context of a network filter for one connection. Follows source/extensions/common/wasm/context.cc of Envoy.
import { BufferKind, NetworkStatus, StreamKind } from './abi.ts';
import { BodyBuffer } from './body-buffer.ts';
import type { HeaderMap } from './header-map.ts';
import { propertyBytes } from './properties.ts';
import type { Guest, GuestBuffer, GuestContext, RootSide } from './roles.ts';

/** Part of the connection that its filter's context calls. */
export interface ConnectionSide {
  readonly number: number;
  readonly filterState: Map<string, Uint8Array>;
  /** Writes what waits, then closes. */
  closeByFilter(): void;
}

export class NetworkContext implements GuestContext {
  readonly root: RootSide;
  readonly id: number;
  private readonly connection: ConnectionSide;
  private readonly instance: Guest;
  private downstream: BodyBuffer | null = null;
  private upstream: BodyBuffer | null = null;
  private destroyed = false;

  constructor(root: RootSide, connection: ConnectionSide) {
    this.root = root;
    this.connection = connection;
    this.instance = root.vm.instance;
    this.id = this.instance.newContextId();
    this.instance.contexts.set(this.id, this);
    root.streamOpened();
  }

  onNewConnection(): number {
    if (!this.instance.failed) this.instance.call(this, 'proxy_on_context_create', [this.id, this.root.id], () => 0);
    return this.callback('proxy_on_new_connection', [this.id]);
  }

  /** The client's bytes; the guest may change `buffer`. */
  onDownstreamData(buffer: BodyBuffer, end: boolean): number {
    this.downstream = buffer;
    const status = this.callback('proxy_on_downstream_data', [this.id, buffer.length, Number(end)]);
    this.downstream = null;
    return status;
  }

  /** Bytes for the client; the guest may change `buffer`. */
  onUpstreamData(buffer: BodyBuffer, end: boolean): number {
    this.upstream = buffer;
    const status = this.callback('proxy_on_upstream_data', [this.id, buffer.length, Number(end)]);
    this.upstream = null;
    return status;
  }

  onClose(by: number): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const [name, args] of [
      ['proxy_on_downstream_connection_close', [by]],
      ['proxy_on_log', []],
      ['proxy_on_done', []],
      ['proxy_on_delete', []],
    ] as const)
      if (!this.instance.failed && this.instance.has(name)) this.instance.call(this, name, [this.id, ...args], () => 0);
    this.instance.contexts.delete(this.id);
    this.root.streamClosed(this.instance);
  }

  /** A dead machine's connection is closed, and nothing passes. */
  private callback(name: string, args: number[]): number {
    if (!this.instance.failed && !this.instance.has(name)) return NetworkStatus.Continue;
    let status: number = NetworkStatus.StopIteration;
    if (!this.instance.failed)
      this.instance.call(this, name, args, (answer) => {
        status = answer === NetworkStatus.Continue ? NetworkStatus.Continue : NetworkStatus.StopIteration;
      });
    if (!this.instance.failed) return status;
    if (this.root.vm.options.failurePolicy === 'FAIL_OPEN') return NetworkStatus.Continue;
    this.connection.closeByFilter();
    return NetworkStatus.StopIteration;
  }

  // --- GuestContext

  map(kind: number, writable: boolean): HeaderMap | null {
    return this.root.map(kind, writable);
  }

  buffer(kind: number): GuestBuffer | null {
    const shown =
      kind === BufferKind.DownstreamData ? this.downstream : kind === BufferKind.UpstreamData ? this.upstream : null;
    return shown === null ? this.root.buffer(kind) : { body: shown };
  }

  property(path: string): Uint8Array | null {
    if (path === 'connection.id') return propertyBytes(this.connection.number);
    return this.connection.filterState.get(`wasm.${path}`) ?? this.root.property(path);
  }

  setProperty(path: string, value: Uint8Array): boolean {
    this.connection.filterState.set(`wasm.${path}`, Buffer.from(value));
    return true;
  }

  continueStream(): void {}

  closeStream(kind: number): void {
    if (kind === StreamKind.Downstream) this.instance.defer(() => this.connection.closeByFilter());
  }

  sendLocalReply(): void {}
}
