// An engine that makes data keys and knows them again by their wrapped text.
import { createHash } from 'node:crypto';
import { type Reply, says } from './replies.ts';

const json = (status: number, body: object): Reply => says(status, JSON.stringify(body));

export class TransitEngine {
  /** Version of the wrapping key. */
  version = 1;
  /** Data keys by their wrapped text. */
  readonly dataKeys = new Map<string, Buffer>();

  answer(method: string, path: string, body: string): Reply {
    if (method !== 'POST') return json(405, { errors: ['unsupported operation'] });
    const parameters = JSON.parse(body) as { bits?: number; ciphertext?: string };
    if (path.startsWith('/v1/transit/datakey/plaintext/')) return this.make(parameters.bits ?? 256);
    const key = path.startsWith('/v1/transit/decrypt/') ? this.dataKeys.get(parameters.ciphertext ?? '') : undefined;
    return key === undefined
      ? json(400, { errors: ['invalid ciphertext'] })
      : json(200, { data: { plaintext: key.toString('base64') } });
  }

  private make(bits: number): Reply {
    const number = this.dataKeys.size;
    const key = createHash('sha256')
      .update(`data key ${number}`)
      .digest()
      .subarray(0, bits / 8);
    const ciphertext = `vault:v${this.version}:${Buffer.from(`wrapped ${number}`).toString('base64')}`;
    this.dataKeys.set(ciphertext, key);
    return json(200, { data: { ciphertext, key_version: this.version, plaintext: key.toString('base64') } });
  }
}
