import { Command } from 'commander';
import type { CheckpointsFlags } from './audit-collect.ts';
import type { AuditOpenFlags } from './audit-open.ts';
import type { AuditExportFlags, AuditFilterFlags } from './audit-read.ts';
import type { AuditStatusFlags } from './audit-status.ts';
import type { AuditServeFlags } from './audit-serve.ts';
import type { AuditVerifyFlags } from './audit-verify.ts';
import { addLogOptions } from './audit-log-options.ts';
import { addCredentialOptions, addSettingOptions } from './kms-options.ts';

const FOLDER = ['[folder]', 'folder of the log (default: the only one of `fim up`)'] as const;

function addFilters(command: Command): Command {
  return command
    .option('--kind <kind>', 'of this kind: message, key, policy, …')
    .option('--source <id>', 'of this source')
    .option('--route <name>', 'of this route, namespace/name')
    .option('--subject <id>', 'of this subject_id')
    .option('--code <code>', 'with this code')
    .option('--from <time>', 'not before: 2026-11-30 or 2026-11-30T08:00:00Z')
    .option('--to <time>', 'not after')
    .option('--limit <n>', 'no more than this many');
}

function addReading(audit: Command, finish: (status: number) => void): void {
  const folder = FOLDER;
  addFilters(audit.command('show').description('Print records, one a line. Exit status 1: there is none.'))
    .argument(...folder)
    .option('--json', 'whole records')
    .action(async (dir: string | undefined, flags: AuditFilterFlags) =>
      finish((await import('./audit-read.ts')).showAudit(dir, flags)),
    );
  addFilters(audit.command('grep').description('Print records whose JSON has a text.'))
    .argument('<text>', 'what to look for, as it stands in JSON')
    .argument(...folder)
    .option('--json', 'whole records')
    .action(async (text: string, dir: string | undefined, flags: AuditFilterFlags) =>
      finish((await import('./audit-read.ts')).showAudit(dir, flags, text)),
    );
  addFilters(audit.command('export').description('Write records for other programs.'))
    .argument(...folder)
    .option('--format <format>', 'jsonl or csv', 'jsonl')
    .option('-o, --output <file>', 'a new file (default: standard output)')
    .action(async (dir: string | undefined, flags: AuditExportFlags) =>
      finish((await import('./audit-read.ts')).exportAudit(dir, flags)),
    );
  audit
    .command('prove')
    .description(
      'Prove that a record is in the log, to somebody who has neither: services/audit/check-proof.py checks it.',
    )
    .argument('<event>', 'event_id, or number in the log')
    .argument(...folder)
    .option('--key <file>', 'public keys whose checkpoints count, PEM (default: those that the folder names)')
    .option('-o, --output <file>', 'file for the proof (default: standard output)')
    .action(async (event: string, dir: string | undefined, flags: { key?: string; output?: string }) =>
      finish(await (await import('./audit-read.ts')).proveAudit(dir, event, flags)),
    );
}

function addOpening(audit: Command, finish: (status: number) => void): void {
  const open = audit
    .command('open')
    .description('Print the plaintext of a sealed field. That it was opened, by whom and why is recorded first.')
    .argument('<event>', 'event_id, or number in the log')
    .argument(...FOLDER)
    .requiredOption('--field <name>', 'name in data_masked')
    .requiredOption('--reason <text>', 'why; goes into the record')
    .requiredOption('--kms <url>', 'the key service')
    .option(
      '--collector <url>',
      'the collector that writes the folder (default: the one that runs on this machine; if none does, the record is written here)',
    )
    .option('--collector-token-file <file>', 'its token')
    .option('--collector-ca <file>', "authorities of its certificate, PEM (default: the system's)");
  addSettingOptions(addCredentialOptions(open), ['kms-path-prefix']).action(
    async (event: string, dir: string | undefined, flags: AuditOpenFlags) =>
      finish(await (await import('./audit-open.ts')).openAudit(dir, event, flags)),
  );
}

/** `fim audit …`: the log of audit from the command line. */
export function auditCommand(finish: (status: number) => void): Command {
  const audit = new Command('audit').description('The log of audit: collect, verify, prove, read.');
  const serve = audit
    .command('serve')
    .description('Collect records of proxies and processes in a folder, durable before they are acknowledged.')
    .requiredOption('--data <dir>', 'folder of the log, made if absent; one collector writes it')
    .option('--listen <host:port>', 'where writers post; port 0 takes a free one', '127.0.0.1:9466')
    .option('--origin <name>', 'name of a new log in its checkpoints (default: one by chance)')
    .option('--kms <url>', 'the key service of --key')
    .option('--token-file <file>', 'tokens of writers, one a line; read again when it is replaced')
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-client-ca <file>', 'authorities of certificates that writers must have, PEM')
    .option(
      '--witness-for <origin=keys.pem...>',
      'sign checkpoints of these logs of other collectors, if they have grown; kept in witnessed/',
    );
  addLogOptions(serve);
  addSettingOptions(addCredentialOptions(serve), ['kms-path-prefix']).action(async (flags: AuditServeFlags) =>
    finish(await (await import('./audit-serve.ts')).serveAudit(flags)),
  );
  audit
    .command('verify')
    .description(
      'Verify a log from its files. Exit status 0: intact and complete, 1: changed, 2: wrong command line, 3: intact, and numbers of a source are missing.',
    )
    .argument(...FOLDER)
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: the log must have grown from them')
    .option('--key <file>', 'public keys whose checkpoints count, PEM (default: those that the folder names)')
    .option(
      '--witness-key <file>',
      'checkpoints of --checkpoint must have the signature of a witness with this key, PEM',
    )
    .option(
      '--tlog-key <key>',
      'they must have a proof of the transparency log with this key: NAME+HASH+KEY, or a file',
    )
    .option('--all', 'check the signature of each checkpoint')
    .option('--json', 'print one JSON object')
    .action(async (folder: string | undefined, flags: AuditVerifyFlags) =>
      finish(await (await import('./audit-verify.ts')).verifyAudit(folder, flags)),
    );
  audit
    .command('checkpoints')
    .description(
      'Read a transparency log whole and write the checkpoints of a log in it, for fim audit verify --checkpoint. Exit status 1: there is none.',
    )
    .requiredOption('--tlog <url>', 'where its checkpoint and tiles are')
    .requiredOption('--tlog-key <key>', 'its key: NAME+HASH+KEY, or a file with it')
    .requiredOption('--origin <name>', 'name of the log, as log.json has it')
    .option('--anchor-ca <file>', "authorities of its certificate, PEM (default: the system's)")
    .option('-o, --output <file>', 'file for them (default: standard output)')
    .action(async (flags: CheckpointsFlags) =>
      finish(await (await import('./audit-collect.ts')).collectCheckpoints(flags)),
    );
  audit
    .command('status')
    .description(
      'How a log stands, by its files and by its collector. Exit status 1: the collector cannot write, or does not answer.',
    )
    .argument(...FOLDER)
    .option('--collector <url>', 'the collector (default: the one that runs on this machine)')
    .option('--collector-token-file <file>', 'its token')
    .option('--collector-ca <file>', "authorities of its certificate, PEM (default: the system's)")
    .option('--json', 'print one JSON object')
    .action(async (folder: string | undefined, flags: AuditStatusFlags) =>
      finish(await (await import('./audit-status.ts')).auditStatus(folder, flags)),
    );
  addReading(audit, finish);
  addOpening(audit, finish);
  return audit;
}
