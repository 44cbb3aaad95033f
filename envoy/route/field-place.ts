/** One step of a field path: a member's name, an item's number, or `*` for all. */
type Step = { name: string } | { index: number } | { any: true };

const STEP = /\.\*|\.([^.[]+)|\['([^']+)'\]|\[\*\]|\[(\d+)\]/gy;
const BARE = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** The steps of a path that fits the schema. */
export function fieldSteps(path: string): Step[] {
  return [...path.slice(1).matchAll(STEP)].map(([, bare, quoted, index]) => {
    const name = bare ?? quoted;
    if (name !== undefined) return { name };
    return index === undefined ? { any: true } : { index: Number(index) };
  });
}

/** One spelling for each place, so that `$.a`, `$['a']` and the name `a` compare equal. */
export function canonicalFieldPath(path: string): string {
  return `$${fieldSteps(path).map((step) => ('name' in step ? memberStep(step.name) : 'index' in step ? `[${step.index}]` : '[*]')).join('')}`;
}

/** The path of a top-level member. */
export function topLevelPath(name: string): string {
  return `$${memberStep(name)}`;
}

function memberStep(name: string): string {
  return BARE.test(name) ? `.${name}` : `['${name}']`;
}
