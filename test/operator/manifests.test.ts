// The manifests hang together: every file is named, roles are the operator's own table, pods are as restricted as their namespace asks.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { readOptions } from '../../istio/operator/options.ts';
import { RESOURCES } from '../../istio/operator/kube/resources.ts';

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  spec?: { replicas?: number; selector?: { matchLabels?: Record<string, string> }; template?: { metadata: { labels: Record<string, string> }; spec: PodSpec } };
}

interface PodSpec {
  serviceAccountName: string;
  securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
  containers: { name: string; image: string; args?: string[]; readinessProbe?: object; livenessProbe?: object; resources: { limits?: { memory?: string } }; securityContext: { allowPrivilegeEscalation: boolean; readOnlyRootFilesystem: boolean; capabilities: { drop: string[] } } }[];
}

const BASE = path.resolve(import.meta.dirname, '../../istio/manifests/base');

/** What kustomize would read: the resources of a folder, and of the folders that it names. */
function resourcesOf(folder: string): Manifest[] {
  const { resources } = parse(readFileSync(path.join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  const yaml = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
  assert.deepEqual(yaml.filter((name) => !resources.includes(name)), [], `files of ${folder} that are not named`);
  return resources.flatMap((name) => {
    const file = path.join(folder, name);
    return name.endsWith('.yaml') ? parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Manifest) : resourcesOf(file);
  });
}

const manifests = resourcesOf(BASE);
const of = (kind: string, name?: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name));

describe('the manifests', () => {
  it('hold definitions, roles, both deployments with budgets, and admission policies with bindings', () => {
    assert.ok(of('CustomResourceDefinition', 'financialroutes.fim.financial').length === 1 && of('CustomResourceDefinition', 'validationprofiles.fim.financial').length === 1);
    assert.deepEqual(of('PodDisruptionBudget').map(({ metadata }) => metadata.name).sort(), ['fim-modules', 'fim-operator']);
    assert.equal(of('ValidatingAdmissionPolicy').length, of('ValidatingAdmissionPolicyBinding').length);
    for (const { metadata, kind } of manifests) if (metadata.namespace !== undefined) assert.equal(metadata.namespace, 'fim-system', kind);
  });

  it('grant exactly what the operator asks for', () => {
    const granted = [...of('ClusterRole'), ...of('Role')].flatMap(({ kind, rules = [] }) => rules.flatMap(({ apiGroups, resources, verbs }) => verbs.map((verb) => `${kind} ${apiGroups} ${resources} ${verb}`))).sort();
    const wanted = RESOURCES.flatMap(({ scope, group, plural, verbs, statusVerbs = [] }) => {
      const kind = scope === 'own' ? 'Role' : 'ClusterRole';
      return [...verbs.map((verb) => `${kind} ${group} ${plural} ${verb}`), ...statusVerbs.map((verb) => `${kind} ${group} ${plural}/status ${verb}`)];
    }).sort();
    assert.deepEqual(granted, wanted);
    assert.ok(granted.every((line) => !/secrets|configmaps|\*/.test(line)));
  });

  it('run two of each, not as root, on a file system that nobody writes to', () => {
    const deployments = of('Deployment');
    assert.equal(deployments.length, 2);
    for (const { metadata, spec } of deployments) {
      assert.equal(spec?.replicas, 2, metadata.name);
      const pod = spec!.template!.spec;
      assert.deepEqual(spec!.selector!.matchLabels, spec!.template!.metadata.labels);
      assert.ok(pod.securityContext.runAsNonRoot && pod.securityContext.seccompProfile.type === 'RuntimeDefault');
      for (const container of pod.containers) {
        const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext;
        assert.deepEqual([allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities.drop], [false, true, ['ALL']]);
        assert.ok(container.readinessProbe && container.livenessProbe && container.resources.limits?.memory);
      }
    }
  });

  it('start the operator with options that it knows', () => {
    const [operator] = of('Deployment', 'fim-operator');
    const flags = readOptions(operator!.spec!.template!.spec.containers[0]!.args!, { FIM_NAMESPACE: 'fim-system', FIM_IDENTITY: 'fim-operator-0' });
    assert.ok(typeof flags !== 'string', String(flags));
    assert.deepEqual([flags.namespace, flags.identity, flags.modules.check, flags.listen.port], ['fim-system', 'fim-operator-0', true, 8080]);
    assert.match(flags.modules.urlTemplate, /^http:\/\/fim-modules\.fim-system\.svc\.cluster\.local\/\{sha256\}\.wasm$/);
  });
});

describe('the command line of the operator', () => {
  it('takes how the modules deal with the KMS', () => {
    const flags = readOptions(['--modules', 'x', '--module-url', 'http://x', '--kms-path-prefix', '/v1/kv/data/', '--kms-hold-ms', '800'], { FIM_KMS_TRANSIT_MOUNT: 'keys' });
    assert.ok(typeof flags !== 'string', String(flags));
    assert.deepEqual([flags.kms.settings, flags.kms.metadataPrefix], [{ pathPrefix: '/v1/kv/data/', transitMount: 'keys', holdMs: 800 }, '/v1/kv/metadata/']);
  });

  for (const [args, problem] of [[[], /are needed/], [['--modules', 'x', '--module-url', 'ftp://x'], /no http/], [['--what'], /--what/], [['--modules', 'x', '--module-url', 'http://x', '--listen', 'x'], /HOST:PORT/], [['--modules', 'x', '--module-url', 'http://x', '--kms', 'file:\/\/x'], /--kms/], [['--modules', 'x', '--module-url', 'http://x', '--kms-path-prefix', 'kv'], /--kms-path-prefix/], [['--modules', 'x', '--module-url', 'http://x', '--kms-refresh-ms', '5'], /--kms-refresh-ms/]] as [string[], RegExp][]) {
    it(`refuses ${args.join(' ') || 'nothing'}`, () => assert.match(String(readOptions(args, {})), problem));
  }
});
