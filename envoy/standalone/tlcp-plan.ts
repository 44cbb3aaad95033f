// Gathers what the proxy needs for national TLS: certificates, where its private keys are, the module.
import type { AlsoTls, KmsConfig, ListenerTls, TlcpConfigTerms, TlcpListenerConfig } from '../route/index.ts';
import { readTlsFile, TLCP_MODULE, tlcpListenerConfig, type ReadTls } from '../route/index.ts';
import { CodedError } from './coded-error.ts';
import { LocatedError } from './located-error.ts';
import type { DevelopmentKms } from './development-kms.ts';
import type { ModuleStore, StoredModule } from './module-store.ts';
import type { NeededKey } from './needed-keys.ts';

/** Keys of development certificates in the development KMS. */
const SIGN_KEY = 'kms://fim/tlcp/sign';
const ENCRYPT_KEY = 'kms://fim/tlcp/encrypt';

/** Development certificates and their keys. */
export interface DevelopmentIdentity {
  /** The pair, PEM. */
  chain: string;
  /** The authority, PEM. */
  trust: string;
  /** Private keys, PEM. */
  signKey: string;
  encryptKey: string;
  /** Folder with all of it, and with a client's. */
  folder: string;
}

/** National TLS as people are told of it. */
export interface TlcpNews {
  suites: string[];
  /** Whether every client needs a certificate. */
  clientCertificates: boolean;
  /** Whether clients of ordinary TLS need certificates. Absent: it is not served. */
  alsoTls?: AlsoTls['clientAuth'];
  /** Folder of the development certificates. Null: the resource names its own. */
  developmentFolder: string | null;
}

/** Parts that go to the proxy. */
export interface TlcpPlan {
  module: StoredModule;
  /** Without generation. */
  config: TlcpListenerConfig;
  news: TlcpNews;
}

export interface TlcpParts {
  modules: ModuleStore;
  kms: KmsConfig;
  /** Null for an external KMS. */
  developmentKms: DevelopmentKms | null;
  /** The platform's OCSP responder. */
  responder?: TlcpConfigTerms['responder'];
  /** Makes development certificates, or finds those made before. */
  develop: () => Promise<DevelopmentIdentity>;
}

export class TlcpPlanner {
  private readonly parts: TlcpParts;
  private identity: DevelopmentIdentity | undefined;

  constructor(parts: TlcpParts) {
    this.parts = parts;
  }

  /** Called with files of certificates and revocation lists, which are read anew when they change. */
  onFile: (path: string) => void = () => {};

  /**
   * Errors: a `LocatedError` with the mistake in a route, FIM-UP-0032, FIM-UP-0009, FIM-UP-0010, those of `develop`.
   * Null: no route asks for national TLS.
   */
  async plan(tls: ListenerTls | null): Promise<TlcpPlan | null> {
    if (tls === null) return null;
    const { kms, modules } = this.parts;
    const read: ReadTls = (reference) => {
      if (reference.kind === 'File') this.onFile(reference.name);
      return readTlsFile(reference);
    };
    const identity = tls.pairs.length === 0 ? await this.developmentIdentity() : null;
    const own =
      identity === null
        ? null
        : { pairs: [{ chain: identity.chain, signKey: SIGN_KEY, encryptKey: ENCRYPT_KEY }], trust: identity.trust };
    const config = tlcpListenerConfig(tls, { kms, own, responder: this.parts.responder, read });
    if ('code' in config) throw new LocatedError(config);
    return {
      module: await modules.load(TLCP_MODULE),
      config,
      news: {
        suites: tls.names,
        clientCertificates: tls.clientAuth === 'Required' || tls.names.every((name) => name.startsWith('ECDHE-')),
        ...(tls.alsoTls === undefined ? {} : { alsoTls: tls.alsoTls.clientAuth }),
        developmentFolder: identity?.folder ?? null,
      },
    };
  }

  private async developmentIdentity(): Promise<DevelopmentIdentity> {
    const kms = this.parts.developmentKms;
    if (kms === null)
      throw new CodedError('FIM-UP-0032', 'the KMS is not the development KMS, and `tls` names no certificates');
    this.identity ??= await this.parts.develop();
    kms.keepKey(SIGN_KEY, 'SM2-PRIVATE', Buffer.from(this.identity.signKey));
    kms.keepKey(ENCRYPT_KEY, 'SM2-PRIVATE', Buffer.from(this.identity.encryptKey));
    return this.identity;
  }
}

/** Keys of certificates that a resource names. They are looked for, and never made. */
export function tlcpKeys(tls: ListenerTls | null): NeededKey[] {
  if (tls === null) return [];
  const ids = new Set(tls.pairs.flatMap(({ signKey, encryptKey }) => [signKey, encryptKey]));
  return [...ids].map((id) => ({
    id,
    algorithm: 'SM2-PRIVATE',
    protects: true,
    routes: tls.routes,
    imported: true,
  }));
}
