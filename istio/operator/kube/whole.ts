// Reads an object from the API server when its spec found no room in memory.
import type { KubeApi } from './api.ts';
import type { KubeObject } from './objects.ts';
import { hasSpec } from './packed.ts';
import type { Resource } from './resources.ts';

/** The object with its spec, from memory or from the API server. */
export async function wholeObject(api: KubeApi, resource: Resource, object: KubeObject): Promise<KubeObject> {
  return hasSpec(object) ? object : api.get(resource, object.metadata.namespace ?? '', object.metadata.name);
}
