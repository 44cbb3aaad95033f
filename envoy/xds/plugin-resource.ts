import type { PluginConfig } from '../route/index.ts';
import { canonicalJson } from '../route/index.ts';
import type { FilterSlot } from './layout.ts';
import { WASM_FILTER } from './discovered-filter.ts';
import type { EnvoyObject } from './envoy-object.ts';

/**
 * Id of the shared data (the buckets of limits). It never changes, so that limits survive policy edits and module
 * updates.
 */
const VM_ID = 'fim';
/** Envoy's back-off for a VM that died, so that a request that kills it cannot cause constant reloads. */
export const RELOAD_BACKOFF = '0.1s';

/**
 * One Wasm filter as Envoy's typed configuration. `name`: of the filter. `code`: location of the module. `restriction`:
 * further members of the plugin.
 */
export function wasmFilter(
  name: string,
  code: EnvoyObject,
  config: PluginConfig,
  restriction: EnvoyObject = {},
): EnvoyObject {
  const plugin = {
    name,
    root_id: name,
    failure_policy: 'FAIL_RELOAD',
    reload_config: { backoff: { base_interval: RELOAD_BACKOFF } },
    // Without it Envoy sends headers upstream before the body is judged.
    allow_on_headers_stop_iteration: true,
    ...restriction,
    vm_config: { vm_id: VM_ID, runtime: 'envoy.wasm.runtime.v8', code },
    configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: canonicalJson(config) },
  };
  return { '@type': WASM_FILTER, config: plugin };
}

/**
 * Extension configuration of one filter as a file of discovered resources. `moduleFile` is an absolute path that
 * changes with the module's content. Envoy makes a new VM for new code and keeps the existing one, with its keys, for
 * the same code.
 */
export function pluginResource(slot: FilterSlot, moduleFile: string, config: PluginConfig): EnvoyObject {
  return {
    version_info: String(config.generation ?? 0),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
        name: slot.filter,
        typed_config: wasmFilter(slot.filter, { local: { filename: moduleFile } }, config),
      },
    ],
  };
}
