// The canary of a route: its rules, and the route as the canary has it.
import { MAX_CANARY_INTERVAL_MS, MIN_CANARY_INTERVAL_MS } from '../limits.ts';
import { durationMs } from './duration.ts';
import type { RouteCanary, RouteSpec } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { Report } from './schema-check.ts';
import { isRecord } from './schema-check.ts';
import { stageOfModule } from './stages/table.ts';

/** Sections in which a canary may differ from its route. What decides whose requests they are is not among them. */
const MAY_DIFFER: ReadonlySet<string> = new Set([
  'enforcement',
  'body',
  'validation',
  'rateLimit',
  'masking',
  'encryption',
  'signature',
  'resilience',
  'wasm',
]);
/** Sections that can judge without effect, or say how bodies are read. */
const SHADOWED: ReadonlySet<string> = new Set(['body', 'validation']);
/** Header that tells upstreams the variant. */
export const VARIANT_HEADER = 'x-fim-variant';

const AT: Path = ['spec', 'canary'];

/** Reports what the schema cannot say of a canary. */
export function checkCanary({ canary }: RouteSpec, report: Report): void {
  if (canary === undefined) return;
  const { header, hash, steps, percent, spec, module, gates = {} } = canary;
  if (isShadow(canary)) checkShadow(canary, report);
  else if (header === undefined && hash === undefined) report('FIM-CFG-1110', AT, 'header or hash');
  if ((hash === undefined) !== (steps === undefined && percent === undefined))
    report('FIM-CFG-1110', AT, 'hash goes with percent or steps');
  if (steps !== undefined && percent !== undefined) report('FIM-CFG-1110', [...AT, 'percent'], 'percent or steps');
  if (spec === undefined && module === undefined) report('FIM-CFG-1110', AT, 'spec or module');
  if (steps?.some((step, index) => index > 0 && step <= steps[index - 1]!) === true)
    report('FIM-CFG-1110', [...AT, 'steps'], 'each step is larger than the one before');
  if (hash !== undefined && Object.values(hash).filter((member) => member !== false).length !== 1)
    report('FIM-CFG-1110', [...AT, 'hash'], 'exactly one of header, clientCertificate and sourceAddress');
  checkHeader(canary, report);
  for (const name of Object.keys(spec ?? {}))
    if (!MAY_DIFFER.has(name))
      report('FIM-CFG-1110', [...AT, 'spec', name], `only ${[...MAY_DIFFER].join(', ')} may differ`);
  const { interval = '30s' } = canary;
  const ms = durationMs(interval);
  if (ms < MIN_CANARY_INTERVAL_MS || ms > MAX_CANARY_INTERVAL_MS)
    report('FIM-CFG-1039', [...AT, 'interval'], 'from 1s to 24h');
  if (gates.p99 !== undefined && !gates.p99.startsWith('+') && durationMs(gates.p99) === 0)
    report('FIM-CFG-1112', [...AT, 'gates', 'p99'], 'from 1ms on');
}

/** Whether it judges without effect. */
export function isShadow({ mode }: RouteCanary): boolean {
  return mode === 'Shadow';
}

function checkShadow({ spec, module }: RouteCanary, report: Report): void {
  if (module !== undefined) report('FIM-CFG-1181', [...AT, 'module'], 'a shadow runs in the module in force');
  if (spec !== undefined && !Object.keys(spec).some((name) => SHADOWED.has(name)))
    report('FIM-CFG-1181', [...AT, 'spec']);
}

/** Reports parts of a shadow that judge nothing. */
export function warnOfShadow({ canary }: RouteSpec, report: Report): void {
  if (canary === undefined || !isShadow(canary)) return;
  for (const [name, section] of Object.entries(canary.spec ?? {})) {
    if (!SHADOWED.has(name)) report('FIM-CFG-1182', [...AT, 'spec', name], name);
    else if (isRecord(section) && section.mac !== undefined)
      report('FIM-CFG-1182', [...AT, 'spec', name, 'mac'], 'the authentication code needs a key');
  }
}

function checkHeader({ header }: RouteCanary, report: Report): void {
  if (header === undefined) return;
  const { clientCertificate, values, setBy, name } = header;
  if ((clientCertificate === undefined) === (setBy === undefined))
    report('FIM-CFG-1111', [...AT, 'header'], 'clientCertificate or setBy');
  if ((clientCertificate === undefined) !== (values === undefined))
    report('FIM-CFG-1111', [...AT, 'header'], 'clientCertificate goes with values');
  if (/^(x[-_]fim[-_].*|host|content-length|transfer-encoding|connection)$/i.test(name))
    report('FIM-CFG-1110', [...AT, 'header', 'name'], 'a header of the proxy or of HTTP itself');
}

/** The resource as the canary has it, and the sections that it takes from there. `value`: the resource as it was given. */
export function canaryResource(value: unknown): { value: unknown; sections: ReadonlySet<string> } {
  const given = isRecord(value) && isRecord(value.spec) ? value.spec : {};
  const { canary, ...spec } = given;
  const changes = isRecord(canary) && isRecord(canary.spec) ? canary.spec : {};
  const changed: Record<string, unknown> = { ...spec };
  // The short form stands for a section: one of the two counts.
  const short = isRecord(spec.wasm) ? stageOfModule(String(spec.wasm.module))?.section : undefined;
  if (short !== undefined && short in changes) delete changed.wasm;
  for (const [name, section] of Object.entries(changes)) {
    if (section === null) delete changed[name];
    else changed[name] = section;
  }
  return { value: { ...(value as object), spec: changed }, sections: new Set(Object.keys(changes)) };
}

/** Headers that no client may send where the route has such a canary, lower case. */
export function canaryHeaders({ header, variantHeader }: RouteCanary): string[] {
  return [
    ...(variantHeader === true ? [VARIANT_HEADER] : []),
    ...(header?.clientCertificate === undefined ? [] : [header.name.toLowerCase()]),
  ];
}
