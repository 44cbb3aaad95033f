// Key ids of a route, from exactly the places that the schema marks.
import { KEY_ID_PLACES } from './financial-route.gen.ts';
import type { RouteResource } from './resource.ts';
import type { Sections } from './sections.ts';

type Holder = Record<string, unknown>;

/**
 * Calls `meet` for every member that is a key id. `section.rest` as in the schema, wherever the section was written.
 */
function visit(sections: Sections, meet: (holder: Holder, member: string) => void): void {
  for (const [section = '', ...steps] of KEY_ID_PLACES) {
    const last = steps.at(-1) ?? '';
    let holders: unknown[] = [sections[section as keyof Sections]?.value];
    for (const step of steps.slice(0, -1))
      holders = holders.flatMap((holder) =>
        step === '*' ? (Array.isArray(holder) ? holder : []) : [(holder as Holder | undefined)?.[step]],
      );
    for (const holder of holders)
      if (typeof (holder as Holder | undefined)?.[last] === 'string') meet(holder as Holder, last);
  }
}

/** Ids of the keys that a checked route names, each once. */
export function keyIdsOf({ sections }: Pick<RouteResource, 'sections'>): string[] {
  const found = new Set<string>();
  visit(sections, (holder, member) => found.add(holder[member] as string));
  return [...found];
}

/** Replaces the key ids of a route. */
export function replaceKeyIds({ sections }: Pick<RouteResource, 'sections'>, other: (keyId: string) => string): void {
  visit(sections, (holder, member) => {
    holder[member] = other(holder[member] as string);
  });
}
