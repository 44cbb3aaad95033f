// Module that proxies are told to run: the operator's file, once a server offers it to the proxies.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createVm, exchange, loadModule, type LoadedModule } from '../../envoy/host/index.ts';
import { examine } from '../../envoy/release/index.ts';
import { PLUGIN_CONFIG_VERSION, translate } from '../../envoy/route/index.ts';
import { MAX_MODULE_BYTES, MODULE_ANSWER_MS, PROBE_TIMEOUT_MS } from '../limits.ts';
import type { Examine } from './plan/build.ts';
import type { ModuleReference } from './plan/envoy-filter.ts';
import type { ModuleProblem } from './plan/route-facts.ts';
import { SEAL_STATE } from './plan/seal.ts';

/** Name of the module that holds all stages. */
export const MODULE_NAME = 'fim';

/** A module that proxies can fetch. */
export interface ServableModule {
  reference: ModuleReference;
  examine: Examine;
  /**
   * Whether it stamps the requests that it lets pass. A seal behind a module that does not would refuse all of them.
   */
  stamps: boolean;
}

/** Functions that a module imports and exports. Envoy allows these and no others. */
export function capabilitiesOf(module: LoadedModule): string[] {
  const imports = WebAssembly.Module.imports(module.compiled).map((entry) => entry.name);
  return [...new Set([...imports, ...[...module.exports].filter((name) => name.startsWith('proxy_'))])].sort();
}

/**
 * Reference of a module by a template. `{sha256}` and `{name}` are replaced. For an OCI image the digest in the
 * template counts.
 */
export function referenceOf(template: string, module: LoadedModule, name = MODULE_NAME): ModuleReference {
  const url = template.replaceAll('{sha256}', module.sha256).replaceAll('{name}', name);
  const digest = url.startsWith('oci://') ? /@sha256:([0-9a-f]{64})$/.exec(url)?.[1] : undefined;
  return { url, sha256: digest ?? module.sha256, capabilities: capabilitiesOf(module) };
}

/** The module with its own check of configurations. Repeated checks of one text are cached. */
export function servable(module: LoadedModule, template: string, name = MODULE_NAME): ServableModule {
  const accepted = new Set<string>();
  const examineOnce: Examine = (json) => {
    const digest = createHash('sha256').update(json).digest('hex');
    if (accepted.has(digest)) return undefined;
    const refusal = examine(module, json);
    if (refusal !== undefined) return refusal;
    if (accepted.size > 10_000) accepted.clear();
    accepted.add(digest);
    return undefined;
  };
  const stamps = name === MODULE_NAME && stampsRequests(module);
  return { reference: referenceOf(template, module, name), examine: examineOnce, stamps };
}

/** Tests the module itself with a request that no route concerns. */
function stampsRequests(module: LoadedModule): boolean {
  try {
    const vm = createVm(module, { vmId: 'stamp', failurePolicy: 'FAIL_CLOSED' });
    const { accepted, root } = vm.configure(translate([], { layout: 'fused' }).pluginConfigs[0]?.json ?? '');
    return accepted && exchange(root, { request: {} }).stream.filterState.has(SEAL_STATE);
  } catch {
    return false;
  }
}

export interface ModuleSourceOptions {
  /** Folder that holds `fim.wasm`. */
  folder: string;
  /** Template of the module's address; see `referenceOf`. */
  urlTemplate: string;
  /** Whether to verify that the module can be fetched. Not possible for OCI images. */
  check: boolean;
  /** Whether a seal stands behind the module. A module that does not stamp requests is then rejected. */
  sealed: boolean;
  /** Another module than that with all stages: its name, and a configuration that it has to take. */
  name?: string;
  trial?: string;
}

/** Watches the module file. A broken or unserved module is not adopted, and the previous one stays. */
export class ModuleSource {
  private readonly options: ModuleSourceOptions;
  private seen = '';
  private candidate: ServableModule | undefined;
  private checkedAt = -Infinity;
  current: ServableModule | undefined;
  /**
   * Reason why there is no module, why the file's module is not adopted, or why proxies cannot fetch the current one.
   */
  problem: ModuleProblem | undefined = {
    reason: 'ModuleServerSilent',
    message: 'The module has not been looked at yet.',
  };

  constructor(options: ModuleSourceOptions) {
    this.options = options;
  }

  /** Checks the file and its server. True if the current module has changed. Never throws. */
  async refresh(): Promise<boolean> {
    const before = this.current;
    try {
      await this.readFile();
      await this.adopt();
    } catch (error) {
      this.problem = {
        reason: 'ModuleNotFound',
        message: `The module cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
      };
    }
    return before !== this.current;
  }

  private async readFile(): Promise<void> {
    const path = join(this.options.folder, `${this.options.name ?? MODULE_NAME}.wasm`);
    const { mtimeMs, size, ino } = await stat(path);
    const identity = `${mtimeMs} ${size} ${ino}`;
    if (identity === this.seen) return;
    const module = loadModule(await readFile(path));
    this.candidate = servable(module, this.options.urlTemplate, this.options.name);
    this.seen = identity;
    this.checkedAt = -Infinity;
  }

  private async adopt(): Promise<void> {
    const { candidate } = this;
    if (candidate === undefined) return;
    const isNew = candidate.reference.sha256 !== this.current?.reference.sha256;
    // An unserved module is checked every time, because proxies may wait for it.
    if (!isNew && this.problem === undefined && performance.now() - this.checkedAt < MODULE_ANSWER_MS) return;
    const problem =
      this.options.check && /^https?:/.test(candidate.reference.url)
        ? await notServed(candidate.reference.url, candidate.reference.sha256)
        : undefined;
    this.checkedAt = performance.now();
    this.problem = problem ?? (isNew ? unfit(candidate, this.options) : undefined);
    if (this.problem === undefined && isNew) this.current = candidate;
  }
}

/**
 * Problem of a module that refuses configurations of this operator's major version. Such a module never replaces one
 * that accepts them.
 */
function unfit({ examine, stamps }: ServableModule, { sealed, trial }: ModuleSourceOptions): ModuleProblem | undefined {
  if (sealed && !stamps)
    return {
      reason: 'ModuleNotFound',
      message:
        'The module does not stamp the requests that it lets go on, which the seal behind it would refuse (--seal off does without).',
    };
  const refusal = examine(trial ?? translate([], { layout: 'fused' }).pluginConfigs[0]?.json ?? '');
  return refusal === undefined
    ? undefined
    : {
        reason: 'ModuleNotFound',
        message: `The module refuses configurations of version ${PLUGIN_CONFIG_VERSION} (${refusal.code}).`,
      };
}

/** Fetches the module as a proxy would and compares the content. A server that answers may still lack the module. */
export async function notServed(url: string, sha256: string): Promise<ModuleProblem | undefined> {
  const found = createHash('sha256');
  let bytes = 0;
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    if (!answer.ok) {
      await answer.body?.cancel();
      return {
        reason: answer.status < 500 ? 'ModuleNotFound' : 'ModuleServerSilent',
        message: `${url} answers ${answer.status}: the module is not served.`,
      };
    }
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_MODULE_BYTES) break;
      found.update(chunk);
    }
  } catch {
    return {
      reason: 'ModuleServerSilent',
      message: `${url} does not answer: whether the module is served is not known.`,
    };
  }
  return found.digest('hex') === sha256
    ? undefined
    : { reason: 'ModuleNotFound', message: `${url} answers with another module than it is asked for.` };
}
