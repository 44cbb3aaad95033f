/** A message of Envoy's API as JSON. Envoy checks it strictly when it loads it. */
export type EnvoyObject = { [name: string]: EnvoyValue };
export type EnvoyValue = string | number | boolean | null | EnvoyValue[] | EnvoyObject;
