import { Command } from 'commander';
import type { AuditServeFlags } from './audit-serve.ts';
import type { AuditVerifyFlags } from './audit-verify.ts';
import { addCredentialOptions, addSettingOptions } from './kms-options.ts';

/** `fim audit …`: the log of audit from the command line. */
export function auditCommand(finish: (status: number) => void): Command {
  const audit = new Command('audit').description('The log of audit: collect, verify, prove, read.');
  const serve = audit
    .command('serve')
    .description('Collect records of proxies and processes in a folder, durable before they are acknowledged.')
    .requiredOption('--data <dir>', 'folder of the log, made if absent; one collector writes it')
    .option('--listen <host:port>', 'where writers post; port 0 takes a free one', '127.0.0.1:9466')
    .option('--origin <name>', 'name of a new log in its checkpoints (default: one by chance)')
    .option('--key <id>', 'kms:// id of the SM2 key that signs checkpoints (default: a development key in the folder)')
    .option('--kms <url>', 'the key service of --key')
    .option('--token-file <file>', 'tokens of writers, one a line; read again when it is replaced')
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-client-ca <file>', 'authorities of certificates that writers must have, PEM')
    .option('--keep-days <n>', 'cut segments older than this; the cut is itself recorded')
    .option('--keep-size <size>', 'cut the oldest segments of a larger log, as 500GiB');
  addSettingOptions(addCredentialOptions(serve), ['kms-path-prefix']).action(async (flags: AuditServeFlags) =>
    finish(await (await import('./audit-serve.ts')).serveAudit(flags)),
  );
  audit
    .command('verify')
    .description(
      'Verify a log from its files. Exit status 0: intact and complete, 1: changed, 2: wrong command line, 3: intact, and numbers of a source are missing.',
    )
    .argument('<folder>', 'folder of the log')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: the log must have grown from them')
    .option('--key <file>', 'public keys whose checkpoints count, PEM (default: those that the folder names)')
    .option('--all', 'check the signature of each checkpoint')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, flags: AuditVerifyFlags) =>
      finish(await (await import('./audit-verify.ts')).verifyAudit(folder, flags)),
    );
  return audit;
}
