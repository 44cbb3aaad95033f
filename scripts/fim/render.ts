import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { loadPolicy } from '../../envoy/standalone/policy-loader.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { bootstrapConfig, filterSlots, pluginResource, routeResource } from '../../envoy/xds/index.ts';
import type { KmsSettingFlags } from './kms-options.ts';
import { readSettingFlags } from './kms-options.ts';
import { readLayout } from './options.ts';
import { ROOT } from './project.ts';
import { describe } from './transcript.ts';

/** Placeholders for values that are decided when the proxy starts. */
const LISTEN = { host: '127.0.0.1', port: 10000 };
const ADMIN = { host: '127.0.0.1', port: 9901 };
const UPSTREAM = new URL('http://127.0.0.1:8080');
const KMS = new URL('http://127.0.0.1:8200');

/** The flags of `fim render`, as commander gives them. */
export interface RenderFlags extends KmsSettingFlags {
  for: string;
  modules: string;
  json?: boolean;
  moduleUrl?: string;
  kms?: string;
}

/**
 * `fim render`: prints the bootstrap and the discovered files of Envoy, or the objects of a mesh, as YAML documents.
 * Returns the exit status: 0, or 1 if the routes are invalid.
 */
export async function render(files: string[], options: RenderFlags): Promise<number> {
  if (options.for === 'istio') return (await import('./render-istio.ts')).renderIstio(files, options);
  if (options.for !== 'envoy') throw new CodedError('FIM-UP-0020', `--for ${options.for} is neither envoy nor istio`);
  const layout = readLayout(options.modules);
  const { policy, problems } = await loadPolicy(files, layout, { kms: readSettingFlags(options) });
  if (!policy) {
    for (const problem of problems) process.stderr.write(`${describe(problem)}\n`);
    return 1;
  }
  const slots = filterSlots(layout);
  const configs = policy.configs.map((config) => ({ ...config, generation: 1 }));
  const documents: [file: string, content: EnvoyObject][] = [
    [
      'envoy.json',
      bootstrapConfig({
        ...LISTEN,
        admin: ADMIN,
        upstream: UPSTREAM,
        kms: KMS,
        slots,
        pluginFile: (slot) => `discovered/${slot.filter}.json`,
        routesFile: 'discovered/routes.json',
      }),
    ],
    ['discovered/routes.json', routeResource(configs[0]!)],
    ...slots.map((slot, index): [string, EnvoyObject] => [
      `discovered/${slot.filter}.json`,
      pluginResource(slot, moduleFile(slot.module), configs[index]!),
    ]),
  ];
  if (options.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(documents), null, 2)}\n`);
  else
    for (const [file, content] of documents)
      process.stdout.write(`---\n# ${file}\n${stringify(content, { lineWidth: 0 })}`);
  return 0;
}

/** Module path as the proxy would load it. */
function moduleFile(name: string): string {
  const path = join(ROOT, 'build', `${name}.wasm`);
  return `modules/${existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'SHA256'}.wasm`;
}
