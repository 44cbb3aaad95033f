import { Command } from 'commander';
import type { ChangeFlags, CreateFlags, FolderFlags, RenewFlags, ServeFlags } from './kms.ts';

const HELP = `
A key id is kms://PATH. Keys under kms://transit/ wrap data keys and never leave the KMS. The folder is for its owner only and holds keys.json (every key encrypted by
AES-256-GCM under the storage key), storage.key (mode 0600) and audit.jsonl (who did what, never what a key is). Encryption protects copies and backups that do not hold the
storage key; who reads both files has the keys. For production name a Vault or OpenBao with fim up --kms.
`;

/** `fim kms …`: manages the development KMS. */
export function kmsCommand(finish: (status: number) => void): Command {
  const kms = new Command('kms')
    .description('Keys of the development KMS: make, rotate, list, disable, serve.')
    .addHelpText('after', HELP)
    .exitOverride();
  const verb = (name: string, about: string): Command =>
    kms
      .command(name)
      .description(about)
      .option('--data <dir>', 'folder of the keys (default: $XDG_DATA_HOME/fim/kms)')
      .option('--storage-key <file>', 'key that encrypts the folder (default: storage.key in it)')
      .option('--json', 'print one JSON object');
  verb('create', 'Make a key, at random or from a file.')
    .argument('<key>', 'kms://PATH')
    .option('--algorithm <name>', 'SM4, AES-256, HMAC-SM3, SM2-PRIVATE, SM2-PUBLIC, TDES; transit under kms://transit/')
    .option('--from <file>', 'take the key from there: bytes, or an SM2 key as PEM, DER, certificate, scalar or point')
    .option('--encoding <name>', 'how the file is written: raw, hex or base64 (default: raw where it cannot be text)')
    .option('--expires <time>', 'hard end of the version, RFC 3339')
    .action(async (key: string, flags: CreateFlags) => finish((await import('./kms.ts')).createKey(key, flags)));
  verb('rotate', 'Add a version, at random or from a file; it becomes the newest.')
    .argument('<key>', 'kms://PATH')
    .option('--from <file>', 'take the key from there')
    .option('--encoding <name>', 'how the file is written: raw, hex or base64')
    .option('--expires <time>', 'hard end of the new version, RFC 3339 (default: none)')
    .action(async (key: string, flags: CreateFlags) => finish((await import('./kms.ts')).rotateKey(key, flags)));
  verb('renew', 'Move the hard end of a version.')
    .argument('<key>', 'kms://PATH')
    .requiredOption('--expires <time>', 'RFC 3339, or never')
    .option('--version <n>', 'the version (default: the newest)')
    .action(async (key: string, flags: RenewFlags) => finish((await import('./kms.ts')).renewKey(key, flags)));
  verb('list', 'Show keys, versions and states.').action(async (flags: FolderFlags) =>
    finish((await import('./kms.ts')).listKeys(flags)),
  );
  for (const [name, about] of [
    ['disable', 'Keep a version from being read, until it is enabled again.'],
    ['enable', 'Let a disabled version be read again.'],
    ['destroy', 'Drop the material of a version for ever.'],
  ] as const) {
    verb(name, about)
      .argument('<key>', 'kms://PATH')
      .option('--version <n>', 'the version (default: the newest)')
      .action(async (key: string, flags: ChangeFlags) =>
        finish((await import('./kms.ts')).changeState(name, key, flags)),
      );
  }
  verb('serve', 'Answer on loopback, KV version 2 and transit, until a signal comes.')
    .option('--listen <host:port>', 'loopback only; port 0 takes a free one', '127.0.0.1:8200')
    .option('--token-file <file>', 'ask callers for the token in it')
    .action(async (flags: ServeFlags) => finish(await (await import('./kms.ts')).serve(flags)));
  return kms;
}
