// Kubernetes objects by what they are: applied, read, awaited and deleted through the API server.
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { ApiReply, ApiServer } from './api-server.ts';
import { until } from './until.ts';

const FIELD_MANAGER = 'mesh';
const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
/** Objects that are applied at the same time. */
const PARALLEL = 8;

/** Any object of Kubernetes: tests look into it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    generation?: number;
    uid?: string;
    resourceVersion?: string;
    [member: string]: unknown;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [member: string]: unknown;
}

interface KnownKind {
  plural: string;
  namespaced: boolean;
}

/** The objects that a YAML text holds. */
export function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object): object is KubeObject => object?.kind !== undefined);
}

export function objectsOfFile(file: string): KubeObject[] {
  return objectsOf(readFileSync(file, 'utf8'));
}

export class ClusterObjects {
  private readonly server: ApiServer;
  private readonly kinds = new Map<string, KnownKind>();

  constructor(server: ApiServer) {
    this.server = server;
  }

  private async kindOf(apiVersion: string, kind: string): Promise<KnownKind> {
    const key = `${apiVersion}/${kind}`;
    const known = this.kinds.get(key);
    if (known !== undefined) return known;
    const found = await until(`the API server knows ${key}`, async () => {
      const { body } = await this.server.send('GET', base(apiVersion));
      const resources = (body.resources ?? []) as { name: string; kind: string; namespaced: boolean }[];
      return resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
    });
    const entry = { plural: found.name, namespaced: found.namespaced };
    this.kinds.set(key, entry);
    return entry;
  }

  /** Path of an object in the API. */
  async path({ apiVersion, kind, metadata }: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<string> {
    return `${await this.collection(apiVersion, kind, metadata.namespace)}/${metadata.name}`;
  }

  private async collection(apiVersion: string, kind: string, namespace = 'default'): Promise<string> {
    const { plural, namespaced } = await this.kindOf(apiVersion, kind);
    return `${base(apiVersion)}${namespaced ? `/namespaces/${namespace}` : ''}/${plural}`;
  }

  /** Server-side apply; throws what the server says against it. Status goes along if the object has one. */
  async apply(object: KubeObject): Promise<KubeObject> {
    const path = await this.path(object);
    const { status, ...whole } = object;
    const query = `?fieldManager=${FIELD_MANAGER}&force=true&fieldValidation=Strict`;
    const applied = await this.server.send('PATCH', path + query, whole, APPLY);
    if (applied.status >= 300)
      throw new Error(`${object.kind} ${object.metadata.name}: ${applied.status} ${applied.body.message ?? ''}`);
    if (status !== undefined) await this.mergeStatus(object, status);
    return applied.body as unknown as KubeObject;
  }

  /** Applies all: namespaces and definitions first, the rest several at a time. */
  async applyAll(objects: readonly KubeObject[]): Promise<void> {
    const first = ['Namespace', 'CustomResourceDefinition'];
    for (const object of objects.filter(({ kind }) => kind === 'Namespace')) await this.apply(object);
    const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    await this.inParallel(definitions, (object) => this.apply(object));
    await this.inParallel(definitions, (object) => this.server.canBeListed(object as never));
    await this.inParallel(
      objects.filter(({ kind }) => !first.includes(kind)),
      (object) => this.apply(object),
    );
  }

  private async inParallel(
    objects: readonly KubeObject[],
    act: (object: KubeObject) => Promise<unknown>,
  ): Promise<void> {
    const waiting = [...objects];
    const worker = async (): Promise<void> => {
      for (let object = waiting.shift(); object; object = waiting.shift()) await act(object);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  }

  async mergeStatus(object: KubeObject, status: unknown): Promise<void> {
    const reply = await this.server.send('PATCH', `${await this.path(object)}/status`, { status }, MERGE);
    if (reply.status >= 300)
      throw new Error(`status of ${object.kind} ${object.metadata.name}: ${reply.status} ${reply.body.message ?? ''}`);
  }

  /** The object as it is now; undefined if there is none. */
  async read(object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<KubeObject | undefined> {
    const { status, body } = await this.server.send('GET', await this.path(object));
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`${object.kind} ${object.metadata.name}: ${status} ${body.message ?? ''}`);
    return body as unknown as KubeObject;
  }

  async list(apiVersion: string, kind: string, namespace?: string, query = ''): Promise<KubeObject[]> {
    const { status, body } = await this.server.send(
      'GET',
      `${await this.collection(apiVersion, kind, namespace)}${query}`,
    );
    if (status !== 200) throw new Error(`${kind}: ${status} ${body.message ?? ''}`);
    return (body.items as KubeObject[]).map((item) => ({ ...item, apiVersion, kind }));
  }

  /** Deletes it if it is there. */
  async remove(object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<ApiReply> {
    return this.server.send('DELETE', await this.path(object));
  }
}

function base(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
