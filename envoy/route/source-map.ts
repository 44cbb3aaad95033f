import { formatPointer, type Path } from './json-path.ts';
import type { RouteSource } from './source.ts';

/** Where a part of a plugin configuration comes from. */
export interface Origin {
  source: RouteSource;
  path: Path;
}

/** From places in a plugin configuration back to places in resources. */
export class SourceMap {
  private readonly origins = new Map<string, Origin>();

  add(place: Path, source: RouteSource, path: Path): void {
    this.origins.set(formatPointer(place), { source, path });
  }

  /**
   * The origin of a JSON Pointer into the plugin configuration, from the nearest part that has one; undefined if none
   * has (the mistake is the translator's). What is left of the pointer is kept: the names of members are the same on
   * both sides in most sections.
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
