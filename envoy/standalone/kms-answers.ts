// Responses of the development KMS, in the form of HashiCorp Vault and OpenBao.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyRegister, StoredKey, StoredVersion } from './key-register.ts';
import { materialText } from './key-material.ts';

/** Mount of the transit engine, which wraps data keys. Keys under it are `kms://transit/NAME`. */
export const TRANSIT_MOUNT = 'transit';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const DATA_KEY_BITS = [128, 256, 512];
const WRAPPED = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/=]+)$/;

/** A response and its audit record. Without `verb` there is no record. */
export interface KmsReply {
  status: number;
  body: object;
  verb?: string;
  key?: string;
  version?: number;
}

const NOT_FOUND: KmsReply = { status: 404, body: { errors: [] } };
const bad = (message: string): KmsReply => ({ status: 400, body: { errors: [message] } });

/** KV version 2 reads. */
export class StoredKeyAnswers {
  private readonly register: KeyRegister;

  constructor(register: KeyRegister) {
    this.register = register;
  }

  /**
   * `wanted`: the query's version; null, empty or 0 is the newest. A disabled or destroyed version gives 404 with its
   * metadata, as a deleted one in Vault.
   */
  read(path: string, wanted: string | null): KmsReply {
    const key = this.register.find(path);
    const version = key?.versions[(Number(wanted ?? 0) || key.versions.length) - 1];
    if (!key || !version || key.algorithm === 'transit') return { ...NOT_FOUND, verb: 'read', key: path };
    const metadata = { ...stateOf(version), custom_metadata: null, version: version.version };
    const about = { verb: 'read', key: path, version: version.version };
    if (version.state !== 'enabled') return { status: 404, body: { data: { data: null, metadata } }, ...about };
    const material = this.register.material(key, version);
    const data = {
      algorithm: key.algorithm,
      material: materialText(material),
      ...(version.expires === undefined ? {} : { expires: version.expires }),
    };
    material.fill(0);
    return { status: 200, body: { data: { data, metadata } }, ...about };
  }

  /** Metadata of all versions, without material. */
  describe(path: string): KmsReply {
    const key = this.register.find(path);
    if (!key) return NOT_FOUND;
    const versions = Object.fromEntries(key.versions.map((version) => [String(version.version), stateOf(version)]));
    return { status: 200, body: { data: { current_version: key.versions.length, custom_metadata: null, versions } } };
  }
}

function stateOf(version: StoredVersion): { created_time: string; deletion_time: string; destroyed: boolean } {
  return {
    created_time: version.created,
    deletion_time: version.state === 'disabled' ? version.changed : '',
    destroyed: version.state === 'destroyed',
  };
}

/** Checked here because no client sees the expiry of a key that never leaves the KMS. */
function hasEnded({ expires }: StoredVersion): boolean {
  return expires !== undefined && Date.parse(expires) <= Date.now();
}

/** The transit engine: creates and unwraps data keys. */
export class TransitAnswers {
  private readonly register: KeyRegister;

  constructor(register: KeyRegister) {
    this.register = register;
  }

  /** `operation`: path below the mount. */
  answer(operation: string, text: string | null): KmsReply {
    const [, verb, name] = /^(datakey\/plaintext|decrypt)\/([\w.-]+)$/.exec(operation) ?? [];
    if (verb === undefined) return NOT_FOUND;
    const path = `${TRANSIT_MOUNT}/${name}`;
    const key = this.register.find(path);
    if (!key || key.algorithm !== 'transit')
      return { ...bad('encryption key not found'), verb: verb === 'decrypt' ? 'decrypt' : 'datakey', key: path };
    const parameters = parse(text);
    if (!parameters) return bad('failed to parse JSON input');
    return verb === 'decrypt' ? this.unwrap(key, parameters) : this.issue(key, parameters);
  }

  private issue(key: StoredKey, { bits = 256 }: { bits?: unknown }): KmsReply {
    const version = key.versions.at(-1)!;
    const about = { verb: 'datakey', key: key.path, version: version.version };
    if (!DATA_KEY_BITS.includes(bits as number)) return { ...bad('invalid bit length'), ...about };
    if (version.state !== 'enabled' || hasEnded(version)) return { ...bad('key version is not enabled'), ...about };
    const dataKey = randomBytes((bits as number) / 8);
    const ciphertext = `vault:v${version.version}:${this.seal(key, version, dataKey)}`;
    const body = { data: { ciphertext, key_version: version.version, plaintext: dataKey.toString('base64') } };
    dataKey.fill(0);
    return { status: 200, body, ...about };
  }

  private unwrap(key: StoredKey, { ciphertext }: { ciphertext?: unknown }): KmsReply {
    const [, number, sealed] = WRAPPED.exec(typeof ciphertext === 'string' ? ciphertext : '') ?? [];
    const version = key.versions[Number(number) - 1];
    const about = { verb: 'decrypt', key: key.path, ...(version ? { version: version.version } : {}) };
    if (!version || version.state !== 'enabled' || hasEnded(version))
      return { ...bad('invalid ciphertext: unable to decrypt'), ...about };
    const dataKey = this.openDataKey(key, version, sealed!);
    if (!dataKey) return { ...bad('invalid ciphertext: unable to decrypt'), ...about };
    const body = { data: { plaintext: dataKey.toString('base64') } };
    dataKey.fill(0);
    return { status: 200, body, ...about };
  }

  private seal(key: StoredKey, version: StoredVersion, dataKey: Buffer): string {
    const wrapping = this.register.material(key, version);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, wrapping, iv, { authTagLength: TAG_BYTES });
    wrapping.fill(0);
    return Buffer.concat([iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]).toString('base64');
  }

  private openDataKey(key: StoredKey, version: StoredVersion, sealed: string): Buffer | null {
    const bytes = Buffer.from(sealed, 'base64');
    const wrapping = this.register.material(key, version);
    try {
      const decipher = createDecipheriv(CIPHER, wrapping, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      return null;
    } finally {
      wrapping.fill(0);
    }
  }
}

function parse(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text || '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
