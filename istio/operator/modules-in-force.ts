// Modules that the operator's objects name. A proxy that starts fetches the one that its object names, which after an
// upgrade may be that of an earlier release. Asking for each of them tells the module server what to keep, and the
// routes if it lacks one or has something else in its place.
import { MAX_MODULES_IN_FORCE, MODULE_ANSWER_MS } from '../limits.ts';
import type { KubeObject } from './kube/objects.ts';
import { MODULE_NAME, notServed } from './module-source.ts';
import { MODULE_ANNOTATION } from './plan/applied.ts';
import type { ModuleProblem } from './plan/route-facts.ts';

/** SHA-256 of the modules that objects name. */
export function namedModules(objects: Iterable<KubeObject>): string[] {
  const named = new Set<string>();
  for (const { metadata } of objects) {
    const sha256 = metadata.annotations?.[MODULE_ANNOTATION] ?? '';
    if (/^[0-9a-f]{64}$/.test(sha256)) named.add(sha256);
    if (named.size >= MAX_MODULES_IN_FORCE) break;
  }
  return [...named].sort();
}

export class ModulesInForce {
  private readonly urlTemplate: string;
  private readonly check: boolean;
  private askedAt = -Infinity;
  private asked = '';
  /** Problem of each that proxies cannot have, by SHA-256. */
  private missing = new Map<string, string>();

  /** Without `check`, and for an OCI registry, nothing is asked. */
  constructor({ urlTemplate, check }: { urlTemplate: string; check: boolean }) {
    this.urlTemplate = urlTemplate;
    // One address for all would answer for none of them.
    this.check = check && /^https?:.*\{sha256\}/.test(urlTemplate);
  }

  /**
   * Asks for modules, at most once in MODULE_ANSWER_MS if all were there. True if other ones are missing than before.
   * Never throws.
   */
  async refresh(named: readonly string[]): Promise<boolean> {
    const isSame = this.asked === named.join();
    if (!this.check || (isSame && this.missing.size === 0 && performance.now() - this.askedAt < MODULE_ANSWER_MS))
      return false;
    const before = [...this.missing.keys()].join();
    const answers = await Promise.all(named.map(async (sha256) => [sha256, await this.lack(sha256)] as const));
    this.missing = new Map(answers.flatMap(([sha256, lack]) => (lack === undefined ? [] : [[sha256, lack]])));
    this.askedAt = performance.now();
    this.asked = named.join();
    return before !== [...this.missing.keys()].join();
  }

  /** Problem of an object that names a module which is not served. */
  problemOf(object: KubeObject | undefined): ModuleProblem | undefined {
    const lack = this.missing.get(object?.metadata.annotations?.[MODULE_ANNOTATION] ?? '');
    return lack === undefined
      ? undefined
      : {
          reason: 'ModuleNotFound',
          message: `${lack} The configuration in force names it: proxies that run it go on, those that start do not get it.`,
        };
  }

  /**
   * Tells what a server that answers lacks: the module, or its content under the module's address. A silent server says
   * nothing.
   */
  private async lack(sha256: string): Promise<string | undefined> {
    const url = this.urlTemplate.replaceAll('{sha256}', sha256).replaceAll('{name}', MODULE_NAME);
    const problem = await notServed(url, sha256);
    return problem?.reason === 'ModuleNotFound' ? problem.message : undefined;
  }
}
