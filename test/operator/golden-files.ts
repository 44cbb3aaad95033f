// `node test/operator/golden-files.ts`: writes the goldens anew from their inputs. The test compares them, and judges
// them besides: look at what changed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { checkRoutes } from '../../envoy/route/index.ts';
import { KMS_CLUSTER } from '../../envoy/xds/index.ts';
import { keyOf, type KubeObject } from '../../istio/operator/kube/objects.ts';
import { render, type Rendered } from '../../istio/operator/plan/render.ts';
import type { TargetFacts } from '../../istio/operator/plan/selection.ts';

const FOLDER = path.join(import.meta.dirname, 'goldens');
const MODULE = {
  url: 'http://fim-modules.fim-system.svc.cluster.local/MODULE.wasm',
  sha256: 'f'.repeat(64),
  capabilities: ['proxy_log', 'proxy_on_configure'],
};

export interface Golden {
  name: string;
  /** The file as it is; undefined if there is none. */
  written: string | undefined;
  rendered: Rendered;
  text: string;
  file: string;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Renders one input: routes and the objects that they name. */
function golden(input: string): Golden {
  const name = input.replace('.in.yaml', '');
  const objects = parseAllDocuments(readFileSync(path.join(FOLDER, input), 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  );
  const { resources, errors } = checkRoutes(objects.filter(({ kind }) => kind === 'FinancialRoute'));
  if (errors.length > 0) throw new Error(`${input}: ${JSON.stringify(errors)}`);
  const named = (apiVersion: string, kind: string, namespace: string): Map<string, KubeObject> =>
    new Map(
      objects
        .filter(
          (object) =>
            object.apiVersion.startsWith(apiVersion) && object.kind === kind && object.metadata.namespace === namespace,
        )
        .map((object) => [object.metadata.name, object]),
    );
  const facts = (namespace: string): TargetFacts => ({
    gateways: named('gateway.', 'Gateway', namespace),
    istioGateways: named('networking.istio.io', 'Gateway', namespace),
    services: named('v1', 'Service', namespace),
    pods: named('v1', 'Pod', namespace),
  });
  const rendered = render({
    resources,
    facts,
    module: MODULE,
    examine: () => undefined,
    kms: { cluster: KMS_CLUSTER },
    kmsAccess: {
      url: new URL('https://vault.kms.svc:8200'),
      folder: '/etc/fim/kms',
      files: ['token', 'ca', 'identity'],
    },
    audit: { url: new URL('http://fim-audit.fim-system.svc:9466'), folder: '/etc/fim/audit', files: ['token'] },
    version: '0.1.0',
  });
  const file = path.join(FOLDER, `${name}.out.yaml`);
  return {
    name,
    rendered,
    file,
    written: readText(file),
    text: rendered.objects
      .map((object) => `---\n# ${keyOf(object)}\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`)
      .join(''),
  };
}

export function goldens(): Golden[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.in.yaml'))
    .sort()
    .map(golden);
}

if (import.meta.main) {
  for (const { file, text, written } of goldens()) {
    if (text === written) continue;
    writeFileSync(file, text);
    process.stdout.write(`wrote ${file}\n`);
  }
}
