// Generates the operator's roles from its table of kinds and verbs. They permit exactly these.
import { stringify } from 'yaml';
import { RESOURCES, type Resource } from '../../istio/operator/kube/resources.ts';
import { banner, type Output } from './output.ts';

const NAMESPACE = 'fim-system';
const OPERATOR = 'fim-operator';
const MODULES = 'fim-modules';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

function rulesOf(scope: Resource['scope'], picks: (resource: Resource) => boolean = () => true): Rule[] {
  return RESOURCES.filter((resource) => resource.scope === scope && picks(resource)).flatMap(
    ({ group, plural, verbs, statusVerbs = [], only }): Rule[] => [
      ...(only === undefined
        ? [{ apiGroups: [group], resources: [plural], verbs: [...verbs] }]
        : [
            { apiGroups: [group], resources: [plural], verbs: verbs.filter((verb) => verb === 'create') },
            {
              apiGroups: [group],
              resources: [plural],
              verbs: verbs.filter((verb) => verb !== 'create'),
              resourceNames: [only],
            },
          ]),
      ...(statusVerbs.length > 0
        ? [{ apiGroups: [group], resources: [`${plural}/status`], verbs: [...statusVerbs] }]
        : []),
    ],
  );
}

function binding(kind: 'ClusterRole' | 'Role'): object {
  const metadata = kind === 'Role' ? { name: OPERATOR, namespace: NAMESPACE } : { name: OPERATOR };
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: OPERATOR },
    subjects: [{ kind: 'ServiceAccount', name: OPERATOR, namespace: NAMESPACE }],
  };
}

/** Permissions that an operator of some namespaces needs in each: a Role without namespace, which kustomize sets. */
function tenantOutput(): Output {
  const documents = [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: OPERATOR },
      rules: rulesOf('cluster', ({ clusterScoped }) => clusterScoped !== true),
    },
    { ...binding('Role'), metadata: { name: OPERATOR } },
  ];
  const text = documents
    .map((document) => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
  return {
    path: 'istio/manifests/namespaced/tenant/rbac.yaml',
    text: `${banner('istio/operator/kube/resources.ts', '#')}\n${text}`,
  };
}

/** `istio/manifests/base/rbac.yaml`, and a tenant's in `istio/manifests/namespaced`. */
export function rbacOutputs(): Output[] {
  const account = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: NAMESPACE },
  });
  const documents = [
    account(OPERATOR),
    account(MODULES),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: OPERATOR },
      rules: rulesOf('cluster'),
    },
    binding('ClusterRole'),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: OPERATOR, namespace: NAMESPACE },
      rules: rulesOf('own'),
    },
    binding('Role'),
  ];
  const text = documents
    .map((document) => stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
  return [
    tenantOutput(),
    { path: 'istio/manifests/base/rbac.yaml', text: `${banner('istio/operator/kube/resources.ts', '#')}\n${text}` },
  ];
}
