// Key ids of a route, from exactly the places that the schema marks.
import { KEY_ID_PLACES } from './financial-route.gen.ts';
import type { RouteResource } from './resource.ts';
import type { Sections } from './sections.ts';

type Holder = Record<string, unknown>;

type Keyed = Pick<RouteResource, 'sections' | 'spec'>;

/**
 * Calls `meet` for every member that is a key id. `section.rest` as in the schema, wherever the section was written:
 * `tls`, which is no stage's, stands in the spec alone.
 */
function visit({ sections, spec }: Keyed, meet: (holder: Holder, member: string) => void): void {
  for (const [section = '', ...steps] of KEY_ID_PLACES) {
    const last = steps.at(-1) ?? '';
    let holders: unknown[] = [section === 'tls' ? spec.tls : sections[section as keyof Sections]?.value];
    for (const step of steps.slice(0, -1))
      holders = holders.flatMap((holder) =>
        step === '*' ? (Array.isArray(holder) ? holder : []) : [(holder as Holder | undefined)?.[step]],
      );
    for (const holder of holders)
      if (typeof (holder as Holder | undefined)?.[last] === 'string') meet(holder as Holder, last);
  }
}

/** Ids of the keys that a checked route names, each once. */
export function keyIdsOf(route: Keyed): string[] {
  const found = new Set<string>();
  visit(route, (holder, member) => found.add(holder[member] as string));
  return [...found];
}

/** Ids of the keys that a route names in sections of its own, and not in those of baselines. */
export function ownKeyIdsOf(route: Keyed & Pick<RouteResource, 'origins'>): string[] {
  return keyIdsOf(ownParts(route));
}

function ownParts({ sections, spec, origins }: Keyed & Pick<RouteResource, 'origins'>): Keyed {
  const own = Object.entries(sections).filter(([name]) => origins?.has(name) !== true);
  const { tls, ...rest } = spec;
  return {
    sections: Object.fromEntries(own),
    spec: tls === undefined || origins?.has('tls') === true ? rest : { ...rest, tls },
  };
}

/** Replaces the key ids of a route's own sections. */
export function replaceKeyIds(route: Keyed & Pick<RouteResource, 'origins'>, other: (keyId: string) => string): void {
  visit(ownParts(route), (holder, member) => {
    holder[member] = other(holder[member] as string);
  });
}
