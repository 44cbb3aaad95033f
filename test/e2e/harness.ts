import { mkdirSync, mkdtempSync } from 'node:fs';
import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StackEvent } from '../../envoy/standalone/events.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { loadPolicy } from '../../envoy/standalone/policy-loader.ts';
import type { Stack } from '../../envoy/standalone/stack.ts';
import { startStack } from '../../envoy/standalone/stack.ts';
import type { DevelopmentIdentity } from '../../envoy/standalone/tlcp-plan.ts';
import type { KmsConfig } from '../../envoy/route/index.ts';
import { TLCP_MODULE } from '../../envoy/route/index.ts';
import type { AuditTerms, KmsCredentials, Layout, LimitServiceTerms, TlsIdentity } from '../../envoy/xds/index.ts';
import { filterSlots } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { RecordingUpstream } from './recording-upstream.ts';

export const KEY_ID = 'kms://prod/fund/key-2023';
const EVENT_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

export interface HarnessOptions {
  /** FinancialRoutes, YAML. */
  routes: string;
  layout?: Layout;
  /** Workers; 2 unless told. */
  concurrency?: number;
  /** The upstream speaks HTTP/2 in clear. */
  http2Upstream?: boolean;
  /** An upstream of the test's own instead of the one that records. */
  upstream?: URL;
  /** Whether the KMS runs when Envoy starts. */
  kmsRuns?: boolean;
  /** KMS settings that differ from the modules' defaults. */
  kms?: Omit<KmsConfig, 'cluster'>;
  /** Receives the KMS before any request. */
  withKms?: (kms: DevelopmentKms) => void;
  /** The KMS keeps its keys in a folder, `kmsFolder`, and not in memory. */
  kmsOnDisk?: boolean;
  /** Token that the KMS asks for and Envoy gets from a file; see `rotateToken`. */
  token?: string;
  /** Envoy's credentials for the KMS. */
  kmsCredentials?: KmsCredentials;
  /** Heap of the proxy, bytes. */
  maxHeapBytes?: number;
  /** Time for a whole request to arrive, milliseconds. */
  requestTimeoutMs?: number;
  /** Most that one worker holds for one client address, bytes. */
  heldPerAddressBytes?: number;
  /** Makes development certificates, so that national TLS is terminated. Absent: it is not. */
  tlcp?: () => Promise<DevelopmentIdentity>;
  /** Certificate of ordinary TLS. */
  tlsIdentity?: TlsIdentity;
  /** OCSP responder. */
  ocsp?: URL;
  /** Collector of audit records. */
  audit?: AuditTerms;
  /** Service that counts global limits. */
  limits?: LimitServiceTerms;
  /** Modules in the place of those that are built, by file name. */
  moduleFiles?: Record<string, Uint8Array>;
  /** Region of the proxy. */
  region?: string;
  /** Folder of what outlives a restart. */
  stateFolder?: string;
  /** The proxy writes an access log, `accessLog`. */
  logsAccess?: boolean;
}

/**
 * The folder with the modules: that of FIM_TEST_MODULES, to test modules that were built elsewhere, else that of the
 * sources' own build.
 */
async function readyModules(names: readonly string[]): Promise<string> {
  if (process.env.FIM_TEST_MODULES) return process.env.FIM_TEST_MODULES;
  const [first] = await buildModules(names);
  return dirname(first!.path);
}

type Applied = Extract<StackEvent, { event: 'applied' }>;
type Rejected = Extract<StackEvent, { event: 'rejected' }>;

/**
 * A whole stack on free ports, with a recording upstream and a KMS that the test controls. Module files are copies that
 * the test may change.
 */
export class Harness {
  readonly events: StackEvent[] = [];
  /** Envoy's log. */
  readonly log: string[] = [];
  kms!: DevelopmentKms;
  /** Token that the KMS takes. */
  token = '';
  upstream!: RecordingUpstream;
  stack!: Stack;
  readonly folder = mkdtempSync(join(tmpdir(), 'fim-e2e-'));
  private readonly waiters = new Set<() => void>();
  private kmsPort = 0;
  private workers = 2;

  static async start(options: HarnessOptions): Promise<Harness> {
    const harness = new Harness();
    try {
      await harness.begin(options);
      return harness;
    } catch (error) {
      await harness.stop();
      throw error;
    }
  }

  /** Address of the development KMS. */
  get kmsUrl(): URL {
    return new URL(`http://127.0.0.1:${this.kmsPort}`);
  }

  get kmsFolder(): string {
    return join(this.folder, 'kms');
  }

  get tokenFile(): string {
    return join(this.folder, 'token', 'token');
  }

  get accessLog(): string {
    return join(this.folder, 'access.log');
  }

  /** Gives Envoy another token, as an agent does: by rename. */
  async writeToken(token: string): Promise<void> {
    await writeFile(`${this.tokenFile}~`, `${token}\n`, { mode: 0o600 });
    await rename(`${this.tokenFile}~`, this.tokenFile);
  }

  get url(): string {
    return `http://127.0.0.1:${this.stack.listen.port}`;
  }

  get routeFile(): string {
    return join(this.folder, 'routes', 'route.yaml');
  }

  get moduleFolder(): string {
    return join(this.folder, 'modules');
  }

  /** Writes the routes as an editor does, by rename, and waits for what becomes of them. */
  async edit(routes: string): Promise<Applied | Rejected> {
    const from = this.events.length;
    await writeFile(`${this.routeFile}~`, routes);
    await rename(`${this.routeFile}~`, this.routeFile);
    return this.verdict(from);
  }

  /** Waits for the next `applied` or `rejected` after the first `from` events. */
  async verdict(from: number): Promise<Applied | Rejected> {
    return this.waitFor(() =>
      this.events
        .slice(from)
        .find((event): event is Applied | Rejected => event.event === 'applied' || event.event === 'rejected'),
    );
  }

  /** Waits until `find` returns a value. It is called after each event. */
  async waitFor<T>(find: () => T | undefined): Promise<T> {
    return new Promise((done, failed) => {
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.waiters.delete(look);
        done(found);
      };
      const timer = setTimeout(() => {
        this.waiters.delete(look);
        failed(new Error(`nothing in ${EVENT_TIMEOUT_MS} ms; events: ${JSON.stringify(this.events)}`));
      }, EVENT_TIMEOUT_MS);
      this.waiters.add(look);
      look();
    });
  }

  /** Waits until Envoy has this many active requests. */
  async activeRequests(wanted: number): Promise<void> {
    await this.poll(
      async () =>
        (await this.stack.envoy.admin.stats(String.raw`^http\.fim\.downstream_rq_active$`)).get(
          'http.fim.downstream_rq_active',
        ) === wanted,
    );
  }

  /**
   * Waits until every VM, including the main thread's, has fetched the key of a fresh configuration. Only before its
   * first request.
   */
  async keysFetched(): Promise<void> {
    const stat = 'wasmcustom.fim.key.fetch_succeeded';
    await this.poll(async () => ((await this.stack.envoy.admin.stats(`^${stat}$`)).get(stat) ?? 0) >= this.workers + 1);
  }

  /** Asks until the answer is yes. */
  async poll(ask: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + EVENT_TIMEOUT_MS;
    while (!(await ask())) {
      if (Date.now() > deadline) throw new Error(`not so in ${EVENT_TIMEOUT_MS} ms`);
      await pause(POLL_MS);
    }
  }

  async startKms(): Promise<void> {
    const url = await this.kms.start('127.0.0.1', this.kmsPort);
    this.kmsPort = Number(url.port);
  }

  async stop(): Promise<void> {
    await this.stack?.stop();
    await this.upstream?.stop();
    await this.kms?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async prepareKms(options: HarnessOptions): Promise<void> {
    if (options.token !== undefined) {
      this.token = options.token;
      mkdirSync(dirname(this.tokenFile));
      await this.writeToken(this.token);
    }
    this.kms = new DevelopmentKms({
      ...(options.kmsOnDisk ? { folder: this.kmsFolder } : {}),
      ...(options.token === undefined ? {} : { token: () => this.token }),
    });
    this.kms.createKey(KEY_ID);
    options.withKms?.(this.kms);
  }

  private async begin(options: HarnessOptions): Promise<void> {
    const layout = options.layout ?? 'fused';
    this.workers = options.concurrency ?? this.workers;
    const names = [...filterSlots(layout).map((slot) => slot.module), ...(options.tlcp ? [TLCP_MODULE] : [])];
    const [envoy, modules] = await Promise.all([envoyBinary(), readyModules(names)]);
    mkdirSync(this.moduleFolder);
    mkdirSync(join(this.folder, 'routes'));
    for (const name of names) await cp(join(modules, `${name}.wasm`), join(this.moduleFolder, `${name}.wasm`));
    for (const [name, content] of Object.entries(options.moduleFiles ?? {}))
      await writeFile(join(this.moduleFolder, name), content);
    await writeFile(this.routeFile, options.routes);
    if (!options.upstream) this.upstream = await RecordingUpstream.start(options.http2Upstream);
    await this.prepareKms(options);
    await this.startKms();
    const kms = new URL(`http://127.0.0.1:${this.kmsPort}`);
    if (options.kmsRuns === false) await this.kms.stop();
    const stack = await startStack({
      envoy,
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      upstream: options.upstream ?? this.upstream.url,
      kms,
      ocsp: options.ocsp,
      ...(options.tlsIdentity === undefined ? {} : { tlsIdentity: options.tlsIdentity }),
      limits: options.limits,
      ...(options.audit === undefined ? {} : { audit: options.audit }),
      ...(options.kms === undefined ? {} : { kmsSettings: options.kms }),
      kmsCredentials: {
        ...options.kmsCredentials,
        ...(options.token === undefined ? {} : { tokenFile: this.tokenFile }),
      },
      accessLog: options.logsAccess ? this.accessLog : undefined,
      concurrency: this.workers,
      ...(options.maxHeapBytes === undefined ? {} : { maxHeapBytes: options.maxHeapBytes }),
      ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
      layout,
      moduleFolder: this.moduleFolder,
      load: () =>
        loadPolicy([join(this.folder, 'routes')], layout, {
          kms: options.kms,
          heldPerAddressBytes: options.heldPerAddressBytes,
          terminatesTlcp: options.tlcp !== undefined,
          ...(options.region === undefined ? {} : { region: options.region }),
          hasTlsIdentity: options.tlsIdentity !== undefined,
          countsGlobally: options.limits !== undefined,
          collects: options.audit !== undefined,
        }),
      developmentIdentity: options.tlcp,
      ...(options.stateFolder === undefined ? {} : { stateFolder: options.stateFolder }),
      developmentKms: this.kms,
      watched: [join(this.folder, 'routes')],
      onEvent: (event) => {
        this.events.push(event);
        for (const look of this.waiters) look();
      },
      onLog: (line) => this.log.push(line),
    });
    if (!stack) throw new Error(`refused: ${JSON.stringify(this.events)}`);
    this.stack = stack;
  }
}
