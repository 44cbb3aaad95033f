// Differences between two sets of resources, for people who decide on a change: by resource and place, with what becomes
// weaker said first. Short forms, defaults and the order of entries do not count.
import { canonicalJson } from './canonical-json.ts';
import { formatPath, type Path } from './json-path.ts';
import type { LoadResult } from './load.ts';
import type { RouteSource } from './source.ts';
import { isRecord } from './schema-check.ts';

/** `Weaker`: something passes, is seen or is sent that was not before. `Stricter`: the reverse. `Other`: it must be read. */
export type Effect = 'Weaker' | 'Stricter' | 'Other';

/** One difference. */
export interface Difference {
  kind: 'Added' | 'Removed' | 'Changed';
  effect: Effect;
  /** As `FinancialRoute default/pay`. */
  resource: string;
  /** JSONPath in the resource; entries of lists by what they are about. `$`: the resource as a whole. */
  path: string;
  /** Canonical JSON; absent where there is none. */
  from?: string;
  to?: string;
  /** Place in the file that has it: the new one, or the old one of what is removed. */
  file: string;
  line?: number;
}

/** A resource in the form in which two are compared. */
interface Comparable {
  name: string;
  content: Record<string, unknown>;
  source: RouteSource;
}

/** Members by which entries of a list are the same one. */
const IDENTITIES = ['name', 'path', 'header', 'parameter', 'cookie', 'kind', 'class', 'claim', 'value'];
/** Lists whose entries let something through: more of them is weaker. By section, and everywhere. */
const OPENING: Record<string, readonly string[]> = {
  masking: ['reveal', 'pass', 'except'],
  tls: ['trust', 'cipherSuites'],
  body: ['contentTypes'],
};
const OPENING_EVERYWHERE = new Set(['enum']);
/** Parts that protect: less of them is weaker. */
const PROTECTING = new Set([
  'validation',
  'fields',
  'rules',
  'rateLimit',
  'masking',
  'encryption',
  'signature',
  'audit',
  'tls',
  'resilience',
]);
/** Words from the weakest on, by the name of their member. */
const RANKS: Record<string, readonly string[]> = {
  enforcement: ['Observe', 'Enforce'],
  request: ['None', 'Verify', 'Decrypt', 'Encrypt', 'Sign'],
  response: ['None', 'Verify', 'Decrypt', 'Encrypt', 'Sign'],
  clientAuth: ['None', 'Optional', 'Required'],
  onStoreFailure: ['Allow', 'Local', 'Deny'],
  onFull: ['Drop', 'Block', 'Deny'],
  revocationFallback: ['Accept', 'LastGood', 'Refuse'],
  mode: ['Async', 'Sync'],
};
/** Members of which true is the stricter value, and those of which it is the weaker one. */
const STRICT_WHEN_TRUE = new Set(['required', 'tagDictionary']);
const WEAK_WHEN_TRUE = new Set(['observe', 'inventory']);
/** Numbers of which more is weaker, and those of which less is. */
const WEAK_WHEN_MORE = new Set([
  'requests',
  'burst',
  'maxLength',
  'keepFirst',
  'keepLast',
  'degradedAfter',
  'openErrorRate',
]);
const WEAK_WHEN_LESS = new Set(['minLength']);

/** Differences between loaded resources, the weaker ones first. */
export function differences(before: LoadResult, after: LoadResult): Difference[] {
  const [old, next] = [comparable(before), comparable(after)];
  const found: Difference[] = [];
  for (const name of [...new Set([...old.keys(), ...next.keys()])].sort()) {
    const [from, to] = [old.get(name), next.get(name)];
    new Comparison(name, from, to, found).compare([], from?.content, to?.content);
  }
  const rank: Record<Effect, number> = { Weaker: 0, Other: 1, Stricter: 2 };
  return found.toSorted((a, b) => rank[a.effect] - rank[b.effect]);
}

function comparable({ resources, profiles, baselines }: LoadResult): Map<string, Comparable> {
  const all: Comparable[] = [
    ...resources.map(({ key, spec, sections, source }) => {
      const { wasm: _short, ...rest } = spec;
      const own = Object.fromEntries(Object.entries(sections).map(([name, section]) => [name, section?.value]));
      return { name: `FinancialRoute ${key}`, content: { spec: { ...rest, ...own } }, source };
    }),
    ...profiles.map(({ key, spec, source }) => ({ name: `ValidationProfile ${key}`, content: { spec }, source })),
    ...baselines.map(({ name, spec, source }) => ({ name: `FinancialBaseline ${name}`, content: { spec }, source })),
  ];
  return new Map(all.map((one) => [one.name, one]));
}

class Comparison {
  private readonly resource: string;
  private readonly from: Comparable | undefined;
  private readonly to: Comparable | undefined;
  private readonly found: Difference[];

  constructor(resource: string, from: Comparable | undefined, to: Comparable | undefined, found: Difference[]) {
    this.resource = resource;
    this.from = from;
    this.to = to;
    this.found = found;
  }

  /** `place`: in the text of the new resource, or of the old one, if the names of entries differ from their numbers. */
  compare(path: Path, from: unknown, to: unknown, place: Path = path): void {
    if (canonicalJson(from ?? null) === canonicalJson(to ?? null) && (from === undefined) === (to === undefined))
      return;
    if (isRecord(from) && isRecord(to)) {
      for (const name of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort())
        this.compare([...path, name], from[name], to[name], [...place, name]);
    } else if (Array.isArray(from) && Array.isArray(to)) this.compareLists(path, from, to, place);
    else this.tell(path, from, to, place);
  }

  private compareLists(path: Path, from: readonly unknown[], to: readonly unknown[], place: Path): void {
    const [old, next] = [named(from), named(to)];
    for (const name of new Set([...old.keys(), ...next.keys()])) {
      const [was, is] = [old.get(name), next.get(name)];
      this.compare([...path, name], was?.value, is?.value, [...place, is?.index ?? was!.index]);
    }
    const order = (list: Map<string, Entry>, other: Map<string, Entry>): string =>
      canonicalJson([...list.keys()].filter((name) => other.has(name)));
    if (isOrdered(path) && order(old, next) !== order(next, old))
      this.tell(path, [...old.keys()], [...next.keys()], place);
  }

  private tell(path: Path, from: unknown, to: unknown, place: Path): void {
    const written = to === undefined ? this.from : this.to;
    const line = written?.source.position(written.source.placeOf(place))?.line;
    const kind = from === undefined ? 'Added' : to === undefined ? 'Removed' : 'Changed';
    this.found.push({
      kind,
      effect: effectOf(path, from, to),
      resource: this.resource,
      path: formatPath(path),
      ...(from === undefined ? {} : { from: canonicalJson(from) }),
      ...(to === undefined ? {} : { to: canonicalJson(to) }),
      file: written?.source.file ?? '',
      ...(line === undefined ? {} : { line }),
    });
  }
}

interface Entry {
  value: unknown;
  index: number;
}

/** Entries of a list by what they are about. Equal ones are numbered. */
function named(list: readonly unknown[]): Map<string, Entry> {
  const found = new Map<string, Entry>();
  for (const [index, value] of list.entries()) {
    const member = isRecord(value) ? IDENTITIES.find((name) => typeof value[name] === 'string') : undefined;
    const base = member === undefined ? canonicalJson(value) : String((value as Record<string, unknown>)[member]);
    let name = base;
    for (let number = 2; found.has(name); number++) name = `${base} (${number})`;
    found.set(name, { value, index });
  }
  return found;
}

/** Lists whose order has a meaning. */
function isOrdered(path: Path): boolean {
  return ['channels', 'cipherSuites', 'headers', 'template', 'steps'].includes(String(path.at(-1)));
}

function effectOf(path: Path, from: unknown, to: unknown): Effect {
  const member = String(path.at(-1) ?? '');
  if (typeof from === 'string' && typeof to === 'string') {
    const ranks = RANKS[member] ?? [];
    const [was, is] = [ranks.indexOf(from), ranks.indexOf(to)];
    if (was >= 0 && is >= 0) return is < was ? 'Weaker' : 'Stricter';
  }
  const flag = STRICT_WHEN_TRUE.has(member) ? 1 : WEAK_WHEN_TRUE.has(member) ? -1 : 0;
  if (flag !== 0 && (typeof from === 'boolean' || typeof to === 'boolean'))
    return (Number(to ?? false) - Number(from ?? false)) * flag < 0 ? 'Weaker' : 'Stricter';
  if (typeof from === 'number' && typeof to === 'number') {
    const sign = WEAK_WHEN_MORE.has(member) ? 1 : WEAK_WHEN_LESS.has(member) ? -1 : 0;
    if (sign !== 0) return (to - from) * sign > 0 ? 'Weaker' : 'Stricter';
  }
  if ((from !== undefined && to !== undefined) || path[1] === 'canary') return 'Other';
  const isLess = to === undefined;
  if (opens(path)) return isLess ? 'Stricter' : 'Weaker';
  const protects = path.length === 0 || path.some((step) => PROTECTING.has(String(step)));
  if (!protects) return 'Other';
  return isLess ? 'Weaker' : 'Stricter';
}

function opens(path: Path): boolean {
  return path.some(
    (step, n) =>
      OPENING_EVERYWHERE.has(String(step)) || (n > 0 && OPENING[String(path[n - 1])]?.includes(String(step)) === true),
  );
}
