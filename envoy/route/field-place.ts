/** One step of a field path: a member's name, an item's number, or `*` for all. */
type Step = { name: string } | { index: number } | { any: true };

const STEP = /\.\*|\.([^.[]+)|\['([^']+)'\]|\[\*\]|\[(\d+)\]/gy;
const BARE = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** Steps of a path that fits the schema. */
export function fieldSteps(path: string): Step[] {
  return [...path.slice(1).matchAll(STEP)].map(([, bare, quoted, index]) => {
    const name = bare ?? quoted;
    if (name !== undefined) return { name };
    return index === undefined ? { any: true } : { index: Number(index) };
  });
}

/** Canonical spelling of a field path: `$.a`, `$['a']` and the name `a` become equal. */
export function canonicalFieldPath(path: string): string {
  return `$${fieldSteps(path)
    .map((step) => ('name' in step ? memberStep(step.name) : 'index' in step ? `[${step.index}]` : '[*]'))
    .join('')}`;
}

/** Path of a top-level member. */
export function topLevelPath(name: string): string {
  return `$${memberStep(name)}`;
}

/** Absolute path of a path that is relative to `root`. */
export function underRoot(root: string, path: string): string {
  return root + path.slice(1);
}

function memberStep(name: string): string {
  return BARE.test(name) ? `.${name}` : `['${name}']`;
}

/** Canonical spelling of any place that rules may name: a field of the body, a parameter, a header. */
export function placeOf(field: { name?: string; path?: string; in?: string }): string {
  if (field.in === 'Query') return `?${field.name ?? ''}`;
  if (field.in === 'Header') return `:${(field.name ?? '').toLowerCase()}`;
  return field.path === undefined ? topLevelPath(field.name ?? '') : canonicalFieldPath(field.path);
}

/**
 * Whether the two sides of a rule between fields can be paired: the right path up to its last wildcard is a prefix of
 * the left path. Items of a sum may not have wildcards of their own.
 */
export function fitsTogether(left: string, right: string, sums: boolean): boolean {
  const steps = fieldSteps(left);
  const other = fieldSteps(right);
  const shared = other.findLastIndex((step) => 'any' in step) + 1;
  const wild = steps.findLastIndex((step) => 'any' in step) + 1;
  return (
    (sums || wild >= shared) &&
    other.slice(0, shared).every((step, index) => JSON.stringify(step) === JSON.stringify(steps[index]))
  );
}
