import type { RouteConfig } from '../route/index.ts';
import type { KeyAlgorithm } from './key-material.ts';

/** A key that routes use, and what for. */
export interface NeededKey {
  /** `kms://path`. */
  id: string;
  algorithm: KeyAlgorithm;
  /** Whether messages are encrypted or signed with it, and not only opened or verified. */
  protects: boolean;
  /** `namespace/name` of the routes that use it. */
  routes: string[];
}

/**
 * The keys of routes, each once: of two uses the first says the algorithm. An SM2 key is named by its private half,
 * which has the public one in it.
 */
export function neededKeys(routes: readonly RouteConfig[]): NeededKey[] {
  const found = new Map<string, NeededKey>();
  const need = (route: string, id: string, algorithm: KeyAlgorithm, protects: boolean): void => {
    const key = found.get(id) ?? { id, algorithm, protects: false, routes: [] };
    key.protects ||= protects;
    if (!key.routes.includes(route)) key.routes.push(route);
    found.set(id, key);
  };
  for (const { name, stages } of routes) {
    const { pbocValidator, sm4Encryptor, messageSignature } = stages;
    if (pbocValidator?.mac)
      need(name, pbocValidator.mac.keyId, macKeyOf(pbocValidator.mac.algorithm ?? 'SM4-CBC-MAC'), false);
    if (sm4Encryptor)
      need(
        name,
        sm4Encryptor.keyId,
        algorithmOf(sm4Encryptor.algorithm ?? 'SM4-GCM'),
        [sm4Encryptor.request ?? 'Encrypt', sm4Encryptor.response].includes('Encrypt'),
      );
    if (messageSignature)
      need(
        name,
        messageSignature.keyId,
        messageSignature.algorithm === 'SM2' ? 'SM2-PRIVATE' : 'HMAC-SM3',
        [messageSignature.request, messageSignature.response].includes('Sign'),
      );
  }
  return [...found.values()];
}

function algorithmOf(protection: string): KeyAlgorithm {
  if (protection.startsWith('SM2')) return 'SM2-PRIVATE';
  return protection.startsWith('AES') ? 'AES-256' : 'SM4';
}

function macKeyOf(code: string): KeyAlgorithm {
  if (code === 'HMAC-SM3') return 'HMAC-SM3';
  return code.includes('SM4') ? 'SM4' : 'TDES';
}
