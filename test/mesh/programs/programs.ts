// The programs of a mesh, built from the Go modules that go.mod and go.sum pin, kept in the user's cache folder by all
// that goes into them.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';

const HERE = import.meta.dirname;
const KUBERNETES_VERSION = 'v1.36.3';
const ISTIO_VERSION = '1.31.0';
/** Packages to build, by the names under which `go build` leaves them. */
const PACKAGES = {
  server: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  'pilot-discovery': 'istio.io/istio/pilot/cmd/pilot-discovery',
  'pilot-agent': 'istio.io/istio/pilot/cmd/pilot-agent',
};
/** Files and folders of the modules that the programs need beside them. */
const ASSETS = [
  { module: 'istio.io/istio', from: 'manifests/charts/base/files/crd-all.gen.yaml', to: 'istio-crds.yaml' },
  { module: 'istio.io/istio', from: 'tools/packaging/common/envoy_bootstrap.json', to: 'envoy-bootstrap.json' },
  { module: 'sigs.k8s.io/gateway-api', from: 'config/crd/standard', to: 'gateway-api-crds' },
];
const TAGS = 'disable_pgv,grpcnotrace,retrynotrace';
const KUBERNETES_PACKAGE = 'k8s.io/component-base/version';
const ISTIO_PACKAGE = 'istio.io/istio/pkg/version';
/** Without it the programs report v0.0.0, and clients treat them as old. */
const LINKER_FLAGS =
  `-s -w -X ${KUBERNETES_PACKAGE}.gitVersion=${KUBERNETES_VERSION} -X ${KUBERNETES_PACKAGE}.gitMajor=1 -X ${KUBERNETES_PACKAGE}.gitMinor=36` +
  ` -X ${ISTIO_PACKAGE}.buildVersion=${ISTIO_VERSION} -X ${ISTIO_PACKAGE}.buildTag=${ISTIO_VERSION} -X ${ISTIO_PACKAGE}.buildStatus=Clean`;
/** The compiler spends a quarter less time when it collects no garbage below the limit. */
const ENVIRONMENT = {
  CGO_ENABLED: '0',
  GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
  GOGC: 'off',
  GOMEMLIMIT: '4GiB',
};
/** Other work on the machine goes first. */
const LOW_PRIORITY = 19;
/** Time between signs of life, milliseconds. */
const HEARTBEAT_MS = 15_000;
const KEPT_LINES = 60;

/** Absolute paths of the programs and of what goes with them. */
export interface Programs {
  etcd: string;
  kubeApiserver: string;
  kubectl: string;
  pilotDiscovery: string;
  pilotAgent: string;
  /** CustomResourceDefinitions of Istio, one file. */
  istioDefinitions: string;
  /** CustomResourceDefinitions of the Gateway API, a folder. */
  gatewayDefinitions: string;
  /** Template from which pilot-agent makes Envoy's bootstrap. */
  envoyBootstrap: string;
}

type Progress = (line: string) => void;

function goVersion(): string {
  try {
    return execFileSync('go', ['env', 'GOVERSION'], { cwd: HERE, encoding: 'utf8' }).trim();
  } catch {
    throw new Error('the mesh needs Go 1.26 or newer on the PATH');
  }
}

/** Folder of the programs for this state of the sources. */
function home(): string {
  const digest = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) digest.update(readFileSync(path.join(HERE, file)));
  digest.update(JSON.stringify([PACKAGES, ASSETS, TAGS, LINKER_FLAGS, ENVIRONMENT, goVersion(), process.arch]));
  return path.join(cacheFolder('mesh-programs'), digest.digest('hex').slice(0, 16));
}

/** Runs go and returns the lines of its standard output; `onLine` gets those of standard error. */
async function go(args: string[], onLine: Progress = () => {}): Promise<string[]> {
  const child = spawn('go', args, {
    cwd: HERE,
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = (): boolean => child.kill();
  process.once('exit', end);
  if (child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY);
  const printed: string[] = [];
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    if (said.length > KEPT_LINES) said.shift();
    onLine(line);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  process.off('exit', end);
  if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}\n${said.join('\n')}`);
  return printed;
}

async function compile(work: string, progress: Progress): Promise<void> {
  const sources = Object.values(PACKAGES);
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
  progress('fetching the sources of etcd, Kubernetes and Istio …');
  const all = (await go(['list', '-deps', '-tags', TAGS, ...sources])).length;
  let compiled = 0;
  const heartbeat = setInterval(
    () => progress(`compiling etcd, Kubernetes and Istio: ${compiled} packages after ${seconds()}, at most ${all} …`),
    HEARTBEAT_MS,
  );
  try {
    // -v names each package as it is compiled; those in Go's own cache are not named.
    await go(['build', '-v', '-tags', TAGS, '-ldflags', LINKER_FLAGS, '-o', `${work}/`, ...sources], () => compiled++);
  } finally {
    clearInterval(heartbeat);
  }
  progress(`compiled etcd, kube-apiserver, kubectl, pilot-discovery and pilot-agent in ${seconds()}`);
}

async function copyAssets(work: string): Promise<void> {
  for (const { module, from, to } of ASSETS) {
    const [folder = ''] = await go(['list', '-m', '-f', '{{.Dir}}', module]);
    const source = path.join(folder, from);
    if (/\.\w+$/.test(to)) copyFileSync(source, path.join(work, to));
    else {
      mkdirSync(path.join(work, to));
      for (const file of readdirSync(source)) copyFileSync(path.join(source, file), path.join(work, to, file));
    }
  }
}

/**
 * Builds what is not there yet: about 8 minutes and 5 GB of disk on two processors, once. `progress` gets a line every
 * 15 s.
 */
export async function buildPrograms(progress: Progress): Promise<Programs> {
  const target = home();
  if (!existsSync(target)) {
    const work = mkdtempSync(path.join(path.dirname(target), 'building-'));
    try {
      await compile(work, progress);
      await copyAssets(work);
      // Another run may have built the same meanwhile.
      if (!existsSync(target)) renameSync(work, target);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const at = (name: string): string => path.join(target, name);
  return {
    etcd: at('server'),
    kubeApiserver: at('kube-apiserver'),
    kubectl: at('kubectl'),
    pilotDiscovery: at('pilot-discovery'),
    pilotAgent: at('pilot-agent'),
    istioDefinitions: at('istio-crds.yaml'),
    gatewayDefinitions: at('gateway-api-crds'),
    envoyBootstrap: at('envoy-bootstrap.json'),
  };
}

if (import.meta.main) {
  const started = performance.now();
  const programs = await buildPrograms((line) => process.stdout.write(`${line}\n`));
  process.stdout.write(
    `${path.dirname(programs.etcd)}: ready after ${Math.round((performance.now() - started) / 1000)} s\n`,
  );
}
