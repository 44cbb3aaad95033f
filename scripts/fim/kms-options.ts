// Options that describe the KMS, shared by the verbs that use one.
import type { Command } from 'commander';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import type { KmsSettingName, KmsSettings } from '../../envoy/route/index.ts';
import { KMS_SETTINGS, readKmsSettings } from '../../envoy/route/index.ts';

/** The flags of KMS_SETTINGS, as commander gives them. */
export interface KmsSettingFlags {
  kmsPathPrefix?: string;
  kmsTransitMount?: string;
  kmsTimeoutMs?: string;
  kmsHoldMs?: string;
  kmsRefreshMs?: string;
}

export function addCredentialOptions(command: Command): Command {
  return command
    .option(
      '--kms-token-file <file>',
      'token for the KMS; Envoy adds it, and takes a new one when the file is replaced',
    )
    .option('--kms-token-header <name>', 'X-Vault-Token or Authorization (as Bearer)')
    .option('--kms-namespace <name>', "Vault's namespace")
    .option('--kms-ca <file>', "authorities of the KMS's certificate, PEM (default: the system's)")
    .option('--kms-cert <file>', 'client certificate for the KMS, PEM')
    .option('--kms-key <file>', 'its key, PEM');
}

export function addSettingOptions(command: Command, names = Object.keys(KMS_SETTINGS) as KmsSettingName[]): Command {
  for (const name of names)
    command.option(
      `--${name} <${name.endsWith('-ms') ? 'n' : name === 'kms-transit-mount' ? 'mount' : 'path'}>`,
      KMS_SETTINGS[name],
    );
  return command;
}

const FLAGS: Record<KmsSettingName, keyof KmsSettingFlags> = {
  'kms-path-prefix': 'kmsPathPrefix',
  'kms-transit-mount': 'kmsTransitMount',
  'kms-timeout-ms': 'kmsTimeoutMs',
  'kms-hold-ms': 'kmsHoldMs',
  'kms-refresh-ms': 'kmsRefreshMs',
};

/** Reads them. Error: FIM-UP-0020. */
export function readSettingFlags(flags: KmsSettingFlags): KmsSettings {
  const settings = readKmsSettings((name) => flags[FLAGS[name]]);
  if (typeof settings === 'string') throw new CodedError('FIM-UP-0020', settings);
  return settings;
}
