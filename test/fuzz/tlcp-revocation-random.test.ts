// Random input to the readers of revocation lists and OCSP answers. Nothing traps, hangs or leaks, and no answer that was
// touched counts. `FIM_FUZZ_CASES` sets the number of cases of each.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extension } from '../../scripts/fim/tlcp-certificate.ts';
import { caseCount } from './guest.ts';
import { make } from './tlcp-certificates.ts';
import { random, steadily, touched } from './tlcp-chaos.ts';
import { NOW, put, tlcp } from './tlcp-guest.ts';
import { ENCRYPT_SERIAL, OTHER_SERIAL, root, sign, SIGN_SERIAL } from './tlcp-revocation-guest.ts';
import { answer, flag, forAnswers, list, point, scope } from './tlcp-revocations.ts';

const CASES = 4000;
const MAX_FAULT = { list: 14, answer: 12 };
const NONCE = Buffer.alloc(32, 7);

const delegate = make({ name: 'responder', authority: false, extra: [forAnswers] }, root);
const lists = [
  list(root),
  list(root, {
    serials: [SIGN_SERIAL, OTHER_SERIAL, ENCRYPT_SERIAL],
    extensions: [scope(point('http://crl.test/1'), flag(0x81))],
  }),
  list(root, {
    serials: [SIGN_SERIAL],
    entryExtensions: [extension('551d15', false, Buffer.from([10, 1, 1]))],
    extensions: [extension('551d14', false, Buffer.from([2, 1, 9]))],
  }),
];
const answers = [
  answer({ serial: SIGN_SERIAL, issuer: root, nonce: NONCE }),
  answer({ serial: SIGN_SERIAL, issuer: root, nonce: NONCE, status: 'revoked', digest: 'sm3', named: 'key' }),
  answer({
    serial: SIGN_SERIAL,
    issuer: root,
    nonce: null,
    signer: delegate,
    certificates: [delegate.der],
    digest: 'sha256',
  }),
];
const read = (der: Buffer): number => tlcp.readAnswer(put(Buffer.concat([NONCE, der])) - NONCE.length, NOW);

describe('random input', () => {
  it('untouched ones are taken, so a refusal means something', () => {
    put(Buffer.concat([sign.der, root.der]));
    assert.equal(tlcp.askAbout(sign.der.length, root.der.length), 1);
    for (const der of answers) assert.equal(read(der), 0);
    for (const der of lists) assert.equal(tlcp.addLists(tlcp.newSettings(), put(der)), 0);
  });

  it('revocation lists', () => {
    let settings = tlcp.newSettings();
    steadily(caseCount(CASES), (i) => {
      // New settings now and then: lists of other parts of an issuer stay beside each other.
      if (i % 32 === 0) {
        tlcp.drop(settings);
        settings = tlcp.newSettings();
      }
      const fault = tlcp.addLists(settings, put(touched(random.pick(lists))));
      assert.ok(fault >= 0 && fault <= MAX_FAULT.list, `case ${i}`);
    });
  });

  it('answers of responders', () => {
    steadily(caseCount(CASES), (i) => {
      const fault = read(touched(random.pick(answers)));
      assert.ok(fault > 0 && fault <= MAX_FAULT.answer, `case ${i}: ${fault}`);
    });
  });
});
