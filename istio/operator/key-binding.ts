// Permission of namespaces to use keys. Tenants name keys and the platform decides who owns them. A key without such a
// decision belongs to one namespace.

/**
 * `claimed`: an unbound key belongs to the namespace that has it in force, else to the one with the oldest route that
 * names it. `strict`: an unbound key belongs to the namespace that its first part names, and to no other. `off`: every
 * namespace may use every key.
 */
export const BINDING_MODES = ['claimed', 'strict', 'off'] as const;
export type BindingMode = (typeof BINDING_MODES)[number];

/** Keys below a path, and the namespaces that may use them. */
export interface BoundKeys {
  /** Path without `kms://`, such as `prod/fund`. */
  prefix: string;
  namespaces: readonly string[];
}

const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Reads `prod/fund=fund,fund-test prod/pay=pay`. Undefined if the text has another form. */
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
 * Id that replaces a key which the namespace may not use. No key has this id, so messages are refused and none passes
 * unprotected. Only the namespace itself could own a key of that name.
 */
export function deniedKey(namespace: string): string {
  return `kms://${namespace}/fim.not-permitted`;
}

/** Keys that a namespace names or has in force. */
export interface NamespaceKeys {
  /** Creation time of the oldest route that names a key, milliseconds since 1970, by key id. */
  wanted: ReadonlyMap<string, number>;
  inForce: ReadonlySet<string>;
}

/** `waiting`: some namespaces have not been examined yet. */
export type Permission = 'permitted' | 'denied' | 'waiting';

export class KeyBinding {
  private readonly mode: BindingMode;
  private readonly bound: readonly BoundKeys[];
  private readonly namespaces = new Map<string, NamespaceKeys>();
  private readonly owners = new Map<string, string>();
  private readonly seen = new Set<string>();
  private isWhole = false;
  /** Keys that the platform's baselines name. They are nobody's to claim. */
  reserved: ReadonlySet<string> = new Set();
  /** Keys of the platform's own certificates, as little. */
  ofCertificates: ReadonlySet<string> = new Set();

  constructor(mode: BindingMode, bound: readonly BoundKeys[]) {
    this.mode = mode;
    this.bound = bound;
  }

  /**
   * Notes the keys of a namespace. Returns the namespaces whose permissions may have changed. `all`: namespaces that
   * have routes.
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

  /** Skips a namespace that cannot be examined, so that the others do not wait for it. */
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
    if (this.mode === 'strict' || this.reserved.has(keyId) || this.ofCertificates.has(keyId)) return 'denied';
    const owner = this.ownerOf(keyId);
    return owner === undefined ? 'waiting' : owner === namespace ? 'permitted' : 'denied';
  }

  /** Namespace that owns an unbound key. It keeps the key for as long as it names it. */
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
