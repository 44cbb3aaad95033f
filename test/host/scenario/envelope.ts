// The wire profile fim-json, made and opened by Node's OpenSSL: an implementation that shares nothing with ours.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { CipherGCM, DecipherGCM } from 'node:crypto';

export interface Envelope {
  alg: string;
  kid: string;
  iv: string;
  ct: string;
  tag: string;
  ctx?: string;
  cty?: string;
}

const IV_BYTES = 12;
const IV_FILL = 7;

const aad = (kid: string, context: string, contentType?: string): Buffer =>
  Buffer.from(['fim-json', 'SM4-GCM', kid, context, ...(contentType === undefined ? [] : [contentType])].join('\n'));

/** `kid` with its version; `context` empty for none. The same text gives the same envelope. */
export function seal(material: Buffer, kid: string, context: string, text: string): Envelope {
  const iv = Buffer.alloc(IV_BYTES, IV_FILL);
  const cipher = createCipheriv('sm4-gcm', material, iv) as unknown as CipherGCM;
  cipher.setAAD(aad(kid, context));
  const ct = Buffer.concat([cipher.update(text), cipher.final()]);
  const tag = cipher.getAuthTag();
  return {
    alg: 'SM4-GCM',
    kid,
    iv: iv.toString('base64'),
    ct: ct.toString('base64'),
    tag: tag.toString('base64'),
    ...(context === '' ? {} : { ctx: context }),
  };
}

/** Throws if the tag is wrong. */
export function open(material: Buffer, envelope: Envelope): Buffer {
  const decipher = createDecipheriv('sm4-gcm', material, Buffer.from(envelope.iv, 'base64')) as unknown as DecipherGCM;
  decipher.setAAD(aad(envelope.kid, envelope.ctx ?? '', envelope.cty));
  decipher.setAuthTag(Buffer.from(envelope.tag, 'base64'));
  return Buffer.concat([decipher.update(Buffer.from(envelope.ct, 'base64')), decipher.final()]);
}
