import type { PluginConfig } from '../route/index.ts';
import { canonicalJson } from '../route/index.ts';
import type { FilterSlot } from './layout.ts';
import { WASM_FILTER } from './discovered-filter.ts';
import type { EnvoyObject } from './envoy-object.ts';
import { dividedFilter } from './variants.ts';
import type { Division } from './variants.ts';

/**
 * Id of the shared data (the buckets of limits). It never changes, so that limits survive policy edits and module
 * updates.
 */
const VM_ID = 'fim';
/** Envoy's back-off for a VM that died, so that a request that kills it cannot cause constant reloads. */
export const RELOAD_BACKOFF = '0.1s';

/**
 * One Wasm filter as Envoy's typed configuration. `name`: of the filter. `code`: location of the module. `restriction`:
 * further members of the plugin. `machine`: further members of its VM.
 */
export function wasmFilter(
  name: string,
  code: EnvoyObject,
  config: PluginConfig,
  restriction: EnvoyObject = {},
  machine: EnvoyObject = {},
): EnvoyObject {
  const plugin = {
    name,
    root_id: name,
    failure_policy: 'FAIL_RELOAD',
    reload_config: { backoff: { base_interval: RELOAD_BACKOFF } },
    // Without it Envoy sends headers upstream before the body is judged.
    allow_on_headers_stop_iteration: true,
    ...restriction,
    vm_config: { vm_id: VM_ID, runtime: 'envoy.wasm.runtime.v8', code, ...machine },
    configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: canonicalJson(config) },
  };
  return { '@type': WASM_FILTER, config: plugin };
}

/** Second configuration that runs in a filter beside its own, for some requests. */
export interface CanaryPlugin {
  /** Absolute path of the module. */
  moduleFile: string;
  config: PluginConfig;
  division: Division;
}

/**
 * Name of the canary's plugin. Modules retire earlier configurations of a plugin by its name, and Envoy counts by it the
 * machines that die.
 */
export function canaryName(filter: string): string {
  return `${filter}.canary`;
}

/**
 * The canary's filter. The configuration of its VM makes it another VM than the stable one's, also with the same code,
 * so that what kills it touches no other; the id, and with it shared data such as the buckets of limits, is the same.
 */
function canaryFilter(filter: string, { moduleFile, config }: CanaryPlugin): EnvoyObject {
  const name = canaryName(filter);
  return wasmFilter(
    name,
    { local: { filename: moduleFile } },
    config,
    {},
    {
      configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'canary' },
    },
  );
}

/**
 * Extension configuration of one filter as a file of discovered resources. `moduleFile` is an absolute path that
 * changes with the module's content. Envoy makes a new VM for new code and keeps the existing one, with its keys, for
 * the same code.
 */
export function pluginResource(
  slot: FilterSlot,
  moduleFile: string,
  config: PluginConfig,
  canary?: CanaryPlugin,
): EnvoyObject {
  const stable = wasmFilter(slot.filter, { local: { filename: moduleFile } }, config);
  return {
    version_info: String(config.generation ?? 0),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
        name: slot.filter,
        typed_config:
          canary === undefined ? stable : dividedFilter(canary.division, stable, canaryFilter(slot.filter, canary)),
      },
    ],
  };
}
