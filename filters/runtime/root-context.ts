import { MAX_HELD_BYTES, MAX_RETIRED_CONFIGURATIONS, MAX_RETIRED_ROOTS } from '../limits';
import { Bytes } from '../memory/bytes';
import { Configuration } from './configuration';

/** One plugin instance: a configuration and the streams that began under it. */
export class RootContext {
  /** Null: it refuses everything or, if `released`, its streams use the configuration in force. */
  configuration: Configuration | null = null;
  /** Header names that only this proxy may set. Kept when the configuration is dropped. */
  stripHeaders: StaticArray<Bytes> = [];
  /** Bytes of bodies that may be held for one client address; kept as well. */
  heldPerAddressBytes: u64 = MAX_HELD_BYTES;
  /** Name of the plugin (`plugin_root_id`), since one VM may serve several. Null: not configured yet, or unknown. */
  plugin: Bytes | null = null;
  /** Whether stages have prepared for the configuration. */
  prepared: bool = false;
  /** Whether the host was told that it is configured. It then serves, or refuses everything. */
  taken: bool = false;
  /** Time at which a newer root of the plugin appeared, milliseconds. 0: it is in force. */
  retiredAtMs: u64 = 0;
  /** Whether it retired so long ago that its configuration was dropped. */
  released: bool = false;
  /** Whether its streams must end because too many retired roots live. */
  expired: bool = false;
  /** Whether the host calls its tick. */
  ticks: bool = true;
  /** Whether its streams come through the door: it asks about the others, and has no ticks. */
  door: bool = false;
  /** Time of its next tick at the usual pace, milliseconds; those before it come because something was due. */
  dueMs: u64 = 0;
  /** Period of its ticks as the host was told last, milliseconds. */
  periodMs: u32 = 0;
  /** Time at which its configuration was last noted as accepted, milliseconds. */
  notedAtMs: u64 = 0;
  /** Identity of its configuration among the VMs of this process; see accepted.ts. */
  textHash: u64 = 0;
  textLength: u32 = 0;

  constructor(readonly contextId: u32) {}

  get retired(): bool {
    return this.retiredAtMs != 0;
  }

  belongsTo(plugin: Bytes): bool {
    const own = this.plugin;
    return own != null && own.equals(plugin.pointer, plugin.length);
  }
}

/**
 * Root contexts of the VM: those in force, and retired ones whose streams still drain. A root is never refused. Ending
 * the streams of the oldest bounds their number (drain.ts).
 */
export class RootTable {
  private roots: Array<RootContext> = [];
  private retiredRoots: i32 = 0;

  /** Roots that live, in force and retired. */
  get size(): i32 {
    return this.roots.length;
  }

  /** Roots whose streams drain. */
  get retired(): i32 {
    return this.retiredRoots;
  }

  find(contextId: u32): RootContext | null {
    const roots = this.roots;
    for (let i = roots.length - 1; i >= 0; i--) {
      if (unchecked(roots[i]).contextId == contextId) return unchecked(roots[i]);
    }
    return null;
  }

  /** Whether the host considers some root of this VM configured. */
  get serves(): bool {
    for (let i = 0; i < this.roots.length; i++) if (this.roots[i].taken) return true;
    return false;
  }

  /** Configuration from which a new one of the plugin may reuse unchanged parts. Null if there is none. */
  before(plugin: Bytes | null): Configuration | null {
    let newest: Configuration | null = null;
    for (let i = this.roots.length - 1; i >= 0; i--) {
      const configuration = this.roots[i].configuration;
      if (configuration == null) continue;
      if (plugin != null && this.roots[i].belongsTo(plugin)) return configuration;
      if (newest == null && !configuration.door) newest = configuration;
    }
    return newest;
  }

  /** Configuration for a new stream of the root. Null: it is refused. */
  policyOf(root: RootContext): Configuration | null {
    const plugin = root.plugin;
    if (!root.released || plugin == null) return root.configuration;
    const inForce = this.inForce(plugin);
    return inForce == null ? null : inForce.configuration;
  }

  /** The configuration that rules this VM's traffic. Null: there is none. */
  get ruling(): Configuration | null {
    for (let i = this.roots.length - 1; i >= 0; i--) {
      const root = this.roots[i];
      if (root.taken && !root.retired && !root.door && root.configuration != null) return root.configuration;
    }
    return null;
  }

  private inForce(plugin: Bytes): RootContext | null {
    for (let i = this.roots.length - 1; i >= 0; i--) {
      const root = this.roots[i];
      if (root.taken && !root.retired && root.belongsTo(plugin)) return root;
    }
    return null;
  }

  insert(contextId: u32): void {
    if (this.find(contextId) == null) this.roots.push(new RootContext(contextId));
  }

  /**
   * Puts the root in force. Earlier roots of the same plugin retire. The oldest of them drop their configurations, or
   * must end their streams.
   */
  enforce(root: RootContext, nowMs: u64): void {
    const plugin = root.plugin;
    root.retiredAtMs = 0;
    if (plugin == null) return;
    for (let i = 0; i < this.roots.length; i++) {
      const other = this.roots[i];
      if (other != root && !other.retired && other.belongsTo(plugin)) other.retiredAtMs = max(nowMs, 1);
    }
    this.bound();
  }

  private bound(): void {
    let configured = 0;
    this.retiredRoots = 0;
    for (let i = this.roots.length - 1; i >= 0; i--) {
      const root = this.roots[i];
      if (!root.retired) continue;
      this.retiredRoots++;
      if (this.retiredRoots > MAX_RETIRED_ROOTS) root.expired = true;
      if (root.configuration == null || ++configured <= MAX_RETIRED_CONFIGURATIONS) continue;
      root.configuration = null;
      root.released = true;
    }
  }

  /**
   * Removes a root. False if the id is unknown. If it was in force, the newest remaining root of its plugin replaces
   * it, with its configuration if it has dropped its own.
   */
  remove(contextId: u32): bool {
    for (let i = 0; i < this.roots.length; i++) {
      const root = this.roots[i];
      if (root.contextId != contextId) continue;
      this.roots.splice(i, 1);
      if (root.taken && !root.retired) this.succeed(root);
      this.bound();
      return true;
    }
    return false;
  }

  /** A root in force whose ticks were stopped. Null: none. */
  stopped(): RootContext | null {
    for (let i = 0; i < this.roots.length; i++)
      if (!this.roots[i].retired && !this.roots[i].ticks) return this.roots[i];
    return null;
  }

  /** The root that came last. Null: there is none. */
  newest(): RootContext | null {
    return this.roots.length == 0 ? null : this.roots[this.roots.length - 1];
  }

  private succeed(gone: RootContext): void {
    const plugin = gone.plugin;
    if (plugin == null || this.inForce(plugin) != null) return;
    for (let i = this.roots.length - 1; i >= 0; i--) {
      const root = this.roots[i];
      if (!root.taken || !root.belongsTo(plugin)) continue;
      root.retiredAtMs = 0;
      root.expired = false;
      if (!root.released) return;
      root.released = false;
      root.configuration = gone.configuration;
      return;
    }
  }
}
