// Everybody who uses a key, and a KMS that says of it what a test wants.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { before } from 'node:test';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import type { Fault } from '../kms/replies.ts';
import { type KeyVersion, stored, TestKms } from '../kms/test-kms.ts';
import { protect } from '../protection/partner.ts';
import type { Profile } from '../protection/partner.ts';
import { fimModule } from './modules.ts';

export const ID = 'kms://prod/a';
export const TEXT = Buffer.from('{"amount":"100.00"}');
export const HOLD_MS = 2000;
/** The clock of the host starts at 2026-01-01T00:00:00Z. */
const PAST = '2025-12-31T23:59:59Z';

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

export const keyOf = (algorithm: string, version: number): Buffer =>
  createHash('sha256')
    .update(`${algorithm} ${version}`)
    .digest()
    .subarray(0, algorithm === 'SM4' ? 16 : 32);

interface Sent {
  headers?: Record<string, string>;
  body: Buffer;
}

interface User {
  algorithm: 'SM4' | 'HMAC-SM3';
  stages: object;
  /**
   * A message under a version, made with another version's key if `material` is given. Absent: the route needs the key
   * before any message.
   */
  message: (version: number, material?: number) => Sent;
  /** Reply to a message that is genuine under no version. */
  wrong?: string;
  /** Whether it protects messages, so that only the newest version serves. */
  protects?: boolean;
  /** Whether its messages name their version. */
  names?: boolean;
}

const plain = (): Sent => ({ headers: { 'content-type': 'application/json' }, body: TEXT });
const opened =
  (profile: Profile): User['message'] =>
  (version, material = version) => ({
    body: protect({ algorithm: 'SM4-GCM', profile, kid: `${ID}#${version}`, key: keyOf('SM4', material) }, TEXT),
  });
const field =
  (profile: Profile): User['message'] =>
  (version, material = version) => ({
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(
      JSON.stringify({
        pan: protect(
          { algorithm: 'SM4-GCM', profile, kid: `${ID}#${version}`, key: keyOf('SM4', material) },
          Buffer.from('"6222"'),
        ).toString(),
      }),
    ),
  });
const coded =
  (header: string, encoding: 'hex' | 'base64'): User['message'] =>
  (version, material = version) => ({
    headers: {
      'content-type': 'application/json',
      [header]: createHmac('sm3', keyOf('HMAC-SM3', material)).update(TEXT).digest(encoding),
    },
    body: TEXT,
  });
const sm4 = (request: string, more: object = {}): object => ({
  sm4Encryptor: { keyId: ID, request, response: 'None', ...more },
});
const signature = (request: string): object => ({
  messageSignature: { keyId: ID, algorithm: 'HMAC-SM3', covers: 'Body', request, response: 'None' },
});
const OPENS = { algorithm: 'SM4', wrong: 'FIM-SM4-0002' } as const;

export const USERS: Record<string, User> = {
  encrypts: { algorithm: 'SM4', stages: sm4('Encrypt'), message: plain, protects: true },
  signs: { algorithm: 'HMAC-SM3', stages: signature('Sign'), message: plain, protects: true },
  'opens fim-json': { ...OPENS, stages: sm4('Decrypt'), message: opened('fim-json'), names: true },
  'opens segments': {
    ...OPENS,
    stages: sm4('Decrypt', { profile: 'segmented' }),
    message: opened('segmented'),
    names: true,
  },
  'opens raw': { ...OPENS, stages: sm4('Decrypt', { profile: 'raw' }), message: opened('raw') },
  'opens fields in compact form': {
    ...OPENS,
    stages: sm4('Decrypt', { profile: 'compact', fields: ['$.pan'] }),
    message: field('compact'),
    names: true,
  },
  'opens fields in base64': {
    ...OPENS,
    stages: sm4('Decrypt', { profile: 'base64', fields: ['$.pan'] }),
    message: field('base64'),
  },
  'verifies signatures': {
    algorithm: 'HMAC-SM3',
    stages: signature('Verify'),
    message: coded('x-fim-signature', 'base64'),
    wrong: 'FIM-SIG-0001',
  },
  'verifies codes': {
    algorithm: 'HMAC-SM3',
    stages: {
      pbocValidator: { mac: { keyId: ID, algorithm: 'HMAC-SM3', header: 'x-mac', encoding: 'Hex' }, rules: [] },
    },
    message: coded('x-mac', 'hex'),
    wrong: 'FIM-ISO-0009',
  },
};

export interface Version {
  data?: object;
  metadata?: object;
  gone?: boolean;
  answer?: Fault;
}

/** Keys and replies of the KMS. `all`: the reply to every request. */
export interface Kms {
  versions?: Record<number, Version>;
  all?: Fault;
  algorithm?: string;
}

export const ENDED: Version = { data: { expires: PAST } };
export const REVOKED: Version = { metadata: { deletion_time: PAST }, gone: true };

function versionOf(user: User, algorithm: string, version: number, said: Version): KeyVersion {
  const { data } = stored(algorithm, keyOf(user.algorithm, version), said.data);
  return {
    data: said.gone === true ? null : data,
    metadata: said.metadata ?? {},
    ...(said.answer === undefined ? {} : { fault: said.answer }),
  };
}

export class Machine {
  readonly vm: Vm;
  private readonly service = new TestKms();
  private readonly root: RootContext;
  private readonly user: User;

  constructor(user: User, kms: Kms, observe = false) {
    this.user = user;
    this.kms = kms;
    this.vm = createVm(module, { httpCall: this.service.call });
    const routes = [{ name: 'a', observe, stages: user.stages }];
    const { accepted, root, logs } = this.vm.configure(
      JSON.stringify({ version: '1.0', kms: { cluster: 'fim-kms', holdMs: HOLD_MS, timeoutMs: 500 }, routes }),
    );
    assert.ok(accepted, logs.map(({ message }) => message).join('\n'));
    this.root = root;
  }

  /** Sets what the KMS has and says from now on. */
  set kms({ versions = {}, all, algorithm = this.user.algorithm }: Kms) {
    this.service.fault = all;
    this.service.versions = Object.fromEntries(
      Object.entries(versions).map(([version, said]) => [
        version,
        versionOf(this.user, algorithm, Number(version), said),
      ]),
    );
  }

  send(version: number, material = version): ExchangeResult {
    return exchange(this.root, { request: { method: 'POST', path: '/', ...this.user.message(version, material) } });
  }

  close(): void {
    assert.equal(this.vm.failed, false);
    assert.deepEqual(this.vm.violations, []);
    assert.equal(this.vm.liveContexts, this.vm.roots.size);
  }
}

/** `passed`, or the code of the refusal: of the first of its errors if it lists some. */
export function replyOf({ client, upstream }: ExchangeResult): string {
  if (client.status === 200) return 'passed';
  assert.ok(upstream.sawNothing);
  const { code, errors } = JSON.parse(client.body.toString()) as { code: string; errors?: { code: string }[] };
  assert.equal(client.status === 503, code.startsWith('FIM-KMS-'), `${client.status} ${code}`);
  return errors?.[0]?.code ?? code;
}

export interface Case {
  kms: Kms;
  /** Version of the message, and of the key that it is really made with. */
  sent: [version: number, material?: number];
  /** Replies; `wrong`: the user's own. A user that protects, or whose messages name their version, may have another. */
  reply: string;
  protects?: string;
  names?: string;
  /** The stream may be held until the bound. */
  holds?: boolean;
}
