// etcd and kube-apiserver, built from the Go modules that go.mod and go.sum pin, kept in the user's cache folder by all that goes into them.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';

const HERE = import.meta.dirname;
const KUBERNETES_VERSION = 'v1.36.3';
const PACKAGES = { etcd: 'go.etcd.io/etcd/server/v3', 'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver' };
const TAGS = 'disable_pgv,grpcnotrace,retrynotrace';
const VERSION_PACKAGE = 'k8s.io/component-base/version';
/** Without it the server calls itself v0.0.0 and clients take it for an old one. */
const LINKER_FLAGS = `-s -w -X ${VERSION_PACKAGE}.gitVersion=${KUBERNETES_VERSION} -X ${VERSION_PACKAGE}.gitMajor=1 -X ${VERSION_PACKAGE}.gitMinor=36`;
/** The compiler spends a quarter less time when it collects no garbage below the limit. */
const ENVIRONMENT = { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -trimpath -buildvcs=false', GOGC: 'off', GOMEMLIMIT: '4GiB' };
/** Other work on the machine goes first. */
const LOW_PRIORITY = 19;

export interface Programs {
  etcd: string;
  kubeApiserver: string;
}

function goVersion(): string {
  try {
    return execFileSync('go', ['env', 'GOVERSION'], { cwd: HERE, encoding: 'utf8' }).trim();
  } catch {
    throw new Error('the mesh tier needs Go 1.26 or newer on the PATH');
  }
}

/** Where the programs of this state of the sources are or will be. */
function home(): string {
  const digest = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) digest.update(readFileSync(path.join(HERE, file)));
  digest.update(JSON.stringify([PACKAGES, TAGS, LINKER_FLAGS, ENVIRONMENT, goVersion(), process.arch]));
  return path.join(cacheFolder('api-server'), digest.digest('hex').slice(0, 16));
}

async function go(args: string[]): Promise<void> {
  const child = spawn('go', args, { cwd: HERE, env: { ...process.env, ...ENVIRONMENT }, stdio: ['ignore', 'inherit', 'pipe'] });
  if (child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}\n${said.slice(-4000)}`);
}

/** Builds what is not there yet: about 5 minutes and 4 GB of disk on two processors, once. `progress` gets one line for each long step. */
export async function buildPrograms(progress: (line: string) => void): Promise<Programs> {
  const target = home();
  const programs = { etcd: path.join(target, 'etcd'), kubeApiserver: path.join(target, 'kube-apiserver') };
  if (existsSync(programs.etcd) && existsSync(programs.kubeApiserver)) return programs;
  const work = mkdtempSync(path.join(path.dirname(target), 'building-'));
  try {
    for (const [name, source] of Object.entries(PACKAGES)) {
      progress(`building ${name} from source …`);
      await go(['build', '-tags', TAGS, '-ldflags', LINKER_FLAGS, '-o', path.join(work, name), source]);
    }
    if (!existsSync(target)) renameSync(work, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return programs;
}

if (import.meta.main) {
  const start = performance.now();
  const programs = await buildPrograms((line) => process.stdout.write(`${line}\n`));
  process.stdout.write(`${programs.etcd}\n${programs.kubeApiserver}\nready after ${Math.round((performance.now() - start) / 1000)} s\n`);
}
