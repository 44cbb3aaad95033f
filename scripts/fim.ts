// The command line. `node scripts/fim.mjs` runs it on any Node >= 20.
import type { CoverageFlags } from './fim/coverage.ts';
import type { DecryptOptions } from './fim/decrypt.ts';
import { Command, CommanderError } from 'commander';
import { addLogOptions } from './fim/audit-log-options.ts';
import { auditCommand } from './fim/audit-commands.ts';
import { addCredentialOptions, addSettingOptions } from './fim/kms-options.ts';
import { canaryCommand } from './fim/canary-commands.ts';
import { channelsCommand } from './fim/channels-commands.ts';
import { kmsCommand } from './fim/kms-commands.ts';
import { breakerCommand } from './fim/breaker-commands.ts';
import { limitsCommand } from './fim/limits-commands.ts';
import { releaseCommand } from './fim/release-commands.ts';
import { speak } from './fim/language.ts';
import { tell } from './fim/terminal.ts';
import { tlcpCommand } from './fim/tlcp-commands.ts';
import type { ExplainFlags } from './fim/mask-explain.ts';
import type { RenderFlags } from './fim/render.ts';
import type { DiffFlags } from './fim/diff.ts';
import { EXAMPLE } from './fim/test-example.ts';
import { LINE_EXAMPLE } from './fim/replay-example.ts';
import type { ReplayFlags } from './fim/replay.ts';
import type { TestFlags } from './fim/test.ts';
import type { UnmaskFlags } from './fim/unmask.ts';
import type { UpFlags } from './fim/up.ts';

const LAYOUT_HELP = 'fused (fim.wasm with all stages) or separate (one filter for each stage)';
const EVENTS_HELP = `
Events with --json, one object a line:
  {"event":"ready","listen":"HOST:PORT","admin":"HOST:PORT","upstream":URL,"kms":URL,…}     Envoy takes connections
  {"event":"applied","routes":[…],"tookMs":…,"generation":…,"conditions":[…],…}             in force in every worker
  {"event":"rejected","file":…,"errors":[{"code":…,"path":…,"message":…,"line":…}]}         refused; what was in force stays
  {"event":"warning","code":…,"message":…,"key":…}                                          will be tried again; a key that cannot be had is named
  {"event":"audit","folder":…,"origin":…,"developmentKey":…}                                records of routes with "audit" go to that folder
  {"event":"rotated","key":…,"version":…,"before":…}                                        the KMS has another version of a key
  {"event":"breaker","route":…,"state":…,"before":…}                                        a breaker has turned, while there is a log of audit
  {"event":"recovered","key":…}                                                             a key is available again; "service": that of global limits answers again
`;

/** Receives the exit status of a verb. */
type Finish = (status: number) => void;

function addUp(program: Command, finish: Finish): void {
  const up = program
    .command('up')
    .description(
      'Run Envoy with the FinancialRoutes of files and folders, and keep them live. Without files: two samples, to try.',
    )
    .argument('[paths...]', 'route files (.yaml, .yml, .json) or folders of them')
    .option('--listen <host:port>', 'where clients connect; port 0 takes a free one', '127.0.0.1:10000')
    .option('--admin <host:port>', "Envoy's admin interface", '127.0.0.1:9901')
    .option(
      '--upstream <url>',
      'the service behind routes without `channels`: http://, https:// or h2c:// (default: a demonstration service on loopback)',
    )
    .option('--region <name>', 'region of this proxy: channels of that region come first')
    .option(
      '--kms <url>',
      'the key service, KV version 2 and transit as Vault and OpenBao serve them (default: a development KMS on loopback)',
    );
  addSettingOptions(addCredentialOptions(up))
    .option('--kms-data <dir>', 'folder of the development KMS, made if absent (default: a temporary one)')
    .option('--concurrency <n>', "Envoy's worker threads (default: one for each processor)")
    .option(
      '--max-heap <size>',
      "Envoy's heap, as 512MiB or 2GiB; near it streams and requests are refused (default: half of the memory, at most 2GiB)",
    )
    .option('--request-timeout <time>', 'time for a whole request to arrive, as 30s or 10m', '120s')
    .option(
      '--held-per-address <size>',
      'bodies that a worker holds for the verdicts of one client address; 256MiB where a balancer hides all clients behind one (default: 128MiB)',
    )
    .option('--ocsp <url>', 'OCSP responder for routes with `tls.ocsp`: http:// or https://, with its path')
    .option(
      '--tls-cert <file>',
      'certificate of ordinary TLS and those of its authorities, PEM, for routes with `tls.alsoTls`; renewed by rename',
    )
    .option('--tls-key <file>', 'its private key, PEM')
    .option(
      '--limits <url>',
      "the service that counts limits with `scope: Global`, by Envoy's rate-limit protocol: h2c:// or https://",
    )
    .option(
      '--limits-health <how>',
      "how it is asked whether it is well: grpc (gRPC's health protocol), tcp, or http(s)://HOST:PORT/PATH of the same host",
      'grpc',
    )
    .option('--audit <url>', 'the collector of the records of routes with `audit`: http://, h2c:// or https://')
    .option(
      '--audit-data <dir>',
      'folder of the log of audit; policies and keys are recorded in it from the start (default: begun by the first route with `audit`, in the folder of --state)',
    );
  addLogOptions(up, 'audit-')
    .option('--no-tlcp', 'leave national TLS to what stands in front: serve HTTP, routes with `tls` on loopback only')
    .option('--no-watch', 'do not take changes of files live')
    .option('--json', 'print events, one JSON object a line')
    .option('--modules <layout>', LAYOUT_HELP, 'fused')
    .option('--module-folder <dir>', 'take NAME.wasm from there instead of building them')
    .option(
      '--access-log <file>',
      'append one line for each request, without paths and headers; the only value is what routes extract as txn_id',
    )
    .option(
      '--state <dir>',
      'folder of what outlives a restart: the log of audit, the step of a canary (default: one for these files and --listen in $XDG_DATA_HOME/fim/up)',
    )
    .option('--proxy-log', "show Envoy's log")
    .addHelpText('after', EVENTS_HELP)
    .action(async (paths: string[], flags: UpFlags) => finish(await (await import('./fim/up.ts')).up(paths, flags)));
}

function addRender(program: Command, finish: Finish): void {
  const render = program
    .command('render')
    .description('Print what would be applied.')
    .argument('<paths...>', 'route files or folders')
    .requiredOption(
      '--for <target>',
      'envoy (bootstrap and discovered files) or istio (the objects that the operator would make)',
    )
    .option('--json', 'print one JSON object, by file name, instead of YAML documents')
    .option('--modules <layout>', LAYOUT_HELP, 'fused')
    .option('--module-url <url>', 'istio: where proxies fetch the module; {sha256} is replaced')
    .option('--kms <url>', 'istio: the key service that proxies call')
    .option('--audit <url>', 'istio: the collector of audit records that proxies call')
    .option('--limits <url>', 'istio: the service that counts global limits');
  addSettingOptions(render).action(async (paths: string[], flags: RenderFlags) =>
    finish(await (await import('./fim/render.ts')).render(paths, flags)),
  );
}

function addDecrypt(program: Command, finish: Finish): void {
  const decrypt = program
    .command('decrypt')
    .description(
      'Open an encrypted body from standard input and write the plaintext, with OpenSSL and sm-crypto: nothing is shared with the filter.',
    )
    .requiredOption('--kms <url>', 'the key service');
  addSettingOptions(addCredentialOptions(decrypt), ['kms-path-prefix', 'kms-transit-mount'])
    .option('--profile <profile>', 'raw, hex or base64: bodies that do not say what they are')
    .option('--algorithm <name>', 'their algorithm (default: SM4-GCM)')
    .option('--key <id>', 'their key, kms://path#version')
    .action(async (flags: DecryptOptions) => {
      await (await import('./fim/decrypt.ts')).decrypt(flags);
      finish(0);
    });
}

function addUnmask(program: Command, finish: Finish): void {
  const unmask = program
    .command('unmask')
    .description(
      'Turn a masked value (a token, or one of FF1) from standard input back, for who may read its key. Who, when, which key and why go to the trail first; the value does not.',
    )
    .requiredOption('--kms <url>', 'the key service')
    .requiredOption('--key <id>', 'key of the rule that masked it: kms://path; for FF1 with its version, kms://path#1')
    .requiredOption('--reason <text>', 'why; goes to the trail')
    .requiredOption('--trail <file>', 'append-only file; without it nothing is opened');
  addSettingOptions(addCredentialOptions(unmask), ['kms-path-prefix'])
    .option('--algorithm <name>', 'SM4-GCM, AES-256-GCM (tokens), FF1-SM4, FF1-AES-256', 'SM4-GCM')
    .option('--tweak <text>', 'FF1: tweak of the rule')
    .option('--alphabet <name>', 'FF1: Digits, Upper, Letters', 'Digits')
    .option('--check <name>', 'FF1: Luhn, IdCard, if the rule keeps a check character')
    .option('--keep-first <n>', 'FF1: characters that the rule leaves at the front')
    .option('--keep-last <n>', 'FF1: and at the end')
    .action(async (flags: UnmaskFlags) => {
      await (await import('./fim/unmask.ts')).unmask(flags);
      finish(0);
    });
}

function addMask(program: Command, finish: Finish): void {
  program
    .command('mask')
    .description('Look at masking.')
    .exitOverride()
    .command('explain')
    .exitOverride()
    .description(
      "Run a message through a route's masking, by the module itself, and say of each value that is hidden where it stands, why, and what it becomes; for a caller to whom nothing is shown.",
    )
    .argument('<file>', 'the message; - for standard input')
    .requiredOption('--route <file>', 'file or folder of FinancialRoutes')
    .option('--name <name>', 'the route, if there are several with masking')
    .option('--direction <direction>', 'Request or Response', 'Response')
    .option('--content-type <type>', "content type of the message (default: by the route's format)")
    .option('--path <path>', 'path and query of a request (default: /)')
    .option('--header <line...>', "headers of the message, 'name: value' each")
    .option('-o, --output <form>', 'text or json', 'text')
    .option('--show-values', 'show values as they are written in the message; on a terminal only')
    .action(async (file: string, flags: ExplainFlags) =>
      finish(await (await import('./fim/mask-explain.ts')).maskExplain(file, flags)),
    );
}

function addTest(program: Command, finish: Finish): void {
  program
    .command('test')
    .description(
      'Run test cases of policies (files NAME.test.yaml) against the very module, without Envoy. Exit status 0: all hold, 1: one does not, 2: wrong command line.',
    )
    .argument('[paths...]', 'files of cases, and folders of them (default: this folder)')
    .option('--only <text>', 'cases whose names hold this text')
    .option('--coverage', 'name the rules without which every case still holds: nothing tests them')
    .option('--watch', 'run again whenever a file below the paths changes')
    .option('-v, --verbose', 'name cases that hold, too')
    .option('-o, --output <form>', 'text, json, or github (annotations of its Actions)', 'text')
    .option('--junit <file>', 'write a report in the form of JUnit, too')
    .addHelpText('after', EXAMPLE)
    .action(async (paths: string[], flags: TestFlags) =>
      finish(await (await import('./fim/test.ts')).test(paths, flags)),
    );
}

function addReplay(program: Command, finish: Finish): void {
  program
    .command('replay')
    .description(
      'Run recorded traffic (HAR, or JSON lines) through a policy and the next one, in the very module, and say what would change: by verdict, code, route and place. Exit status 0, or 1 for a wrong policy.',
    )
    .argument('<files...>', 'NAME.har, and files of JSON lines')
    .requiredOption('--policy <path>', 'file or folder of the resources as they are')
    .option('--next <path>', 'the same as they would be')
    .option('--fail-on-change', 'exit status 1, too, if a message would fare differently')
    .option('-o, --output <form>', 'text or json', 'text')
    .addHelpText('after', LINE_EXAMPLE)
    .action(async (files: string[], flags: ReplayFlags) =>
      finish(await (await import('./fim/replay.ts')).replayFiles(files, flags)),
    );
}

function addDiff(program: Command, finish: Finish): void {
  program
    .command('diff')
    .description(
      'Say what a change of policies means: what becomes weaker, what stricter, and what must be read. Defaults, short forms and the order of entries do not count. Exit status 0, or 1 for a wrong resource.',
    )
    .argument('<old>', 'file or folder of resources as they are')
    .argument('<new>', 'the same as they would be')
    .option('--fail-on-weaker', 'exit status 1, too, if something becomes weaker')
    .option('-o, --output <form>', 'text or json', 'text')
    .action(async (before: string, after: string, flags: DiffFlags) =>
      finish((await import('./fim/diff.ts')).diff(before, after, flags)),
    );
}

function addCoverage(program: Command, finish: Finish): void {
  program
    .command('coverage')
    .description(
      'Show what becomes of connections at each port and listener of a mesh. Exit status 0: each is enforced or refused, 1: one is not, 2: wrong command line.',
    )
    .option('--kubeconfig <file>', "the cluster (default: kubectl's)")
    .option('--context <name>', 'context of the kubeconfig')
    .option(
      '-n, --namespace <name...>',
      'namespaces (default: all that have a route, or that a baseline with overrides reaches)',
    )
    .option('--root-namespace <name>', 'root namespace of the mesh', 'istio-system')
    .option('--format <format>', 'table or json', 'table')
    .option(
      '--strict',
      'exit status 1, too, where the routes of a port take some of its requests only, or only observe, where objects of others may answer in their place, and where something could not be read',
    )
    .action(async (flags: CoverageFlags) => finish(await (await import('./fim/coverage.ts')).coverage(flags)));
}

function commands(finish: Finish): Command {
  const program = new Command('fim').description(
    'Financial policies for Envoy: validate, limit, mask and encrypt messages, with Chinese national cryptography.',
  );
  program.option(
    '--lang <language>',
    'language of errors on the terminal, en or zh (default: by LC_ALL, LC_MESSAGES or LANG)',
  );
  program.hook('preAction', (root) => {
    const { lang } = root.opts<{ lang?: string }>();
    if (lang !== undefined) speak(lang);
  });
  program.showHelpAfterError('(fim --help, or fim VERB --help, tells more)').exitOverride();
  addUp(program, finish);
  program
    .command('validate')
    .description(
      'Check FinancialRoutes as one proxy would get them. Exit status 0: valid, 1: invalid, 2: wrong command line.',
    )
    .argument('<paths...>', 'route files or folders')
    .option('--json', 'print one JSON object')
    .option('--modules <layout>', LAYOUT_HELP, 'fused')
    .action(async (paths: string[], flags: { json?: boolean; modules: string }) =>
      finish(await (await import('./fim/validate.ts')).validate(paths, flags)),
    );
  addTest(program, finish);
  addReplay(program, finish);
  addDiff(program, finish);
  addRender(program, finish);
  addCoverage(program, finish);
  addDecrypt(program, finish);
  addUnmask(program, finish);
  addMask(program, finish);
  program.addCommand(kmsCommand(finish).exitOverride());
  program.addCommand(tlcpCommand(finish));
  program.addCommand(limitsCommand(finish));
  program.addCommand(breakerCommand(finish));
  program.addCommand(channelsCommand(finish));
  program.addCommand(auditCommand(finish));
  program.addCommand(canaryCommand(finish));
  program.addCommand(releaseCommand(finish));
  program
    .command('version')
    .description('Print versions and the sha256 of each module.')
    .option('--json', 'print one JSON object')
    .action(async (flags: { json?: boolean }) => {
      (await import('./fim/version.ts')).version(flags);
      finish(0);
    });
  return program;
}

/** Runs the command line and loads only the modules that the verb needs. Returns the exit status. */
async function main(args: string[]): Promise<number> {
  let status = 2;
  try {
    await commands((result) => (status = result)).parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    // Commander has printed its own errors already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return tell(error);
  }
}

const status = await main(process.argv.slice(2));
// Exits after pipes have taken all output. Other open handles do not delay it.
process.stdout.write('', () => process.exit(status));
