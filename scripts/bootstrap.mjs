#!/usr/bin/env node
// Runs a TypeScript script of this project on a bare machine with any Node >= 20. Installs the locked packages and Node
// 26 (npm package `node`, with the V8 of the pinned Envoy) if they are missing, then starts the script. It has no
// dependencies, since it runs before any are installed.
//
// node scripts/bootstrap.mjs scripts/test.ts [ARGUMENTS…]
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE_MAJOR = 20;
/** Time between checks whether npm still runs, milliseconds. */
const NPM_LOOK_MS = 300;

/** Writes one line to standard error, because standard output belongs to the script. */
function say(text) {
  process.stderr.write(`fim: ${text}\n`);
}

/** Ends the process with an error of filters/errors.json. */
function fail(code, detail) {
  const { errors } = JSON.parse(readFileSync(join(ROOT, 'filters/errors.json'), 'utf8'));
  const entry = errors.find((error) => error.code === code);
  say(`${code} ${entry?.title ?? ''}: ${detail}`);
  if (entry?.advice) say(entry.advice);
  process.exit(1);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Whether every package of package-lock.json is installed in its locked version, by npm's record of its last complete
 * install.
 */
function packagesAreCurrent() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const installed = readJson(join(ROOT, 'node_modules/.package-lock.json'))?.packages;
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link) return true;
    const there = installed[path];
    return there ? there.version === entry.version && there.integrity === entry.integrity : entry.optional === true;
  });
}

/**
 * PATH without the packages' own commands, which `npm run` puts first. One of them is an npm too old for the lock file.
 */
function machinePath() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter);
}

/**
 * Installs the packages of package-lock.json. Install scripts stay off: only Node's own is needed, and installNode runs
 * it.
 */
function installPackages() {
  say('installing packages (npm ci) …');
  const started = Date.now();
  const done = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'],
    {
      cwd: ROOT,
      env: { ...process.env, PATH: machinePath() },
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
    },
  );
  if (done.error) fail('FIM-UP-0001', done.error.message);
  if (done.status !== 0) fail('FIM-UP-0001', `npm ci ${howEnded(done)}`);
  say(`packages installed in ${seconds(started)}`);
}

/** Path of Node 26. Null if it is not installed in the version that the package names. */
function installedNode() {
  const folder = join(ROOT, 'node_modules/node');
  const binary = join(folder, 'bin/node');
  try {
    accessSync(binary, constants.X_OK);
  } catch {
    return null;
  }
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  return version === `v${readJson(join(folder, 'package.json'))?.version}` ? binary : null;
}

/** Runs the install step of the `node` package, which npm has not run. */
function installNode() {
  const folder = join(ROOT, 'node_modules/node');
  say(`fetching Node ${readJson(join(folder, 'package.json'))?.version} …`);
  const started = Date.now();
  // Variables of the outer `npm run` would make the inner npm install into the project instead of the package's folder.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_local_prefix|config_prefix|package_|lifecycle_)/i.test(name),
    ),
  );
  environment.npm_config_update_notifier = 'false';
  const done = spawnSync(process.execPath, ['installArchSpecificPackage.js'], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 2, 2],
  });
  const binary = installedNode();
  if (!binary) fail('FIM-UP-0002', `its install step ${howEnded(done)}`);
  say(`Node fetched in ${seconds(started)}`);
  return binary;
}

/** How a program ended, or why it did not begin. */
function howEnded({ error, status, signal }) {
  return error ? `did not start: ${error.message}` : `ended with ${status === null ? signal : `status ${status}`}`;
}

function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}

/** Parent of a process, from Linux's /proc. 0 if unavailable. */
function parentOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ')[1]);
  } catch {
    return 0;
  }
}

/**
 * Calls `onGone` when npm or its shell has ended. npm starts scripts through a shell, and neither forwards its own end.
 */
function watchNpm(onGone) {
  if (!process.env.npm_lifecycle_event) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    onGone();
  }, NPM_LOOK_MS);
  timer.unref();
}

/**
 * Prepares the machine and runs `script` (path from the project's root) with `args` under Node 26. Forwards signals to
 * the script, which ends by itself, and returns its exit status. If this process is killed, the script's channel
 * closes.
 */
export function bootstrap(script, args) {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE_MAJOR)
    fail('FIM-UP-0002', `Node ${process.versions.node} runs this; it must be ${OLDEST_NODE_MAJOR} or newer`);
  if (!packagesAreCurrent()) installPackages();
  const node = installedNode() ?? installNode();
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(ROOT, script), ...args], {
    // Node keeps what it makes of TypeScript, by content: a start costs a third, and the tests make hundreds of them.
    env: { NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node'), ...process.env },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  watchNpm(() => child.kill('SIGTERM'));
  child.on('error', (error) => fail('FIM-UP-0002', error.message));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + (os.signals[signal] ?? 0)));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2);
  if (!script || !existsSync(join(ROOT, script))) {
    say('usage: node scripts/bootstrap.mjs SCRIPT.ts [ARGUMENTS…]');
    process.exit(2);
  }
  bootstrap(script, args);
}
