import type { KmsConfig } from './plugin-config.gen.ts';

/** KMS settings that differ from the modules' defaults. */
export type KmsSettings = Omit<KmsConfig, 'cluster' | 'authority'>;

/** Settings by their command line names without `--`, with their descriptions. */
export const KMS_SETTINGS = {
  'kms-path-prefix': 'path of stored keys at the KMS (default /v1/secret/data/: mount `secret`)',
  'kms-transit-mount':
    'mount of the engine that makes data keys, and first part of their ids (default transit; empty: none)',
  'kms-timeout-ms': 'longest wait for one answer of the KMS, 1 to 60000 (default 2500)',
  'kms-hold-ms': 'longest time that a request is held for its first key, 1 to 60000 (default 3000)',
  'kms-refresh-ms': 'time between looks for a newer version, 100 to 86400000 (default 2000)',
} as const;
export type KmsSettingName = keyof typeof KMS_SETTINGS;

const PREFIX = /^\/(?:[\w.-]+\/)+$/;
const MOUNT = /^(?:[\w.-]+(?:\/[\w.-]+)*)?$/;
/** Bounds as in the runtime's schema. */
const BOUNDS = {
  'kms-timeout-ms': [1, 60_000],
  'kms-hold-ms': [1, 60_000],
  'kms-refresh-ms': [100, 86_400_000],
} as const;

/** Reads the given settings. Returns an error message if one is wrong. */
export function readKmsSettings(read: (name: KmsSettingName) => string | undefined): KmsSettings | string {
  const settings: KmsSettings = {};
  const pathPrefix = read('kms-path-prefix');
  if (pathPrefix !== undefined) {
    if (!PREFIX.test(pathPrefix) || pathPrefix.length > 255)
      return '--kms-path-prefix is a path that begins and ends with a slash, as /v1/kv/data/';
    settings.pathPrefix = pathPrefix;
  }
  const transitMount = read('kms-transit-mount');
  if (transitMount !== undefined) {
    if (!MOUNT.test(transitMount) || transitMount.length > 64)
      return '--kms-transit-mount is a mount without slashes around it, as transit';
    settings.transitMount = transitMount;
  }
  for (const [name, member] of [
    ['kms-timeout-ms', 'timeoutMs'],
    ['kms-hold-ms', 'holdMs'],
    ['kms-refresh-ms', 'refreshMs'],
  ] as const) {
    const text = read(name);
    if (text === undefined) continue;
    const [least, most] = BOUNDS[name];
    const value = /^\d{1,8}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) return `--${name} ${text} is not a whole number from ${least} to ${most}`;
    settings[member] = value;
  }
  return settings;
}
