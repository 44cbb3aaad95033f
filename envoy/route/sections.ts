// What a resource asks of each stage, wherever it says so.
import type {
  RouteEncryption,
  RouteMasking,
  RouteRateLimit,
  RouteSignature,
  RouteValidation,
} from './financial-route.gen.ts';
import type { Path } from './json-path.ts';

/** A stage's section of a spec, wherever it was written. */
export interface Section<T> {
  value: T;
  /** `spec.<section>`, or `spec.wasm.config` in the short form. */
  path: Path;
}

/** The stages' sections, with defaults. */
export interface Sections {
  rateLimit?: Section<RouteRateLimit>;
  validation?: Section<RouteValidation>;
  masking?: Section<RouteMasking>;
  encryption?: Section<RouteEncryption>;
  signature?: Section<RouteSignature>;
}
