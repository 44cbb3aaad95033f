// npm run mesh: a whole mesh with FIM in it, to play with. Ctrl-C takes it down and leaves nothing.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DemonstrationUpstream } from '../../envoy/standalone/demonstration-upstream.ts';
import { buildModules } from '../../scripts/build.ts';
import { ACCEPT_MISSING_TLCP } from '../../envoy/route/index.ts';
import { type KubeObject, objectsOfFile } from './stack/cluster-objects.ts';
import { Mesh } from './stack/mesh.ts';
import { NAMESPACE } from './stack/topology.ts';

const SAMPLES = path.resolve(import.meta.dirname, '../../istio/samples');
const LOOK_MS = 500;
const KEY_ID = 'kms://prod/fund/key-2023';

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A sample adapted to this namespace. It accepts the lack of national TLS. */
function sample(name: string): KubeObject {
  const [object] = objectsOfFile(path.join(SAMPLES, name));
  if (object === undefined) throw new Error(`${name} is empty`);
  const annotations: Record<string, string> = object.spec?.tls === undefined ? {} : { [ACCEPT_MISSING_TLCP]: 'true' };
  return { ...object, metadata: { ...object.metadata, namespace: NAMESPACE, annotations } };
}

/** Prints each condition when it changes, until `stopped`. */
async function tellConditions(mesh: Mesh, stopped: AbortSignal): Promise<void> {
  const told = new Map<string, string>();
  while (!stopped.aborted) {
    const routes = await mesh.objects.list('fim.financial/v1', 'FinancialRoute', NAMESPACE).catch(() => []);
    for (const { metadata, status } of routes) {
      for (const { type, status: held, reason, message } of (status?.conditions ?? []) as Condition[]) {
        const text = `${metadata.name}  ${type}=${held}  ${reason}: ${message}`;
        if (told.get(`${metadata.name} ${type}`) !== text) say(`  ${text}`);
        told.set(`${metadata.name} ${type}`, text);
      }
    }
    await new Promise((resume) => setTimeout(resume, LOOK_MS));
  }
}

function guide(mesh: Mesh, url: string, admin: { gateway: string; sidecar: string }, metrics: string): string {
  const kubectl = `${mesh.programs.kubectl} --kubeconfig ${mesh.kubeconfig} -n ${NAMESPACE}`;
  const post = (body: string): string =>
    `  curl -i ${url}/fund/redemption -H 'content-type: application/json' -d '${body}'`;
  return `
The mesh is ready: gateway ${url} → mutual TLS → sidecar → a demonstration service.

Taken, and encrypted on its way:
${post('{"transCode":"01200101","amount":"100.00"}')}
Refused, with the field and the rule:
${post('{"transCode":"02200101"}')}
What the service got last, and a response whose personal data is masked:
  curl ${url}/_seen
  curl ${url}/card/query

Routes, as an administrator (for short: alias k='${kubectl}'):
  k get froute
  k describe froute fund-redemption-v2
  k edit froute fund-redemption-v2          what you save is in force in a second, or refused with a reason
  k apply -f FILE    k delete froute NAME
  k get envoyfilter -o yaml                 what the operator made of them

Envoy's admin: gateway ${admin.gateway}  sidecar ${admin.sidecar}
istiod: ${mesh.istiod.debugUrl}/debug/syncz   operator: ${metrics}   logs: ${mesh.folder}

Conditions are told below as they change. Ctrl-C ends everything.`;
}

async function run(stopped: AbortSignal): Promise<void> {
  const [module] = await buildModules(['fim'], say);
  const mesh = await Mesh.start(say);
  try {
    mesh.releaseModule(readFileSync(module!.path));
    mesh.kms.createKey(KEY_ID);
    const application = new DemonstrationUpstream();
    const address = await application.start();
    mesh.atEnd(() => application.stop());
    const operator = await mesh.addOperator('operator');
    const gateway = await mesh.addGateway();
    const sidecar = await mesh.addWorkload('web', address, '*');
    await operator.leads();
    await mesh.objects.applyAll(['fund-redemption-v2.yaml', 'card-query.yaml'].map(sample));
    const listening = await operator.said('listening');
    say(
      guide(
        mesh,
        mesh.gatewayUrl(gateway),
        { gateway: gateway.admin.base.origin, sidecar: sidecar.admin.base.origin },
        `http://${listening.address}/metrics`,
      ),
    );
    await tellConditions(mesh, stopped);
  } finally {
    say('ending …');
    await mesh.stop();
  }
}

const USAGE = `npm run mesh [-- --help]

Brings up a mesh on this machine and keeps it until Ctrl-C: etcd, API server, istiod, a gateway, a service with a
sidecar, a development KMS and the operator with the samples of istio/samples. It prints what to try.
The first time it builds the programs from source: Go 1.26 on the PATH, about 8 minutes, 5 GB. It takes no options but
this one. Exit status 0: all is taken down; 2: an option that there is not.`;

/** Exit status for the arguments. Undefined: the mesh is wanted. */
function told(args: string[]): number | undefined {
  try {
    const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
    if (values.help !== true) return undefined;
    say(USAGE);
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
}

const status = told(process.argv.slice(2));
if (status !== undefined) process.exit(status);
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
await run(stopping.signal);
say('nothing is left');
process.exit(0);
