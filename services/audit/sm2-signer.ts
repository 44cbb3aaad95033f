// Signatures by SM2 with SM3 and the default user id (GB/T 32918.2, GB/T 35276), in DER.
import { createECDH } from 'node:crypto';
import { sm2 } from 'sm-crypto-v2';
import { sm2Scalar } from '../../envoy/standalone/sm2-key.ts';

const SM2_CURVE = 'SM2';

/** A key that signs checkpoints. */
export interface Sm2Signer {
  /** Name of the key, without blanks and `+`. */
  name: string;
  /** 04 ‖ x ‖ y. */
  point: Buffer;
  /** Signature in DER. */
  sign(bytes: Buffer): Buffer;
}

/** A signer from a private key: PEM, DER or bare. Error: Sm2KeyError. */
export function sm2Signer(name: string, key: Buffer): Sm2Signer {
  const scalar = sm2Scalar(key);
  const half = createECDH(SM2_CURVE);
  half.setPrivateKey(scalar);
  const point = half.getPublicKey();
  const digits = scalar.toString('hex');
  scalar.fill(0);
  return {
    name,
    point,
    sign: (bytes) =>
      Buffer.from(sm2.doSignature(bytes, digits, { hash: true, der: true, publicKey: point.toString('hex') }), 'hex'),
  };
}

/** Whether a signature in DER is that of a key. Anything malformed is not. */
export function sm2Verifies(bytes: Buffer, signature: Buffer, point: Buffer): boolean {
  try {
    return sm2.doVerifySignature(bytes, signature.toString('hex'), point.toString('hex'), { hash: true, der: true });
  } catch {
    return false;
  }
}
