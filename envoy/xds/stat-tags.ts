import type { EnvoyObject } from './envoy-object.ts';
import { METRIC_LABELS } from './metric-labels.gen.ts';

/**
 * Rules by which Envoy makes labels of what modules write into the names of their metrics: `one=.=value;.;`, the form
 * of Istio's proxies. Beginning and length are bounded, since Envoy tries each rule on each name.
 */
export function statTags(): EnvoyObject {
  return {
    stats_tags: METRIC_LABELS.map(({ label, maxLength }) => ({
      tag_name: label,
      regex: String.raw`^wasmcustom\..*?(${label}=\.=([^;]{1,${maxLength}});\.;)`,
    })),
  };
}
