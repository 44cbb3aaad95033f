import { formatPointer, type Path } from './json-path.ts';
import type { RouteSource } from './source.ts';

/** Origin of a part of a plugin configuration. */
export interface Origin {
  source: RouteSource;
  path: Path;
}

/** Maps places in a plugin configuration back to places in resources. */
export class SourceMap {
  private readonly origins = new Map<string, Origin>();

  add(place: Path, source: RouteSource, path: Path): void {
    this.origins.set(formatPointer(place), { source, path });
  }

  /**
   * Origin of a JSON Pointer into the plugin configuration, from the nearest part that has one. Undefined if none has:
   * the translator is then at fault. The rest of the pointer is kept, since member names are mostly the same on both
   * sides.
   */
  find(pointer: string): Origin | undefined {
    const steps = pointer
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    for (let length = steps.length; length > 0; length--) {
      const origin = this.origins.get(formatPointer(steps.slice(0, length)));
      if (origin === undefined) continue;
      const rest = steps.slice(length).map((step) => (/^\d+$/.test(step) ? Number(step) : step));
      return { source: origin.source, path: [...origin.path, ...rest] };
    }
    return undefined;
  }
}
