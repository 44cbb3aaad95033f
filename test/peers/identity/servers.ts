// Servers that run code by path, method, host and header, each as its users set it up: installed on first use into the
// cache folder, versions pinned.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { envoyBinary } from '../../../envoy/standalone/envoy-binary.ts';
import { type ChildServer, startServer } from '../../e2e/child-server.ts';

const HERE = import.meta.dirname;
const CACHE = join(homedir(), '.cache/fim/identity-peers');
const EXPRESS = ['express@5.3.0', 'express4@npm:express@4.22.3'];
const PYTHON = ['Flask==3.1.3', 'Werkzeug==3.1.9', 'fastapi==0.165.0', 'uvicorn==0.54.0'];
const JARS = ['org.apache.tomcat.embed:tomcat-embed-core:10.1.34', 'jakarta.annotation:jakarta.annotation-api:2.1.1'];

function run(command: string, args: readonly string[], cwd = CACHE): void {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
}

/** A folder of the cache, filled once. */
function installed(name: string, fill: (folder: string) => void): string {
  const folder = join(CACHE, name);
  const done = join(folder, '.complete');
  if (existsSync(done)) return folder;
  mkdirSync(folder, { recursive: true });
  fill(folder);
  writeFileSync(done, '');
  return folder;
}

async function express(version: 'express' | 'express4'): Promise<ChildServer> {
  const folder = installed('node', (at) =>
    run('npm', ['install', '--no-audit', '--no-fund', '--prefix', at, ...EXPRESS]),
  );
  return startServer(process.execPath, [join(HERE, 'express-upstream.mjs'), folder, version]);
}

async function python(framework: 'flask' | 'fastapi'): Promise<ChildServer> {
  const folder = installed('python', (at) => {
    run('python3', ['-m', 'venv', at]);
    run(join(at, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PYTHON]);
  });
  return startServer(join(folder, 'bin/python'), [join(HERE, 'python-upstream.py'), framework]);
}

async function go(): Promise<ChildServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-go-'));
  run('go', ['build', '-o', join(folder, 'upstream'), join(HERE, 'upstream.go')], HERE);
  return startServer(join(folder, 'upstream'), []);
}

async function tomcat(): Promise<ChildServer> {
  const folder = installed('tomcat', (at) => {
    for (const jar of JARS) run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${jar}`, `-DoutputDirectory=${at}`]);
  });
  const jars = readdirSync(folder)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(folder, name));
  return startServer('java', [
    '-cp',
    jars.join(':'),
    join(HERE, 'tomcat-upstream.java'),
    mkdtempSync(join(tmpdir(), 'fim-tomcat-')),
  ]);
}

/** A recently free port, for servers that cannot choose one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/**
 * Starts a server that does not say its port, through a shell that ends it with its input, and waits until it takes
 * connections.
 */
async function startSilent(
  port: number,
  command: string,
  args: readonly string[],
  folder: string,
): Promise<ChildServer> {
  const script = `"$@" >out.log 2>&1 & child=$!; for i in $(seq 300); do (: </dev/tcp/127.0.0.1/${port}) 2>/dev/null && break; kill -0 $child 2>/dev/null || { cat out.log >&2; exit 1; }; sleep 0.1; done; echo ${port}; cat >/dev/null; kill $child; wait $child`;
  return startServer('bash', ['-c', script, 'server', command, ...args], folder);
}

async function nginx(): Promise<ChildServer> {
  const packages = installed('nginx', (at) => {
    run('apt-get', ['download', 'nginx', 'nginx-common', 'libgeoip1'], at);
    for (const name of readdirSync(at).filter((file) => file.endsWith('.deb'))) run('dpkg', ['-x', name, 'root'], at);
  });
  const folder = mkdtempSync(join(tmpdir(), 'fim-nginx-'));
  const port = await freePort();
  writeFileSync(
    join(folder, 'nginx.conf'),
    readFileSync(join(HERE, 'nginx.conf'), 'utf8').replaceAll('PORT', String(port)).replaceAll('FOLDER', folder),
  );
  return startSilent(
    port,
    join(packages, 'root/usr/sbin/nginx'),
    ['-p', folder, '-c', join(folder, 'nginx.conf')],
    folder,
  );
}

function envoyRoute(name: string, match: object): object {
  return {
    match,
    direct_response: { status: 200 },
    response_headers_to_add: [{ header: { key: 'x-executed', value: name } }],
  };
}

/** Envoy's own routes with the matches of FIM's: the same request must not meet the one and miss the other. */
async function envoy(): Promise<ChildServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-envoy-'));
  const port = await freePort();
  const header = (name: string, exact: string): object => ({ headers: [{ name, string_match: { exact } }] });
  const routes = [
    envoyRoute('transfer', { path: '/v1/accounts:transfer', ...header(':method', 'POST') }),
    envoyRoute('chinese', { path: '/%E6%94%AF%E4%BB%98/%E8%BD%AC%E8%B4%A6' }),
    envoyRoute('pay', { path: '/v1/pay', ...header(':method', 'POST') }),
    envoyRoute('query', { path: '/v1/query', ...header(':method', 'GET') }),
    envoyRoute('fund', { path_separated_prefix: '/v1/fund' }),
    envoyRoute('role', { path: '/v1/role', ...header('x-role', 'user') }),
  ];
  const hosts = [
    { name: 'vault', domains: ['pay.bank.test'], routes: [envoyRoute('vault', { path: '/v1/vault' }), ...routes] },
    { name: 'all', domains: ['*'], routes },
  ];
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'upstream',
    normalize_path: true,
    strip_any_host_port: true,
    // Each request of the test closes its connection. The default would wait a second for further data.
    delayed_close_timeout: '0.05s',
    route_config: { virtual_hosts: hosts },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const listener = {
    name: 'upstream',
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  writeFileSync(join(folder, 'envoy.json'), JSON.stringify({ static_resources: { listeners: [listener] } }));
  const path = await envoyBinary();
  return startSilent(
    port,
    path,
    ['-c', join(folder, 'envoy.json'), '--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'error'],
    folder,
  );
}

/** Commands that start each server. */
export const SERVERS: Record<string, () => Promise<ChildServer>> = {
  'Express 5': () => express('express'),
  'Express 4': () => express('express4'),
  Flask: () => python('flask'),
  FastAPI: () => python('fastapi'),
  'Go net/http': go,
  'JDK HttpServer': () => startServer('java', [join(HERE, 'jdk-upstream.java')]),
  Tomcat: tomcat,
  nginx,
  'Envoy routes': envoy,
};
