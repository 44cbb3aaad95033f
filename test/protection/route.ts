// One route that protects or opens requests, in a module on the host, with a KMS that has one key (and more versions on
// request).
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { type KeyVersion, TestKms } from '../kms/test-kms.ts';
import { kmsKey } from './partner.ts';
import type { Algorithm, Terms } from './partner.ts';

export const KEY_ID = 'kms://prod/fund/key-2023';

/** A key for an algorithm, the same at each call. */
export function keyOf(algorithm: Algorithm, version = 1): Buffer {
  const digest = createHash('sha256')
    .update(`${algorithm.startsWith('SM2') ? 'SM2' : algorithm} ${version}`)
    .digest();
  return algorithm === 'AES-256-GCM' || algorithm.startsWith('SM2') ? digest : digest.subarray(0, 16);
}

export interface RouteOptions {
  fields?: string[];
  contentType?: string;
  /** Versions that the KMS has; the last is the newest. */
  versions?: number[];
  direction?: 'request' | 'response';
  maxBodyBytes?: number;
  /** Encrypt bodies as they pass. */
  stream?: boolean;
  /** Algorithm of the KMS's key, if not the route's. */
  kmsAlgorithm?: Algorithm;
}

/** A VM with one route. */
export class ProtectedRoute {
  readonly vm: Vm;
  private readonly root: RootContext;
  private readonly terms: Terms;
  private readonly options: RouteOptions;
  private readonly seals: boolean;

  constructor(module: LoadedModule, terms: Terms, action: 'Encrypt' | 'Decrypt', options: RouteOptions = {}) {
    this.terms = terms;
    this.options = options;
    this.seals = action === 'Encrypt';
    this.vm = createVm(module, { httpCall: this.kms().call });
    const { algorithm, profile, layout, context, segmentBytes } = terms;
    const section = {
      keyId: KEY_ID,
      algorithm,
      profile,
      request: 'None',
      response: 'None',
      [options.direction ?? 'request']: action,
      ...(layout === undefined ? {} : { sm2Layout: layout }),
      ...(context === undefined ? {} : { context }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(options.stream === undefined ? {} : { stream: options.stream }),
      ...(options.fields === undefined ? {} : { fields: options.fields }),
      ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
    };
    const route = {
      name: 'a',
      ...(options.maxBodyBytes === undefined ? {} : { body: { maxBytes: options.maxBodyBytes } }),
      stages: { sm4Encryptor: section },
    };
    const { accepted, root, logs } = this.vm.configure(
      JSON.stringify({ version: '1.0', kms: { cluster: 'fim-kms' }, routes: [route] }),
    );
    assert.ok(accepted, logs.map((entry) => entry.message).join('\n'));
    this.root = root;
  }

  private kms(): TestKms {
    const { versions = [1], kmsAlgorithm: algorithm = this.terms.algorithm } = this.options;
    const isOwn = versions.length === 1 && algorithm === this.terms.algorithm;
    const versionOf = (version: number): KeyVersion => ({
      data: kmsKey(algorithm, isOwn ? this.terms.key : keyOf(algorithm, version), this.seals),
    });
    return new TestKms(Object.fromEntries(versions.map((version) => [version, versionOf(version)])));
  }

  /** Sends one POST. */
  send(body: Buffer | string, headers: Record<string, string>, chunks: number[] = []): ExchangeResult {
    return exchange(this.root, { request: { body, headers, chunks } });
  }

  /** Sends one GET or other method that the upstream answers with `body`. */
  fetch(body: Buffer | string, headers: Record<string, string>, status = 200, method = 'GET'): ExchangeResult {
    return exchange(this.root, { request: { method }, upstream: () => ({ status, body, headers }) });
  }

  /** Ends; nothing may have trapped or been left over. */
  close(): void {
    assert.equal(this.vm.failed, false, this.vm.logs.at(-1)?.message ?? '');
    assert.deepEqual(this.vm.violations, []);
    assert.equal(this.vm.liveContexts, this.vm.roots.size);
  }
}
