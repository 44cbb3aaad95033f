// Which namespace may use which key. A tenant names keys; whose they are is the platform's to say, and where it has
// said nothing, a key has one namespace.

/**
 * `claimed`: what the platform has not bound belongs to the namespace that has it in force, else to the one whose route
 * that names it is oldest. `strict`: to nobody but the namespace that its first part names. `off`: to all.
 */
export const BINDING_MODES = ['claimed', 'strict', 'off'] as const;
export type BindingMode = (typeof BINDING_MODES)[number];

/** Keys below a path, and the namespaces that may use them. */
export interface BoundKeys {
  /** Without `kms://`: `prod/fund`. */
  prefix: string;
  namespaces: readonly string[];
}

const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Reads `prod/fund=fund,fund-test prod/pay=pay`; undefined if it is not of that form. */
export function readBoundKeys(text: string): BoundKeys[] | undefined {
  const entries = text.split(/\s+/).filter((entry) => entry !== '');
  const bound = entries.map((entry) => {
    const [prefix = '', names = ''] = entry.split('=', 2);
    return { prefix, namespaces: names.split(',') };
  });
  return bound.every(
    ({ prefix, namespaces }) => PREFIX.test(prefix) && namespaces.every((name) => NAMESPACE.test(name)),
  )
    ? bound
    : undefined;
}

/**
 * What stands in a configuration in the place of a key that the namespace may not use: there is no such key, so that
 * messages are refused and none passes unprotected. A key by that name would be the namespace's own.
 */
export function deniedKey(namespace: string): string {
  return `kms://${namespace}/fim.not-permitted`;
}

/** What a namespace names or has in force. */
export interface NamespaceKeys {
  /** By key id: when the oldest route that names it was made, milliseconds since 1970. */
  wanted: ReadonlyMap<string, number>;
  inForce: ReadonlySet<string>;
}

/** `waiting`: not all namespaces have been looked at yet. */
export type Permission = 'permitted' | 'denied' | 'waiting';

export class KeyBinding {
  private readonly mode: BindingMode;
  private readonly bound: readonly BoundKeys[];
  private readonly namespaces = new Map<string, NamespaceKeys>();
  private readonly owners = new Map<string, string>();
  private readonly seen = new Set<string>();
  private isWhole = false;

  constructor(mode: BindingMode, bound: readonly BoundKeys[]) {
    this.mode = mode;
    this.bound = bound;
  }

  /**
   * Notes what a namespace names; those whose permissions may be others by that. `all`: namespaces that have routes.
   */
  note(namespace: string, keys: NamespaceKeys, all: readonly string[]): string[] {
    const before = this.namespaces.get(namespace);
    if (keys.wanted.size === 0 && keys.inForce.size === 0) this.namespaces.delete(namespace);
    else this.namespaces.set(namespace, keys);
    this.seen.add(namespace);
    const concerned = new Set(
      [...(before?.wanted.keys() ?? []), ...(before?.inForce ?? [])].filter(
        (keyId) => !keys.wanted.has(keyId) && !keys.inForce.has(keyId),
      ),
    );
    for (const keyId of concerned) if (this.owners.get(keyId) === namespace) this.owners.delete(keyId);
    if (!this.isWhole && all.every((name) => this.seen.has(name))) {
      this.isWhole = true;
      return [...this.namespaces.keys()].filter((name) => name !== namespace);
    }
    return [...this.namespaces]
      .filter(([name, { wanted }]) => name !== namespace && [...concerned].some((keyId) => wanted.has(keyId)))
      .map(([name]) => name);
  }

  /** A namespace that cannot be looked at does not keep the others waiting. */
  passOver(namespace: string): void {
    this.seen.add(namespace);
  }

  permission(namespace: string, keyId: string): Permission {
    if (this.mode === 'off') return 'permitted';
    const path = keyId.slice('kms://'.length);
    const [longest] = this.bound
      .filter(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
      .sort((a, b) => b.prefix.length - a.prefix.length);
    if (longest !== undefined) return longest.namespaces.includes(namespace) ? 'permitted' : 'denied';
    if (path.startsWith(`${namespace}/`)) return 'permitted';
    if (this.mode === 'strict') return 'denied';
    const owner = this.ownerOf(keyId);
    return owner === undefined ? 'waiting' : owner === namespace ? 'permitted' : 'denied';
  }

  /** The namespace that has an unbound key; it keeps it for as long as it names it. */
  private ownerOf(keyId: string): string | undefined {
    const known = this.owners.get(keyId);
    if (known !== undefined || !this.isWhole) return known;
    const naming = [...this.namespaces].filter(([, { wanted, inForce }]) => wanted.has(keyId) || inForce.has(keyId));
    const having = naming.filter(([, { inForce }]) => inForce.has(keyId));
    const age = ([, { wanted }]: (typeof naming)[number]): number => wanted.get(keyId) ?? Infinity;
    const [first] = (having.length > 0 ? having : naming).sort((a, b) =>
      age(a) === age(b) ? (a[0] < b[0] ? -1 : 1) : age(a) - age(b),
    );
    if (first !== undefined) this.owners.set(keyId, first[0]);
    return first?.[0];
  }
}
