import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { OnEvent, StackEvent } from '../../envoy/standalone/events.ts';
import { parseAddress } from '../../envoy/standalone/address.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { readLogFlags } from './audit-log-options.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import type { Loaded } from '../../envoy/standalone/policy.ts';
import { loadPolicy } from '../../envoy/standalone/policy-loader.ts';
import type { Stack, StackOptions } from '../../envoy/standalone/stack.ts';
import { startStack } from '../../envoy/standalone/stack.ts';
import { TLCP_MODULE } from '../../envoy/route/index.ts';
import { filterSlots } from '../../envoy/xds/index.ts';
import { buildModules } from '../build.ts';
import type { KmsFlags } from './kms-credentials.ts';
import { readKmsCredentials } from './kms-credentials.ts';
import type { KmsSettingFlags } from './kms-options.ts';
import { readSettingFlags } from './kms-options.ts';
import {
  readConcurrency,
  readHeap,
  readHeldPerAddress,
  readLayout,
  readLimitHealth,
  readLimitService,
  readPeer,
  readRequestTimeout,
  readResponder,
  readTlsIdentity,
} from './options.ts';
import { stateFolder } from './places.ts';
import { ROOT } from './project.ts';
import { progress } from './terminal.ts';
import { developmentIdentity } from './tlcp-development.ts';
import { Transcript } from './transcript.ts';
import { UpAudit } from './up-audit.ts';

/** Routes that `fim up` serves if no file is named. */
const SAMPLES = ['istio/samples/fund-redemption-v2.yaml', 'istio/samples/card-query.yaml'];

/** Exit status after a signal, as shells use it for SIGINT. */
const INTERRUPTED = 130;

/** The flags of `fim up`, as commander gives them. */
export interface UpFlags extends KmsFlags, KmsSettingFlags {
  listen: string;
  admin: string;
  upstream?: string;
  region?: string;
  concurrency?: string;
  maxHeap?: string;
  requestTimeout: string;
  heldPerAddress?: string;
  watch: boolean;
  tlcp: boolean;
  ocsp?: string;
  tlsCert?: string;
  tlsKey?: string;
  limits?: string;
  limitsHealth: string;
  audit?: string;
  auditData?: string;
  json?: boolean;
  modules: string;
  moduleFolder?: string;
  accessLog?: string;
  state?: string;
  proxyLog?: boolean;
}

/** `fim up`: runs until a signal arrives or Envoy ends. Returns the exit status. */
export async function up(paths: string[], flags: UpFlags): Promise<number> {
  const demonstration = paths.length === 0;
  const files = demonstration ? SAMPLES.map(samplePath) : paths;
  const transcript = new Transcript(demonstration, flags.watch);
  const say = flags.json
    ? (event: StackEvent) => void process.stdout.write(`${JSON.stringify(event)}\n`)
    : (event: StackEvent) => transcript.tell(event);
  const settings = readFlags(flags);
  const heldPerAddressBytes = flags.heldPerAddress === undefined ? undefined : readHeldPerAddress(flags.heldPerAddress);
  const state = flags.state === undefined ? stateFolder(files, flags.listen) : resolve(flags.state);
  const audit = auditOf(flags, settings, state, say);
  const stopping = untilSignal();
  // While nothing has been started, a signal ends the process at once.
  let starting = false;
  void stopping.then(() => starting || process.exit(INTERRUPTED));
  const [envoy] = await Promise.all([envoyBinary(progress), prepareModules(flags, settings.layout)]);
  starting = true;
  const onEvent = (event: StackEvent): void => {
    say(event);
    audit.note(event);
  };
  try {
    if (flags.auditData !== undefined) await audit.begin();
    const load = async (): Promise<Loaded> => {
      const loaded = await loadPolicy(files, settings.layout, {
        kms: settings.kmsSettings,
        heldPerAddressBytes,
        terminatesTlcp: flags.tlcp,
        hasTlsIdentity: settings.tlsIdentity !== undefined,
        ...(flags.region === undefined ? {} : { region: flags.region }),
        countsGlobally: settings.limits !== undefined,
        collects: true,
      });
      const problem = loaded.policy && (await audit.serve(loaded.policy));
      return problem === undefined ? loaded : { problems: [problem] };
    };
    const stack = await startStack({
      ...settings,
      audit: audit.terms,
      envoy,
      moduleFolder: moduleFolder(flags),
      ...(flags.tlcp ? { developmentIdentity: () => developmentIdentity(hostsOf(settings.listen.host)) } : {}),
      load,
      stateFolder: state,
      watched: flags.watch ? files.map((file) => resolve(file)) : null,
      onEvent,
      onLog: flags.proxyLog ? (line) => void process.stderr.write(`envoy ${line}\n`) : undefined,
    });
    if (!stack) return 1;
    return await runUntil(stack, stopping);
  } finally {
    // Envoy has ended, and its last records are here.
    await audit.stop();
  }
}

/** Who has the records: a collector of this process, or one elsewhere. */
function auditOf(
  flags: UpFlags,
  { audit, kms, kmsCredentials = {}, kmsSettings = {} }: ReturnType<typeof readFlags>,
  state: string,
  say: OnEvent,
): UpAudit {
  const terms = readLogFlags({ ...flags }, 'audit-');
  if (audit !== undefined) {
    if (Object.keys(terms).length > 0)
      throw new CodedError('FIM-UP-0020', '--audit names a collector elsewhere: how it keeps its log is set there');
    return new UpAudit(audit, say);
  }
  if (terms.key !== undefined && kms === undefined)
    throw new CodedError('FIM-UP-0020', '--audit-key is a key of the KMS that --kms names');
  const access = kms === undefined ? {} : { kms: { url: kms, credentials: kmsCredentials, ...kmsSettings } };
  return new UpAudit(
    { ...terms, ...access, folder: flags.auditData === undefined ? join(state, 'audit') : resolve(flags.auditData) },
    say,
  );
}

/** Names in a development certificate. */
function hostsOf(listen: string): string[] {
  return [...new Set(['localhost', '127.0.0.1', ...(/^\d+\.\d+\.\d+\.\d+$/.test(listen) ? [listen] : [])])];
}

/** Shortest path of the sample from the current folder. */
function samplePath(sample: string): string {
  const near = relative(process.cwd(), join(ROOT, sample));
  return near.startsWith('..') ? join(ROOT, sample) : near;
}

function readFlags(
  flags: UpFlags,
): Pick<
  StackOptions,
  | 'listen'
  | 'admin'
  | 'upstream'
  | 'kms'
  | 'ocsp'
  | 'tlsIdentity'
  | 'limits'
  | 'audit'
  | 'kmsCredentials'
  | 'kmsSettings'
  | 'kmsData'
  | 'concurrency'
  | 'maxHeapBytes'
  | 'requestTimeoutMs'
  | 'layout'
  | 'accessLog'
> {
  if (flags.audit !== undefined && flags.auditData !== undefined)
    throw new CodedError(
      'FIM-UP-0020',
      '--audit names a collector elsewhere, --audit-data runs one here: give one of them',
    );
  return {
    listen: parseAddress(flags.listen, '--listen'),
    admin: parseAddress(flags.admin, '--admin'),
    upstream: flags.upstream === undefined ? undefined : readPeer(flags.upstream, '--upstream'),
    kms: flags.kms === undefined ? undefined : readPeer(flags.kms, '--kms'),
    ocsp: flags.ocsp === undefined ? undefined : readResponder(flags.ocsp),
    tlsIdentity: readTlsIdentity(flags),
    limits: readLimits(flags),
    ...(flags.audit === undefined ? {} : { audit: { url: readPeer(flags.audit, '--audit') } }),
    kmsCredentials: readKmsCredentials(flags),
    kmsSettings: readSettingFlags(flags),
    kmsData: flags.kmsData === undefined ? undefined : resolve(flags.kmsData),
    concurrency: flags.concurrency === undefined ? availableParallelism() : readConcurrency(flags.concurrency),
    ...(flags.maxHeap === undefined ? {} : { maxHeapBytes: readHeap(flags.maxHeap) }),
    requestTimeoutMs: readRequestTimeout(flags.requestTimeout),
    layout: readLayout(flags.modules),
    accessLog: flags.accessLog === undefined ? undefined : resolve(flags.accessLog),
  };
}

function readLimits({ limits, limitsHealth }: UpFlags): StackOptions['limits'] {
  if (limits === undefined) return undefined;
  const url = readLimitService(limits);
  return { url, health: readLimitHealth(limitsHealth, url) };
}

function moduleFolder(flags: UpFlags): string {
  return flags.moduleFolder === undefined ? join(ROOT, 'build') : resolve(flags.moduleFolder);
}

/** Builds outdated modules of this checkout. Modules from elsewhere are used as they are. */
async function prepareModules(flags: UpFlags, layout: StackOptions['layout']): Promise<void> {
  if (flags.moduleFolder !== undefined) return;
  await buildModules(
    [...filterSlots(layout).map((slot) => slot.module), ...(flags.tlcp ? [TLCP_MODULE] : [])],
    progress,
  );
}

async function runUntil(stack: Stack, stopping: Promise<string>): Promise<number> {
  const died = stack.envoy.ended.then((how) => ({ how }));
  const end = await Promise.race([stopping, died]);
  if (typeof end === 'string') {
    progress('stopping …');
    await stack.stop();
    return 0;
  }
  const said = stack.envoy.recentComplaints();
  await stack.stop();
  throw new CodedError('FIM-UP-0011', [end.how, ...said].join('\n'));
}

/**
 * Settles at the first signal, or when the launcher has ended. Later signals are ignored, because the shutdown has a
 * deadline.
 */
function untilSignal(): Promise<string> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, done);
    process.on('disconnect', () => done('disconnect'));
  });
}
