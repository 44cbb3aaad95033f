// Keys of a run of test cases: the development KMS, in memory, asked by call-outs of the module.
import type { HttpCallHandler, HttpCallOutcome } from '../host/index.ts';
import type { RouteConfig } from '../route/index.ts';
import { CodedError } from '../standalone/coded-error.ts';
import { KeyFolder } from '../standalone/key-folder.ts';
import { materialFrom } from '../standalone/key-material.ts';
import { KeyRegister, pathOf } from '../standalone/key-register.ts';
import { StoredKeyAnswers, TRANSIT_MOUNT, TransitAnswers } from '../standalone/kms-answers.ts';
import { neededKeys } from '../standalone/needed-keys.ts';

const READ_PREFIX = '/v1/secret/data/';
const TRANSIT_PREFIX = `/v1/${TRANSIT_MOUNT}/`;

export class TestKeys {
  /** False: the key service does not answer. */
  available = true;
  private readonly register = new KeyRegister(new KeyFolder(null));
  private readonly stored = new StoredKeyAnswers(this.register);
  private readonly transit = new TransitAnswers(this.register);

  /**
   * Every key that the routes name, with the material of `given` (hexadecimal digits or PEM, by id) or new one. Errors:
   * FIM-KMS-0005 (no such key), FIM-UP-0080 (a key that no route names).
   */
  constructor(routes: readonly RouteConfig[], given: Readonly<Record<string, string>> = {}) {
    const needed = neededKeys(routes);
    for (const id of Object.keys(given))
      if (!needed.some((key) => key.id === id)) throw new CodedError('FIM-UP-0080', `no route names the key ${id}`);
    for (const { id, algorithm } of needed) {
      const path = pathOf(id);
      if (this.register.find(path) !== undefined) continue;
      const text = given[id];
      const kind = path.startsWith(`${TRANSIT_MOUNT}/`)
        ? 'transit'
        : algorithm.startsWith('SM2')
          ? 'SM2-PRIVATE'
          : algorithm;
      const material = text === undefined ? undefined : materialFrom(kind, bytesOf(text));
      this.register.create(path, kind, material === undefined ? {} : { material });
    }
  }

  /** Answers the module's call-outs for keys. */
  readonly call: HttpCallHandler = ({ headers, body }): HttpCallOutcome => {
    if (!this.available) return 'refused';
    const url = new URL(headers.get(':path') ?? '/', 'http://kms.internal');
    const path = decodeURIComponent(url.pathname);
    const { status, body: reply } = path.startsWith(TRANSIT_PREFIX)
      ? this.transit.answer(path.slice(TRANSIT_PREFIX.length), body.toString())
      : this.stored.read(path.slice(READ_PREFIX.length), url.searchParams.get('version'));
    return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(reply) };
  };
}

function bytesOf(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, '');
  return /^(?:[0-9a-fA-F]{2})+$/.test(digits) ? Buffer.from(digits, 'hex') : Buffer.from(text);
}
