// Answers of OCSP responders: each good one and each mistake by itself, in a handshake, what the declared fallback makes
// of the lack of one, and a server that waits for one.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { der, extension, oid, sequence } from '../../scripts/fim/tlcp-certificate.ts';
import { authority, Key, make } from './tlcp-certificates.ts';
import { FAILED, give, NOW, OPEN, pump, put, takeOutput, takePlain, tlcp } from './tlcp-guest.ts';
import {
  ACCEPT,
  ANSWER,
  client,
  counts,
  ENCRYPT_SERIAL,
  GOOD,
  LAST_GOOD,
  meet,
  OTHER_SERIAL,
  REFUSE,
  REVOKED,
  room,
  root,
  server,
  sign,
  SIGN_SERIAL,
  UNKNOWN,
  type Policy,
} from './tlcp-revocation-guest.ts';
import { answer, at, forAnswers, list, type AnswerSaid } from './tlcp-revocations.ts';

describe('responders', () => {
  const asks = { asks: true };
  const about = (request: Buffer, i: number, said: Partial<AnswerSaid> = {}): Buffer =>
    answer({ serial: i === 0 ? SIGN_SERIAL : ENCRYPT_SERIAL, issuer: root, request, ...said });
  const delegate = make({ name: 'responder', authority: false, extra: [forAnswers] }, root);

  it('each certificate of the pair is asked for once, and the answers are kept to their end', () => {
    const settings = client([], asks);
    assert.deepEqual(meet(settings, about), { fault: GOOD, why: 0, questions: 2 });
    assert.deepEqual(meet(settings), { fault: GOOD, why: 0, questions: 0 });
    tlcp.setNow(settings, NOW + 43_201);
    assert.equal(meet(settings, () => null).questions, 1, 'refused at the first');
    assert.deepEqual(counts(settings), [0, 1, 0, 0, 3, 2]);
  });

  it('the question names the responder of the certificate, and has the digest that was chosen', () => {
    for (const [digest, algorithm] of ['06052b0e03021a', '0609608648016503040201', '06082a811ccf55018311'].entries()) {
      const settings = client([], { asks: true, digest });
      const ends = { server: tlcp.newServer(server()), client: tlcp.newClient(settings, 0) };
      pump(ends.client, ends.server);
      assert.equal(room(tlcp.writeResponder(ends.client)).toString(), 'http://ocsp.test/');
      const request = room(tlcp.writeQuestion(ends.client));
      assert.ok(request.includes(Buffer.from(algorithm, 'hex')));
      assert.ok(request.includes(SIGN_SERIAL));
    }
  });

  for (const digest of ['sha1', 'sha256', 'sm3'] as const)
    it(`an answer that names the certificate by ${digest}`, () => {
      assert.equal(meet(client([], asks), (request, i) => about(request, i, { digest })).fault, GOOD);
    });

  const signers: Record<string, Partial<AnswerSaid>> = {
    'the issuer by its key': { named: 'key' },
    'a delegate by its name': { signer: delegate, certificates: [delegate.der] },
    'a delegate by its key, behind other certificates': {
      signer: delegate,
      named: 'key',
      certificates: [root.der, delegate.der],
    },
  };
  for (const [name, said] of Object.entries(signers))
    it(`signed by ${name}`, () =>
      assert.equal(meet(client([], asks), (request, i) => about(request, i, said)).fault, GOOD));

  it('revoked and unknown', () => {
    const settings = client([], { asks: true, fallback: ACCEPT });
    assert.deepEqual(
      meet(settings, (request, i) => about(request, i, { status: 'revoked' })),
      { fault: REVOKED, why: 0, questions: 1 },
    );
    tlcp.setNow(settings, NOW + 864_00);
    assert.equal(meet(settings, () => null).fault, REVOKED, 'what was revoked stays so when nobody answers');
    assert.equal(
      meet(client([], { asks: true, fallback: ACCEPT }), (request, i) => about(request, i, { status: 'unknown' }))
        .fault,
      UNKNOWN,
    );
  });

  it('an older answer, played again, makes nothing good that was revoked since', () => {
    const older = { thisUpdate: at(-0.02), nextUpdate: at(3) };
    for (const fallback of [REFUSE, ACCEPT, LAST_GOOD]) {
      const settings = client([], { asks: true, fallback });
      assert.equal(meet(settings, (request, i) => about(request, i, { status: 'revoked' })).fault, REVOKED);
      tlcp.setNow(settings, NOW + 86_400);
      const replayed = (request: Buffer, i: number): Buffer => about(request, i, { ...older, nonce: null });
      assert.deepEqual(meet(settings, replayed), { fault: REVOKED, why: 0, questions: 1 });
      const newer = { thisUpdate: at(0.9), nextUpdate: at(3) };
      assert.equal(meet(settings, (request, i) => about(request, i, newer)).fault, GOOD, 'no longer on hold');
    }
  });

  it('a certificate that a list is about is not asked for', () => {
    assert.equal(meet(client([list(root)], asks)).questions, 0);
  });

  const other = new Key();
  const elsewhere = authority('elsewhere');
  const foreign = make({ name: 'responder', authority: false, extra: [forAnswers] }, elsewhere);
  const unfit = make({ name: 'responder', authority: false, usages: ['digitalSignature'] }, root);
  const late = make({ name: 'responder', authority: false, extra: [forAnswers], notAfter: at(-0.1) }, root);
  const wrong: Record<string, [Partial<AnswerSaid>, number]> = {
    'another nonce': [{ nonce: Buffer.alloc(32, 1) }, ANSWER.nonce],
    'a shorter nonce': [{ nonce: Buffer.alloc(16, 1) }, ANSWER.nonce],
    'a wrong signature': [{ signer: { name: 'root', key: other } }, ANSWER.signature],
    'nobody that is known': [{ signer: { name: 'nobody', key: other } }, ANSWER.responder],
    'a delegate of another issuer': [{ signer: foreign, certificates: [foreign.der] }, ANSWER.responder],
    'a certificate that is not for answers': [{ signer: unfit, certificates: [unfit.der] }, ANSWER.responder],
    'the pair itself': [{ signer: sign, certificates: [sign.der] }, ANSWER.responder],
    'a delegate that has expired': [{ signer: late, certificates: [late.der] }, ANSWER.responder],
    "a delegate's certificate, and another key": [
      { signer: { name: 'responder', key: other }, certificates: [delegate.der] },
      ANSWER.signature,
    ],
    'another certificate': [{ serial: OTHER_SERIAL }, ANSWER.other],
    'another issuer': [{ issuer: elsewhere, signer: root }, ANSWER.other],
    'a time that is to come': [{ thisUpdate: at(0.1) }, ANSWER.early],
    'an end that is past': [{ nextUpdate: at(-0.005) }, ANSWER.expired],
    'no end, and an hour old': [{ nextUpdate: null, thisUpdate: at(-0.05) }, ANSWER.expired],
    tryLater: [{ responseStatus: 3 }, ANSWER.notAnswered],
    'another algorithm': [{ algorithm: sequence(oid('2a8648ce3d040302')) }, ANSWER.algorithm],
    'a critical extension': [{ extra: [extension('2a0304', true, der(5))] }, ANSWER.critical],
  };
  for (const [name, [said, fault]] of Object.entries(wrong))
    it(`counts as none: ${name}`, () => {
      const run = (policy: Policy): ReturnType<typeof meet> =>
        meet(client([], { ...asks, ...policy }), (request, i) => about(request, i, said));
      assert.deepEqual(run({}), { fault: UNKNOWN, why: fault, questions: 1 });
      assert.deepEqual(run({ fallback: ACCEPT }), { fault: GOOD, why: fault, questions: 2 });
      assert.equal(run({ fallback: LAST_GOOD }).fault, UNKNOWN, 'nothing was ever heard');
    });

  it('an answer without a nonce is taken, unless one is demanded', () => {
    const bare = (request: Buffer, i: number): Buffer => about(request, i, { nonce: null });
    assert.equal(meet(client([], asks), bare).fault, GOOD);
    assert.deepEqual(meet(client([], { ...asks, needsNonce: true }), bare), {
      fault: UNKNOWN,
      why: ANSWER.nonce,
      questions: 1,
    });
  });

  it('no end: it holds for some minutes', () => {
    assert.equal(
      meet(client([], asks), (request, i) => about(request, i, { nextUpdate: null, thisUpdate: at(0) })).fault,
      GOOD,
    );
  });

  it('an answer that was cut, grew, or of which a byte was changed', () => {
    const settings = client([], asks);
    const whole = meetOnce(settings);
    for (let length = 1; length < whole.length; length += 3)
      assert.notEqual(
        meet(client([], asks), (request, i) => about(request, i).subarray(0, length)).fault,
        GOOD,
        `${length} bytes`,
      );
    assert.equal(
      meet(client([], asks), (request, i) => Buffer.concat([about(request, i), Buffer.from([0])])).why,
      ANSWER.malformed,
    );
    assert.equal(meet(client([], asks), () => Buffer.alloc(20_000, 0x30)).why, ANSWER.tooLarge);
    for (let at = 0; at < whole.length; at += 2) {
      const run = meet(client([], asks), (request, i) => {
        const bytes = about(request, i);
        bytes[Math.min(at, bytes.length - 1)]! ^= 4;
        return bytes;
      });
      assert.equal(run.fault, UNKNOWN, `byte ${at}`);
    }
  });

  function meetOnce(settings: number): Buffer {
    let kept: Buffer = Buffer.alloc(0);
    meet(settings, (request, i) => (kept = about(request, i)));
    return kept;
  }

  it('no answer: refused, accepted, or as it was last heard, and each is counted', () => {
    const silent = (): null => null;
    const refusing = client([], asks);
    assert.deepEqual(meet(refusing, silent), { fault: UNKNOWN, why: ANSWER.none, questions: 1 });
    assert.deepEqual(counts(refusing), [0, 1, 0, 0, 1, 0]);
    const accepting = client([], { ...asks, fallback: ACCEPT });
    assert.equal(meet(accepting, silent).fault, GOOD);
    assert.deepEqual(counts(accepting), [0, 0, 2, 0, 2, 0]);
    const lasting = client([], { ...asks, fallback: LAST_GOOD });
    assert.equal(meet(lasting, about).fault, GOOD);
    tlcp.setNow(lasting, NOW + 10 * 86_400);
    assert.equal(meet(lasting, silent).fault, GOOD);
    assert.deepEqual(counts(lasting), [0, 0, 0, 2, 4, 2]);
  });

  it('no answer in time: the fallback decides before the handshake runs out of time', () => {
    for (const [fallback, state] of [
      [REFUSE, FAILED],
      [ACCEPT, OPEN],
    ] as const) {
      const ends = { server: tlcp.newServer(server()), client: tlcp.newClient(client([], { ...asks, fallback }), 0) };
      pump(ends.client, ends.server);
      tlcp.expire(ends.client, 5000);
      assert.ok(tlcp.writeQuestion(ends.client) > 0);
      for (let i = 0; i < 2; i++) tlcp.expire(ends.client, 5001);
      pump(ends.client, ends.server);
      assert.deepEqual([tlcp.stateOf(ends.client), tlcp.stateOf(ends.server)], [state, state]);
    }
  });
});

describe('a server that waits for an answer', () => {
  const asking = (): number => {
    const made = server();
    tlcp.trust(made, put(root.pem));
    tlcp.setPolicy(made, 2, false, false, 0);
    tlcp.setRevocation(made, REFUSE, true, false, 0);
    return made;
  };
  const presenting = (): number => {
    const made = client([], {});
    const pair = [
      make({ name: 'client', usages: ['digitalSignature'], serial: SIGN_SERIAL }, root),
      make({ name: 'client', usages: ['keyAgreement'], serial: ENCRYPT_SERIAL }, root),
    ];
    const [one, other] = pair.map(({ key }) => key.pem);
    const chain = pair.map(({ pem }) => pem).join('');
    put(chain + one + other);
    assert.equal(tlcp.identify(made, chain.length, one!.length, other!.length), 0);
    return made;
  };

  for (const segment of [Infinity, 7, 1]) {
    it(`takes the rest of the flight meanwhile, in segments of ${segment}, and goes on with it`, () => {
      const ends = { server: tlcp.newServer(asking()), client: tlcp.newClient(presenting(), 0) };
      pump(ends.client, ends.server, segment);
      for (const serial of [SIGN_SERIAL, ENCRYPT_SERIAL]) {
        const request = room(tlcp.writeQuestion(ends.server));
        assert.ok(request.length > 0);
        assert.equal(takeOutput(ends.server).length, 0, 'nothing is said before the answer');
        tlcp.answer(ends.server, put(answer({ serial, issuer: root, request })));
      }
      pump(ends.client, ends.server, segment);
      assert.deepEqual(
        [tlcp.stateOf(ends.server), tlcp.stateOf(ends.client), tlcp.hasPeer(ends.server)],
        [OPEN, OPEN, 1],
      );
      tlcp.send(ends.client, put('hello'));
      pump(ends.client, ends.server, segment);
      assert.equal(takePlain(ends.server).toString(), 'hello');
    });
  }

  it('holds no more than a handshake may have', () => {
    const ends = { server: tlcp.newServer(asking()), client: tlcp.newClient(presenting(), 0) };
    pump(ends.client, ends.server);
    for (let i = 0; i < 20 && tlcp.stateOf(ends.server) !== FAILED; i++) give(ends.server, Buffer.alloc(16_384));
    assert.equal(tlcp.stateOf(ends.server), FAILED);
    assert.equal(tlcp.alertSent(ends.server), 80);
  });

  it('a session of a client that a list names since is not resumed', () => {
    const settings = server();
    tlcp.trust(settings, put(root.pem));
    tlcp.setPolicy(settings, 2, false, true, 0);
    const theirs = presenting();
    const first = { server: tlcp.newServer(settings), client: tlcp.newClient(theirs, 0) };
    pump(first.client, first.server);
    const session = tlcp.keepSession(first.client);
    const again = { server: tlcp.newServer(settings), client: tlcp.newClient(theirs, session) };
    pump(again.client, again.server);
    assert.equal(tlcp.isResumed(again.server), 1);
    assert.equal(tlcp.addLists(settings, put(list(root, { serials: [SIGN_SERIAL] }))), 0);
    const late = { server: tlcp.newServer(settings), client: tlcp.newClient(theirs, session) };
    pump(late.client, late.server);
    assert.deepEqual(
      [tlcp.isResumed(late.server), tlcp.stateOf(late.server), tlcp.alertReceived(late.client)],
      [0, FAILED, 44],
    );
  });

  describe('a session that was made under other rules is not resumed', () => {
    const middle = authority('middle', root);
    const pair = [
      make({ name: 'client', usages: ['digitalSignature'] }, middle),
      make({ name: 'client', usages: ['keyAgreement'] }, middle),
    ];
    const keys = Buffer.alloc(32, 7);
    const gateway = (lists: readonly Buffer[], fallback: number): number => {
      const made = server();
      tlcp.trust(made, put(root.pem));
      put(keys);
      tlcp.setPolicy(made, 2, false, false, 1);
      tlcp.setRevocation(made, fallback, false, false, 0);
      for (const one of lists) assert.equal(tlcp.addLists(made, put(one)), 0);
      return made;
    };
    const theirs = (): number => {
      const made = client([], {});
      const [one, other] = pair.map(({ key }) => key.pem);
      const chain = [...pair, middle].map(({ pem }) => pem).join('');
      put(chain + one + other);
      assert.equal(tlcp.identify(made, chain.length, one!.length, other!.length), 0);
      put('');
      tlcp.setPolicy(made, 0, true, false, 0);
      return made;
    };
    const meetAt = (at: number, of: number, session: number): { state: number; resumed: number; session: number } => {
      const ends = { server: tlcp.newServer(at), client: tlcp.newClient(of, session) };
      pump(ends.client, ends.server);
      const state = tlcp.stateOf(ends.server);
      return {
        state,
        resumed: tlcp.isResumed(ends.server),
        session: state === OPEN ? tlcp.keepSession(ends.client) : 0,
      };
    };
    const middleOf = new X509Certificate(middle.pem).serialNumber;

    it('when a list names the authority of its client since', () => {
      const fresh = [list(root), list(middle)];
      const of = theirs();
      const { state, session } = meetAt(gateway(fresh, REFUSE), of, 0);
      assert.equal(state, OPEN);
      assert.equal(meetAt(gateway(fresh, REFUSE), of, session).resumed, 1, 'by another machine with the same rules');
      const named = [list(root, { serials: [Buffer.from(middleOf, 'hex')] }), list(middle)];
      assert.deepEqual(meetAt(gateway(named, REFUSE), of, session), { state: FAILED, resumed: 0, session: 0 });
    });

    it('when a list that let it in has ended since', () => {
      const of = theirs();
      const short = [list(root), list(middle, { nextUpdate: at(1 / 48) })];
      const { session } = meetAt(gateway(short, REFUSE), of, 0);
      for (const [seconds, resumed, state] of [
        [1700, 1, OPEN],
        [1900, 0, FAILED],
      ] as const) {
        const later = gateway(short, REFUSE);
        tlcp.setNow(later, NOW + seconds);
        const met = meetAt(later, of, session);
        assert.deepEqual([met.resumed, met.state], [resumed, state], `${seconds} s`);
      }
    });

    it('when the fallback that let it in is no longer declared', () => {
      const silent = [list(authority('elsewhere'))];
      const of = theirs();
      const { state, session } = meetAt(gateway(silent, ACCEPT), of, 0);
      assert.equal(state, OPEN);
      const again = meetAt(gateway(silent, ACCEPT), of, session);
      assert.deepEqual([again.state, again.resumed], [OPEN, 0], 'what nothing said is looked up each time');
      assert.deepEqual(meetAt(gateway(silent, REFUSE), of, session), { state: FAILED, resumed: 0, session: 0 });
    });
  });
});
