// Container engine for the tests: that of DOCKER_HOST, else the machine's, else a temporary dockerd.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SYSTEM_SOCKET = '/var/run/docker.sock';
const PACKAGES = ['docker.io', 'containerd', 'runc', 'iptables'];
const START_DEADLINE_MS = 60_000;
const POLL_MS = 100;

export interface Engine {
  /** Its origin, for the test's output. */
  how: string;
  stop(): Promise<void>;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}

function dockerdPath(): string | null {
  const found = ['/usr/bin', '/usr/sbin', '/usr/local/bin']
    .map((folder) => path.join(folder, 'dockerd'))
    .find((file) => existsSync(file));
  return found ?? null;
}

/** Debian's packages, when this is Debian and we may. */
function installEngine(): void {
  if (process.getuid?.() !== 0)
    throw new Error('no container engine: set DOCKER_HOST, or install docker.io (this test installs it only as root)');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'pipe', env: environment });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], {
    stdio: 'pipe',
    env: environment,
  });
}

/**
 * The containers of these tests need no network of the engine's making, so it makes none: no bridge, no firewall rules.
 */
async function startDockerd(binary: string): Promise<Engine> {
  const home = mkdtempSync(path.join(tmpdir(), 'fim-dockerd-'));
  const socket = path.join(home, 'docker.sock');
  const logFile = path.join(home, 'dockerd.log');
  const log = openSync(logFile, 'w');
  const folders = [
    '--data-root',
    path.join(home, 'data'),
    '--exec-root',
    path.join(home, 'exec'),
    '--pidfile',
    path.join(home, 'pid'),
  ];
  const child = spawn(
    binary,
    [...folders, '-H', `unix://${socket}`, '--bridge=none', '--iptables=false', '--ip6tables=false'],
    { stdio: ['ignore', log, log] },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(home, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_DEADLINE_MS;
  while (!(await answers(socket))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      const said = readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n');
      await stop();
      throw new Error(`dockerd did not start\n${said}`);
    }
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
  process.env.DOCKER_HOST = `unix://${socket}`;
  process.env.TESTCONTAINERS_HOST_OVERRIDE = '127.0.0.1'; // else it is looked up on the bridge
  return { how: `${binary}, started for this test`, stop };
}

/**
 * Finds or starts an engine and points DOCKER_HOST at it. Throws with the ways to provide one if there is none to be
 * had.
 */
export async function useEngine(): Promise<Engine> {
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'; // its image would have to be fetched
  const given = process.env.DOCKER_HOST;
  if (given !== undefined && given !== '') return { how: `DOCKER_HOST=${given}`, stop: () => Promise.resolve() };
  if (await answers(SYSTEM_SOCKET)) return { how: SYSTEM_SOCKET, stop: () => Promise.resolve() };
  if (dockerdPath() === null) installEngine();
  const binary = dockerdPath();
  if (binary === null) throw new Error('no container engine: set DOCKER_HOST, or install docker.io');
  return startDockerd(binary);
}
