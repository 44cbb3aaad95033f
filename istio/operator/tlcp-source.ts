// The platform's supply for national TLS: the module of its filters, and default certificates.
import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import {
  canonicalHash,
  checkRoutes,
  listenerTls,
  PLUGIN_CONFIG_VERSION,
  TLCP_MODULE,
} from '../../envoy/route/index.ts';
import { responderAt } from '../../envoy/xds/index.ts';
import { MAX_TLCP_CERTIFICATES_BYTES } from '../limits.ts';
import { ModuleSource } from './module-source.ts';
import { NO_SUPPLY, type TlcpCertificates, type TlcpSupply } from './plan/national-tls.ts';

const NO_DEFAULTS = 'the routes name no certificates, and the operator has no default ones (--tlcp-certificates)';
/** Versions that the modules of this version take. */
const TRIAL = JSON.stringify({ version: PLUGIN_CONFIG_VERSION, requests: { required: true } });

export interface TlcpSourceOptions {
  /** Folder with `tlcp-listener.wasm`. */
  folder: string;
  /** Template of the module's address; see `referenceOf`. */
  urlTemplate: string;
  /** Whether the address is that of this module, and not of the one with the stages. */
  isOwnUrl: boolean;
  /** Whether to verify that the module can be fetched. */
  check: boolean;
  /** File with the default certificates: `certificates` and `trust` as in a route's `tls`. */
  certificates?: string;
  /** OCSP responder, path included. */
  ocsp?: URL;
}

/** Watches the module and the certificates. What is broken never replaces what was good. */
export class TlcpSource {
  private readonly options: TlcpSourceOptions;
  private readonly modules: ModuleSource;
  private seen = '';
  private defaults: TlcpCertificates | undefined;
  private defaultsLack = NO_DEFAULTS;
  private identity = '';
  supply: TlcpSupply = NO_SUPPLY;
  /** The problem, in words; empty: none. */
  problem = '';

  constructor(options: TlcpSourceOptions) {
    this.options = options;
    this.modules = new ModuleSource({ ...options, sealed: false, name: TLCP_MODULE, trial: TRIAL });
  }

  /** Looks at the files. True if something has changed. Never throws. */
  async refresh(): Promise<boolean> {
    const { certificates, urlTemplate, isOwnUrl, ocsp } = this.options;
    const isOwn = isOwnUrl || /\{(sha256|name)\}/.test(urlTemplate);
    if (isOwn) await this.modules.refresh();
    const { current, problem } = this.modules;
    const fault = certificates === undefined ? '' : await this.read(certificates);
    const moduleLack = isOwn
      ? `proxies cannot have tlcp-listener.wasm: ${problem?.message ?? ''}`
      : 'proxies cannot have tlcp-listener.wasm: --module-url is the address of one module (--tlcp-module-url)';
    this.supply = {
      ...(current === undefined ? {} : { module: { reference: current.reference, examine: current.examine } }),
      ...(this.defaults === undefined ? {} : { defaults: this.defaults }),
      ...(ocsp === undefined ? {} : { responder: responderAt(ocsp) }),
      moduleLack,
      defaultsLack: this.defaultsLack,
    };
    this.problem = fault;
    const identity = canonicalHash(JSON.parse(JSON.stringify([this.supply, fault])) as never);
    const isChanged = identity !== this.identity;
    this.identity = identity;
    return isChanged;
  }

  /** Reads the certificates if their file has changed. Returns what is wrong with it. */
  private async read(file: string): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(file);
      const seen = `${mtimeMs} ${size} ${ino}`;
      if (seen === this.seen) return this.problem;
      if (size > MAX_TLCP_CERTIFICATES_BYTES) throw new Error(`it has more than ${MAX_TLCP_CERTIFICATES_BYTES} bytes`);
      this.defaults = certificatesOf(await readFile(file, 'utf8'));
      this.seen = seen;
      this.defaultsLack = '';
      return '';
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      if (this.defaults === undefined)
        this.defaultsLack = `the routes name no certificates, and the operator's default ones cannot be used: ${reason}`;
      return `--tlcp-certificates: ${reason}`;
    }
  }
}

/** Certificates as a route's `tls` has them. Throws an Error whose message names code and place, and no value. */
export function certificatesOf(text: string): TlcpCertificates {
  const given = parse(text) as Record<string, unknown> | null;
  const route = {
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: 'default-certificates' },
    spec: { tls: { ...given, cipherSuites: ['ECDHE-SM4-SM3'] } },
  };
  const { resources, errors } = checkRoutes([route]);
  const [wrong] = errors;
  if (wrong !== undefined) throw new Error(`${wrong.code} ${wrong.path.replace('$.spec.tls', '$')}: ${wrong.message}`);
  const { tls } = listenerTls(resources);
  if (tls === null || tls.pairs.length === 0) throw new Error('it has no `certificates`');
  const { trust, pairs } = tls;
  if (typeof trust === 'object') throw new Error('FIM-CFG-1281 $.trustFrom: certificates stand in this file itself');
  return {
    pairs: pairs.map(({ sign, encrypt, signKey, encryptKey }, index) => {
      if (typeof sign === 'object' || typeof encrypt === 'object')
        throw new Error(`FIM-CFG-1281 $.certificates[${index}]: certificates stand in this file itself`);
      return { chain: `${sign}\n${encrypt}`, signKey, encryptKey };
    }),
    ...(trust === undefined ? {} : { trust }),
  };
}
