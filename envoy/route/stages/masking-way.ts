// Ways in which values are hidden: which settings go with which method, and the plugin's form of them.
import type { MaskingWay } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { KeyAlgorithm } from '../key-algorithm.ts';
import type { MaskAlgorithm, MaskField, MaskMethod } from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';

/** A field, or a kind of the dictionary. */
type Way = Partial<MaskingWay>;
type Setting = Exclude<keyof MaskingWay, 'kind' | 'method' | 'char'>;

/** Settings of each method: those that it takes, and those that it needs. */
const SETTINGS: Record<MaskMethod, { takes?: Setting[]; needs?: Setting[] }> = {
  ByKind: { takes: ['style', 'keepFirst', 'keepLast'] },
  Full: {},
  KeepFirstLast: { takes: ['style', 'keepFirst', 'keepLast'] },
  KeepRange: { needs: ['from', 'to'] },
  HideRange: { needs: ['from', 'to'] },
  HideBefore: { needs: ['separator'] },
  HideAfter: { needs: ['separator'] },
  Remove: {},
  Replace: { needs: ['with'] },
  Null: {},
  Truncate: { needs: ['length'] },
  Hash: { takes: ['algorithm'], needs: ['keyId'] },
  Token: { takes: ['algorithm', 'deterministic'], needs: ['keyId'] },
  FormatPreserving: {
    takes: ['algorithm', 'tweak', 'alphabet', 'check', 'keepFirst', 'keepLast'],
    needs: ['keyId'],
  },
  Random: { takes: ['check'] },
  Date: { takes: ['precision'] },
  Round: { needs: ['step'] },
};

const ALGORITHMS: Partial<Record<MaskMethod, readonly MaskAlgorithm[]>> = {
  Hash: ['HMAC-SM3', 'HMAC-SHA-256'],
  Token: ['SM4-GCM', 'AES-256-GCM'],
  FormatPreserving: ['FF1-SM4', 'FF1-AES-256'],
};

const STYLES: Record<NonNullable<Way['style']>, { keepFirst: number; keepLast: number }> = {
  'Id-1-2': { keepFirst: 1, keepLast: 2 },
  'Id-3-4': { keepFirst: 3, keepLast: 4 },
  'Id-6-4': { keepFirst: 6, keepLast: 4 },
  'Card-6-4': { keepFirst: 6, keepLast: 4 },
  'Card-4': { keepFirst: 0, keepLast: 4 },
};

const ALL_SETTINGS: readonly Setting[] = [
  'style',
  'keepFirst',
  'keepLast',
  'from',
  'to',
  'separator',
  'with',
  'length',
  'precision',
  'step',
  'keyId',
  'algorithm',
  'deterministic',
  'tweak',
  'alphabet',
  'check',
];

/** Algorithm of the key behind a method's. */
export function keyAlgorithm(algorithm: MaskAlgorithm): KeyAlgorithm {
  if (algorithm === 'HMAC-SM3' || algorithm === 'HMAC-SHA-256') return algorithm;
  return algorithm === 'SM4-GCM' || algorithm === 'FF1-SM4' ? 'SM4' : 'AES-256';
}

/** Reports settings that do not go with the method, and those that it lacks. */
export function checkWay(way: Way, at: Path, report: Report): void {
  const method = way.method ?? 'ByKind';
  const { takes = [], needs = [] } = SETTINGS[method];
  for (const name of ALL_SETTINGS) {
    const isGiven = way[name] !== undefined && way[name] !== false;
    if (isGiven && !takes.includes(name) && !needs.includes(name))
      report('FIM-CFG-1041', [...at, method === 'Full' ? 'method' : name], complaint(method, name));
    if (!isGiven && needs.includes(name)) report('FIM-CFG-1041', [...at, 'method'], `${method} needs ${name}`);
  }
  checkKept(way, method, at, report);
  const known = ALGORITHMS[method];
  if (known !== undefined && way.algorithm !== undefined && !known.includes(way.algorithm))
    report('FIM-CFG-1041', [...at, 'algorithm'], `${method} takes ${known.join(', ')}`);
  if (way.from !== undefined && way.to !== undefined && way.from > way.to)
    report('FIM-CFG-1041', [...at, 'to'], 'it stands before from');
  if (way.check !== undefined && way.check !== 'None' && (way.keepLast ?? 0) > 0)
    report('FIM-CFG-1041', [...at, 'keepLast'], 'the check character is computed anew');
  if (way.check !== undefined && way.check !== 'None' && way.alphabet !== undefined && way.alphabet !== 'Digits')
    report('FIM-CFG-1041', [...at, 'alphabet'], 'a check character is that of digits');
}

function complaint(method: MaskMethod, name: string): string {
  return method === 'Full' && name.startsWith('keep') ? 'Full keeps nothing' : `${method} has no ${name}`;
}

/** The number of characters that stay must be said once, and by somebody. */
function checkKept(way: Way, method: MaskMethod, at: Path, report: Report): void {
  const { kind = 'Generic', style, keepFirst, keepLast } = way;
  const counted = keepFirst !== undefined || keepLast !== undefined;
  if (style !== undefined && counted)
    report('FIM-CFG-1041', [...at, 'style'], 'it says what keepFirst and keepLast say');
  const keeps = style !== undefined || counted;
  if (kind !== 'Generic') return;
  if (method === 'KeepFirstLast' && !keeps) report('FIM-CFG-1041', [...at, 'method'], 'how many are kept?');
  if (method === 'ByKind' && keeps)
    report(
      'FIM-CFG-1041',
      [...at, style !== undefined ? 'style' : keepFirst === undefined ? 'keepLast' : 'keepFirst'],
      'a Generic field is hidden whole unless method is KeepFirstLast',
    );
}

/** The plugin's form of a way, without a place. */
export function maskWay(way: Way): MaskField {
  const method = way.method ?? 'ByKind';
  const mask: MaskField = { kind: way.kind ?? 'Generic', method, char: way.char ?? '*' };
  const { keepFirst = way.keepFirst, keepLast = way.keepLast } = way.style === undefined ? {} : STYLES[way.style];
  if (keepFirst !== undefined) mask.keepFirst = keepFirst;
  if (keepLast !== undefined) mask.keepLast = keepLast;
  if (way.from !== undefined) mask.from = way.from;
  if (way.to !== undefined) mask.to = way.to;
  if (way.separator !== undefined) mask.separator = way.separator;
  if (way.with !== undefined) mask.with = way.with;
  if (way.length !== undefined) mask.length = way.length;
  if (way.precision !== undefined) mask.precision = way.precision;
  if (way.step !== undefined) mask.step = way.step;
  if (way.keyId !== undefined) mask.keyId = way.keyId;
  const algorithm = way.algorithm ?? ALGORITHMS[method]?.[0];
  if (algorithm !== undefined && method in ALGORITHMS) mask.algorithm = algorithm;
  if (way.deterministic === true) mask.deterministic = true;
  if (way.tweak !== undefined) mask.tweak = way.tweak;
  if (way.alphabet !== undefined) mask.alphabet = way.alphabet;
  if (way.check !== undefined) mask.check = way.check;
  return mask;
}
