// A root context: one plugin configuration in one VM. It lives until it is replaced and its last stream has ended.
import { BufferKind, MapKind } from './abi.ts';
import type { HeaderMap } from './header-map.ts';
import type { HttpCallAnswer } from './http-call.ts';
import type { Guest, GuestBuffer, Machine, RootSide } from './roles.ts';

export class RootContext implements RootSide {
  readonly vm: Machine;
  readonly rootId: string;
  readonly configuration: Buffer;
  id = 0;
  /** Response of the call-out that is being delivered. */
  callAnswer: HttpCallAnswer | null = null;
  /** Result of `proxy_get_status`. */
  status: { code: number; message: string } = { code: 0, message: '' };
  private configuring = false;
  private closing = false;
  private done = false;
  private streams = 0;
  private cancelTick: () => void = () => {};

  constructor(vm: Machine, configuration: Buffer, rootId: string) {
    this.vm = vm;
    this.configuration = configuration;
    this.rootId = rootId;
  }

  get root(): RootContext {
    return this;
  }

  /** Streams that use this configuration. */
  get liveStreams(): number {
    return this.streams;
  }

  private get instance(): Guest {
    return this.vm.instance;
  }

  /** Creates the context, starts the VM for it and configures it. False if the guest refuses or traps. */
  start(): boolean {
    if (this.instance.failed) return false;
    this.id = this.instance.newContextId();
    this.instance.contexts.set(this.id, this);
    this.instance.call(this, 'proxy_on_context_create', [this.id, 0], () => 0);
    const started =
      !this.instance.has('proxy_on_vm_start') ||
      this.instance.call(
        this,
        'proxy_on_vm_start',
        [this.id, this.vm.options.vmConfiguration.length],
        (answer) => answer !== 0,
      );
    if (!started || this.instance.failed) return false;
    if (!this.instance.has('proxy_on_configure')) return true;
    this.configuring = true;
    const accepted = this.instance.call(
      this,
      'proxy_on_configure',
      [this.id, this.configuration.length],
      (answer) => answer !== 0,
    );
    this.configuring = false;
    return accepted && !this.instance.failed;
  }

  /** Applies the same configuration to the new VM after a reload. */
  restart(): void {
    this.cancelTick();
    this.cancelTick = () => {};
    this.streams = 0;
    if (this.closing) this.vm.roots.delete(this);
    else this.start();
  }

  /** Called when the configuration is replaced. The guest is asked to finish when the last stream has ended. */
  close(): void {
    this.closing = true;
    this.finishIfIdle();
  }

  streamOpened(): void {
    this.streams++;
  }

  streamClosed(instance: Guest): void {
    if (instance !== this.instance) return;
    this.streams--;
    this.finishIfIdle();
  }

  /** The guest reports that it is done (`proxy_done`). False if it was not asked. */
  finished(): boolean {
    if (!this.done) return false;
    this.instance.defer(() => this.delete());
    return true;
  }

  private finishIfIdle(): void {
    if (!this.closing || this.done || this.streams > 0) return;
    this.done = true;
    this.cancelTick();
    const ready =
      this.instance.failed ||
      !this.instance.has('proxy_on_done') ||
      this.instance.call(this, 'proxy_on_done', [this.id], (answer) => answer !== 0);
    if (ready) this.delete();
  }

  private delete(): void {
    this.vm.roots.delete(this);
    if (!this.instance.failed) this.instance.call(this, 'proxy_on_delete', [this.id], () => 0);
    this.vm.httpCalls.cancelOf(this);
    this.instance.contexts.delete(this.id);
  }

  setTickPeriod(ms: number): void {
    this.cancelTick();
    this.cancelTick = () => {};
    if (ms > 0) this.cancelTick = this.vm.clock.schedule(ms, () => this.tick(ms));
  }

  /** Runs `proxy_on_tick` now, regardless of the clock. */
  tick(nextMs = 0): void {
    if (nextMs > 0) this.cancelTick = this.vm.clock.schedule(nextMs, () => this.tick(nextMs));
    if (!this.instance.failed) this.instance.call(this, 'proxy_on_tick', [this.id], () => 0);
  }

  // --- GuestContext

  map(kind: number): HeaderMap | null {
    if (kind === MapKind.HttpCallResponseHeaders) return this.callAnswer?.headers ?? null;
    if (kind === MapKind.HttpCallResponseTrailers) return this.callAnswer?.trailers ?? null;
    return null;
  }

  buffer(kind: number): GuestBuffer | null {
    if (
      kind === BufferKind.PluginConfiguration &&
      this.configuring &&
      this.vm.options.withholds?.(this.configuration) !== true
    )
      return { bytes: this.configuration };
    if (kind === BufferKind.VmConfiguration) return { bytes: Buffer.from(this.vm.options.vmConfiguration) };
    if (kind === BufferKind.HttpCallResponseBody && this.callAnswer !== null) return { bytes: this.callAnswer.body };
    return null;
  }

  property(path: string): Uint8Array | null {
    if (path === 'plugin_root_id') return Buffer.from(this.rootId);
    if (path === 'plugin_vm_id') return Buffer.from(this.vm.options.vmId);
    if (path === 'plugin_name') return Buffer.from('fim');
    return null;
  }

  setProperty(): boolean {
    return false;
  }

  continueStream(): void {}
  closeStream(): void {}
  sendLocalReply(): void {}
}
