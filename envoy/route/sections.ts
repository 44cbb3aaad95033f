import type { RouteSpec } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';

/** A stage's section of a spec, in whichever form it was written. */
export interface Section<T> {
  value: T;
  /** `spec.<section>`, or `spec.wasm.config` in the short form. */
  path: Path;
}

/** The stages' sections, by their names in the spec, with defaults. */
export type Sections = { [Name in keyof RouteSpec]?: Section<NonNullable<RouteSpec[Name]>> };
