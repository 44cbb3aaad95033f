import { MAX_ROOT_CONTEXTS } from '../limits';
import { Configuration } from './configuration';

/** One plugin instance: a configuration and the streams that began under it. */
export class RootContext {
  configuration: Configuration | null = null;
  /** Stages have been told to prepare for the configuration. */
  prepared: bool = false;

  constructor(readonly contextId: u32) {}
}

/** Root contexts of the VM: the one in force and those whose streams still drain. Few, so a list serves. */
export class RootTable {
  private roots: Array<RootContext> = [];

  find(contextId: u32): RootContext | null {
    const roots = this.roots;
    for (let i = roots.length - 1; i >= 0; i--) {
      if (unchecked(roots[i]).contextId == contextId) return unchecked(roots[i]);
    }
    return null;
  }

  /** The configuration that was taken last among the roots that live; null if there is none. */
  newest(): Configuration | null {
    for (let i = this.roots.length - 1; i >= 0; i--) {
      const configuration = this.roots[i].configuration;
      if (configuration != null) return configuration;
    }
    return null;
  }

  insert(contextId: u32): void {
    if (this.roots.length < <i32>MAX_ROOT_CONTEXTS) this.roots.push(new RootContext(contextId));
  }

  /** False if the id is no root's. */
  remove(contextId: u32): bool {
    for (let i = 0; i < this.roots.length; i++) {
      if (this.roots[i].contextId != contextId) continue;
      this.roots.splice(i, 1);
      return true;
    }
    return false;
  }
}
