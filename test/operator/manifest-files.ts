// The manifests as kustomize reads them.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
  spec?: {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string> };
    template?: { metadata: { labels: Record<string, string> }; spec: PodSpec };
  };
}

interface PodSpec {
  serviceAccountName: string;
  securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
  containers: {
    name: string;
    image: string;
    args?: string[];
    readinessProbe?: object;
    livenessProbe?: object;
    resources: { limits?: { memory?: string } };
    securityContext: {
      allowPrivilegeEscalation: boolean;
      readOnlyRootFilesystem: boolean;
      capabilities: { drop: string[] };
    };
  }[];
}

export const BASE = path.resolve(import.meta.dirname, '../../istio/manifests/base');

/** Resources as kustomize reads them: of a folder and of the folders that it names. */
export function resourcesOf(folder: string): Manifest[] {
  const { resources } = parse(readFileSync(path.join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  const yaml = readdirSync(folder).filter(
    (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml' && !APART.includes(name),
  );
  assert.deepEqual(
    yaml.filter((name) => !resources.includes(name)),
    [],
    `files of ${folder} that are not named`,
  );
  return resources.flatMap((name) => {
    const file = path.join(folder, name);
    return name.endsWith('.yaml')
      ? parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Manifest)
      : resourcesOf(file);
  });
}

/** Examples, and what needs a controller of others: not applied with the rest. */
const APART = ['bank-baseline.yaml', 'tenant-quota.yaml', 'image-policy.yaml', 'deployments.yaml'];
/** As Pod Security asks of `restricted`, and more. */
export function assertRestricted({ spec }: Manifest): void {
  const pod = spec!.template!.spec;
  assert.deepEqual(spec!.selector!.matchLabels, spec!.template!.metadata.labels);
  assert.ok(pod.securityContext.runAsNonRoot && pod.securityContext.seccompProfile.type === 'RuntimeDefault');
  for (const container of pod.containers) {
    const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext;
    assert.deepEqual([allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities.drop], [false, true, ['ALL']]);
    assert.ok(container.readinessProbe && container.livenessProbe && container.resources.limits?.memory);
  }
}
