import type { RouteConfig } from '../route/index.ts';
import type { KeyAlgorithm } from './key-material.ts';

/** A key that routes use, and what for. */
export interface NeededKey {
  /** `kms://path`. */
  id: string;
  algorithm: KeyAlgorithm;
}

/** The keys of routes, each once: of two uses the first says the algorithm. An SM2 key is named by its private half, which has the public one in it. */
export function neededKeys(routes: readonly RouteConfig[]): NeededKey[] {
  const found = new Map<string, KeyAlgorithm>();
  const need = (id: string, algorithm: KeyAlgorithm): void => void (found.has(id) || found.set(id, algorithm));
  for (const { stages } of routes) {
    if (stages.pbocValidator?.mac) need(stages.pbocValidator.mac.keyId, macKeyOf(stages.pbocValidator.mac.algorithm ?? 'SM4-CBC-MAC'));
    if (stages.sm4Encryptor) need(stages.sm4Encryptor.keyId, algorithmOf(stages.sm4Encryptor.algorithm ?? 'SM4-GCM'));
    if (stages.messageSignature) need(stages.messageSignature.keyId, stages.messageSignature.algorithm === 'SM2' ? 'SM2-PRIVATE' : 'HMAC-SM3');
  }
  return [...found].map(([id, algorithm]) => ({ id, algorithm }));
}

function algorithmOf(protection: string): KeyAlgorithm {
  if (protection.startsWith('SM2')) return 'SM2-PRIVATE';
  return protection.startsWith('AES') ? 'AES-256' : 'SM4';
}

function macKeyOf(code: string): KeyAlgorithm {
  if (code === 'HMAC-SM3') return 'HMAC-SM3';
  return code.includes('SM4') ? 'SM4' : 'TDES';
}
