// An object whose spec found no room in memory, read from the API server.
import type { KubeApi } from './api.ts';
import type { KubeObject } from './objects.ts';
import { hasSpec } from './packed.ts';
import type { Resource } from './resources.ts';

/** The object with its spec: itself if it has it, else as the API server has it now. */
export async function wholeObject(api: KubeApi, resource: Resource, object: KubeObject): Promise<KubeObject> {
  return hasSpec(object) ? object : api.get(resource, object.metadata.namespace ?? '', object.metadata.name);
}
