import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_MAX_HEAP_BYTES, MAX_SOCKET_PATH_BYTES, MIN_MAX_HEAP_BYTES } from '../limits.ts';
import type { AlsoTls, KmsSettings } from '../route/index.ts';
import type {
  AuditTerms,
  BootstrapPlan,
  EnvoyObject,
  FilterSlot,
  KmsCredentials,
  Layout,
  LimitServiceTerms,
  ListenerPlan,
  TlsIdentity,
} from '../xds/index.ts';
import { bootstrapConfig, filterSlots, KMS_CLUSTER, listenerResource, responderAt } from '../xds/index.ts';
import type { Address } from './address.ts';
import { assertFree, formatAddress, isLoopback } from './address.ts';
import { CanaryKeeper } from './canary-keeper.ts';
import { CanaryWatch } from './canary-watch.ts';
import { CodedError } from './coded-error.ts';
import { CONTROL_SOCKET, ControlServer } from './control-server.ts';
import { Controller } from './controller.ts';
import { DemonstrationUpstream } from './demonstration-upstream.ts';
import { DevelopmentKms } from './development-kms.ts';
import { readToken } from './kms-token.ts';
import { Door, DOOR_SOCKET, STACK_FOLDER } from './door.ts';
import { DiscoveredFiles } from './discovered-files.ts';
import { EnvoyProcess } from './envoy-process.ts';
import type { OnEvent } from './events.ts';
import { lookUpKeys } from './key-look.ts';
import { IdentityWatch } from './identity-watch.ts';
import { KeyVersions } from './key-versions.ts';
import { KeyWatch } from './key-watch.ts';
import type { KmsAccess } from './kms-client.ts';
import { kmsAnswers } from './kms-probe.ts';
import { LimitsWatch } from './limits-watch.ts';
import { LiveProof } from './live-proof.ts';
import { ModuleStore } from './module-store.ts';
import type { NeededKey } from './needed-keys.ts';
import type { Loaded } from './policy.ts';
import { ReleaseStore } from './release-store.ts';
import { RevocationWatch } from './revocation-watch.ts';
import { SealWatch } from './seal-watch.ts';
import type { DevelopmentIdentity } from './tlcp-plan.ts';
import { TlcpPlanner } from './tlcp-plan.ts';
import { Watcher } from './watcher.ts';

export interface StackOptions {
  /** Path of Envoy. */
  envoy: string;
  listen: Address;
  admin: Address;
  /** Absent: the demonstration upstream. */
  upstream?: URL;
  /** Absent: the development KMS. */
  kms?: URL;
  /**
   * The KMS that `kms` names, if it is a development KMS of the caller's: keys of development certificates go there.
   */
  developmentKms?: DevelopmentKms;
  /** The OCSP responder of routes with `tls.ocsp`: http or https, with its path. */
  ocsp?: URL;
  /** Certificate of ordinary TLS, for routes with `tls.alsoTls`. Absent: none. */
  tlsIdentity?: TlsIdentity;
  /** Collector of audit records. Absent: none. */
  audit?: AuditTerms;
  /** The service that counts global limits. Absent: none. */
  limits?: LimitServiceTerms;
  /** Envoy's credentials for the KMS. The development KMS requires the token too, if there is one. */
  kmsCredentials?: KmsCredentials;
  /** KMS settings that differ from the modules' defaults, the same that `load` received. */
  kmsSettings?: KmsSettings;
  /** Folder of the development KMS. Absent: a temporary one. */
  kmsData?: string;
  /** Worker threads of Envoy. */
  concurrency: number;
  /** Envoy's heap, bytes. Default: half of the memory that this process may use, at most DEFAULT_MAX_HEAP_BYTES. */
  maxHeapBytes?: number;
  /** Time for a whole request to arrive, milliseconds. Default: DEFAULT_REQUEST_TIMEOUT_MS. */
  requestTimeoutMs?: number;
  layout: Layout;
  /** Folder with the modules. */
  moduleFolder: string;
  /**
   * Makes development certificates for routes that ask for national TLS and name none. Absent: national TLS is not
   * terminated, as `load` has it.
   */
  developmentIdentity?: () => Promise<DevelopmentIdentity>;
  /** Folder of what outlives a restart: the state of a canary, and former releases. Absent: a temporary one. */
  stateFolder?: string;
  /** Reads the route files. */
  load: () => Promise<Loaded>;
  /** Paths to watch besides the modules. Null: watch nothing. */
  watched: readonly string[] | null;
  /** Absent: none. */
  accessLog?: string;
  onEvent: OnEvent;
  onLog?: (line: string) => void;
}

/** Everything that `fim up` runs: Envoy with its modules and routes, a KMS and an upstream. */
export interface Stack {
  envoy: EnvoyProcess;
  listen: Address;
  admin: Address;
  /** Socket of the door. Null: the folder's path is too long for one. */
  door: string | null;
  /** Path of the socket for commands. Null: the folder's path is too long for one. */
  control: string | null;
  upstreamUrl: URL;
  kmsUrl: URL;
  /** Null for an external KMS. */
  developmentKms: DevelopmentKms | null;
  /** Null for an external upstream. */
  demonstrationUpstream: DemonstrationUpstream | null;
  /** Ends everything and removes written files. */
  stop(): Promise<void>;
}

/** Clean-up steps, run in reverse order. */
type Undo = (() => Promise<unknown> | void)[];

/**
 * Starts everything and waits until the routes are in force. Returns null after a `rejected` event if the routes are
 * refused. If a later step fails, everything already started is ended. Errors: FIM-UP-0008 to -0017.
 */
export async function startStack(options: StackOptions): Promise<Stack | null> {
  const started = performance.now();
  const undo: Undo = [];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    const parts = await build(options, started, undo);
    if (parts) return { ...parts, stop };
    await stop();
    return null;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(options: StackOptions, started: number, undo: Undo): Promise<Omit<Stack, 'stop'> | null> {
  await assertFree(options.listen);
  await assertFree(options.admin);
  const folder = mkdtempSync(join(tmpdir(), STACK_FOLDER));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const kms = await startKms(options, folder, undo);
  const upstream = await startUpstream(options, undo);

  const slots = filterSlots(options.layout);
  const files = new DiscoveredFiles(join(folder, 'discovered'));
  const modules = new ModuleStore(options.moduleFolder, join(folder, 'modules'));
  const keyWatch = keyWatchOf(options, kms.url, undo);
  const tlcp = plannerOf(options, modules, kms.own);
  const plan = planOf(options, slots, files);
  const discovers = options.tlsIdentity !== undefined;
  if (discovers) await files.writeTlsSecret(options.tlsIdentity!);
  const stateFolder = options.stateFolder ?? join(folder, 'state');
  const canary = new CanaryKeeper(stateFolder, options.onEvent);
  const releases = new ReleaseStore(join(stateFolder, 'releases'));
  const controller = new Controller({
    ...(discovers ? { listener: (terms) => listenerOf(plan, files, terms) } : {}),
    keyWatch,
    slots,
    load: options.load,
    modules,
    tlcp,
    files,
    exposed: !isLoopback(options.listen.host),
    provideKeys: makerOf(kms.own),
    kmsHealthy: () => kmsAnswers(kms.url, options.kmsCredentials),
    canary,
    releases,
    onEvent: options.onEvent,
  });
  // Watching begins before the first read, so that no change falls between them.
  const startWatching = watchFiles(options, controller, tlcp, undo);
  if (!(await controller.prepare())) return null;

  const door = doorOf(folder, options);
  const bootstrap = await bootstrapOf(options, plan, files, {
    upstream: upstream.url,
    kms: kms.url,
    ...(door === null ? {} : { door: { socket: door, slots, doorFile: (slot: FilterSlot) => files.doorFile(slot) } }),
  });
  const envoy = await EnvoyProcess.start({
    binary: options.envoy,
    bootstrap,
    folder,
    concurrency: options.concurrency,
    onLog: options.onLog,
  });
  undo.push(() => envoy.stop());
  undo.push(() => controller.stop());
  const proof = new LiveProof(envoy.admin, options.concurrency, slots.length);
  const control = await takeCommands(join(folder, CONTROL_SOCKET), { canary, releases, controller, proof, door }, undo);
  const listen = { host: options.listen.host, port: envoy.listenPort };
  const admin = { host: options.admin.host, port: Number(envoy.admin.base.port) };
  options.onEvent({
    event: 'ready',
    listen: formatAddress(listen),
    admin: formatAddress(admin),
    upstream: formatUrl(upstream.url),
    kms: formatUrl(kms.url),
    envoy: options.envoy,
    pid: envoy.pid,
    door,
    control,
  });
  await controller.confirm(proof, started);
  watchProxy(envoy, options, undo);
  startWatching();
  if (!kms.own && !(await kmsAnswers(kms.url, options.kmsCredentials))) warnOfKms(options, kms.url);
  return {
    envoy,
    listen,
    admin,
    door,
    control,
    upstreamUrl: upstream.url,
    kmsUrl: kms.url,
    developmentKms: kms.own,
    demonstrationUpstream: upstream.own,
  };
}

/** Looks at the keys of the routes. */
function keyWatchOf(options: StackOptions, kms: URL, undo: Undo): KeyWatch {
  const access = accessOf(options, kms);
  const versions = new KeyVersions(options.onEvent);
  const watch = new KeyWatch(
    (keys) => lookUpKeys(keys, access, (id, version) => versions.see(id, version)),
    () => kmsAnswers(kms, options.kmsCredentials),
    options.onEvent,
  );
  undo.push(() => watch.stop());
  return watch;
}

/** Tells what the proxy's counters say of it from now on. */
function watchProxy({ admin }: EnvoyProcess, { limits, onEvent, tlsIdentity }: StackOptions, undo: Undo): void {
  if (limits !== undefined) {
    const service = new LimitsWatch(admin, formatUrl(limits.url), onEvent);
    undo.push(() => service.stop());
  }
  const seal = new SealWatch(admin, onEvent);
  undo.push(() => seal.stop());
  const revocation = new RevocationWatch(admin, onEvent);
  undo.push(() => revocation.stop());
  if (tlsIdentity !== undefined) {
    const identity = new IdentityWatch(tlsIdentity, admin, onEvent);
    undo.push(() => identity.stop());
  }
}

/** Socket of the door, in the stack's folder, which nobody else may enter. Null, and said: its path is too long. */
function doorOf(folder: string, options: StackOptions): string | null {
  const socket = join(folder, DOOR_SOCKET);
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH_BYTES) return socket;
  const error = new CodedError('FIM-UP-0060', `${socket} is longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
  options.onEvent({ event: 'warning', code: error.code, message: error.message });
  return null;
}

/** Services that the proxy asks, as far as there are some. */
function peersOf({ ocsp, limits, audit }: StackOptions): Pick<BootstrapPlan, 'ocsp' | 'limits' | 'audit'> {
  return {
    ...(ocsp === undefined ? {} : { ocsp }),
    ...(limits === undefined ? {} : { limits }),
    ...(audit === undefined ? {} : { audit }),
  };
}

async function bootstrapOf(
  options: StackOptions,
  plan: ListenerPlan,
  files: DiscoveredFiles,
  peers: Pick<BootstrapPlan, 'upstream' | 'kms' | 'door'>,
): Promise<EnvoyObject> {
  return bootstrapConfig({
    ...plan,
    ...peers,
    ...(options.tlsIdentity === undefined ? {} : { listenerFile: files.listenerFile }),
    admin: options.admin,
    ...peersOf(options),
    kmsCredentials: options.kmsCredentials,
    kmsSecretFiles: await files.writeKmsSecrets(options.kmsCredentials ?? {}),
    clustersFile: files.clustersFile,
    maxHeapBytes: options.maxHeapBytes ?? defaultHeapBytes(),
  });
}

/** Parts of a stack that commands concern. */
interface Commanded {
  canary: CanaryKeeper;
  releases: ReleaseStore;
  controller: Controller;
  proof: LiveProof;
  /** Socket of the door. */
  door: string | null;
}

/** Looks at the canary from now on, and follows commands. Returns the path of the socket. Null: it is too long for one. */
async function takeCommands(
  path: string,
  { canary, releases, controller, proof, door }: Commanded,
  undo: Undo,
): Promise<string | null> {
  const watch = new CanaryWatch(canary, controller, proof);
  undo.push(() => watch.stop());
  // The door, whose path is as long but for three letters, says so.
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) return null;
  const control = await ControlServer.start(path, {
    keeper: canary,
    watch,
    door: door === null ? null : new Door(door),
    controller,
    releases,
  });
  undo.push(() => control.stop());
  return control.path;
}

/** Makes keys in the development KMS, if there is one. */
function makerOf(own: DevelopmentKms | null): (keys: readonly NeededKey[]) => void {
  return (keys) => keys.forEach(({ id, algorithm, imported }) => imported || own?.createKey(id, algorithm));
}

/** Parts that the listener has for good. */
function planOf(options: StackOptions, slots: readonly FilterSlot[], files: DiscoveredFiles): ListenerPlan {
  return {
    ...options.listen,
    slots,
    pluginFile: (slot) => files.pluginFile(slot),
    routesFile: files.routesFile,
    ...(options.developmentIdentity === undefined ? {} : { tlcp: files.tlcpFiles }),
    accessLog: options.accessLog,
    requestTimeoutMs: options.requestTimeoutMs,
  };
}

/** The listener with this ordinary TLS, or without. */
function listenerOf(plan: ListenerPlan, files: DiscoveredFiles, terms: AlsoTls | null): EnvoyObject {
  const standingFile = (name: string): string => files.standingFile(name);
  return listenerResource({ ...plan, ordinaryTls: { secretFile: files.tlsSecretFile, standingFile, terms } });
}

async function startKms(
  options: StackOptions,
  folder: string,
  undo: Undo,
): Promise<{ url: URL; own: DevelopmentKms | null }> {
  if (options.kms) return { url: options.kms, own: null };
  const tokenFile = options.kmsCredentials?.tokenFile;
  const own = new DevelopmentKms({
    folder: options.kmsData ?? join(folder, 'kms'),
    ...(tokenFile === undefined ? {} : { token: () => readToken(tokenFile) }),
  });
  const url = await own.start();
  undo.push(() => own.stop());
  return { url, own };
}

async function startUpstream(
  options: StackOptions,
  undo: Undo,
): Promise<{ url: URL; own: DemonstrationUpstream | null }> {
  if (options.upstream) return { url: options.upstream, own: null };
  const own = new DemonstrationUpstream();
  const url = await own.start();
  undo.push(() => own.stop());
  return { url, own };
}

/** Watches from now on. Changes, including earlier ones, are applied once the returned function has been called. */
function watchFiles(options: StackOptions, controller: Controller, tlcp: TlcpPlanner, undo: Undo): () => void {
  if (!options.watched) return () => {};
  let early: number | undefined;
  let take = (since: number): void => void (early ??= since);
  const watcher = new Watcher([...options.watched, join(options.moduleFolder, 'fim.wasm')], (since) => take(since));
  tlcp.onFile = (path) => watcher.also(path);
  undo.push(() => watcher.close());
  return () => {
    take = (since) => void controller.changed(since);
    if (early !== undefined) take(early);
  };
}

/** This process's way to the KMS, the same as Envoy's. */
function accessOf({ kmsSettings = {}, kmsCredentials = {} }: StackOptions, url: URL): KmsAccess {
  const { pathPrefix, transitMount } = kmsSettings;
  return {
    url,
    credentials: kmsCredentials,
    ...(pathPrefix === undefined ? {} : { pathPrefix }),
    ...(transitMount === undefined ? {} : { transitMount }),
  };
}

function plannerOf(options: StackOptions, modules: ModuleStore, own: DevelopmentKms | null): TlcpPlanner {
  return new TlcpPlanner({
    modules,
    kms: { cluster: KMS_CLUSTER, ...options.kmsSettings },
    developmentKms: own ?? options.developmentKms ?? null,
    develop: options.developmentIdentity ?? refuseTlcp,
    ...(options.ocsp === undefined ? {} : { responder: responderAt(options.ocsp) }),
  });
}

function refuseTlcp(): never {
  throw new CodedError('FIM-UP-0032', 'this stack makes none');
}

/** Half of the memory of the machine or of the process's control group. */
function defaultHeapBytes(): number {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(MIN_MAX_HEAP_BYTES, Math.min(DEFAULT_MAX_HEAP_BYTES, Math.floor(memory / 2)));
}

function warnOfKms(options: StackOptions, kms: URL): void {
  const error = new CodedError('FIM-UP-0017', `${formatUrl(kms)}: requests that need a key get 503 until it answers`);
  options.onEvent({ event: 'warning', code: error.code, message: error.message });
}

/** Without the slash of an empty path. */
function formatUrl(url: URL): string {
  return url.href.replace(/\/$/, '');
}
