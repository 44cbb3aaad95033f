// Independent implementations as oracles: Tongsuo, emmansun/gmsm, RustCrypto, sm-crypto-v2 and noble give what this
// library gives, for every length from 0 to 1,100. They are the peers of the benchmark, which installs and builds them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CACHE, PEERS } from '../../../bench/crypto/peers.ts';
import { fimSubject } from '../../../bench/crypto/fim.ts';
import { rustWasmPeer } from '../../../bench/crypto/native.ts';
import { OPERATIONS } from '../../../bench/crypto/operations.ts';

const LONGEST = 1100;
/** Lengths an operation takes: whole blocks where padding is off. */
const lengthsOf = (operation: string) =>
  Array.from({ length: LONGEST + 1 }, (_, length) => length).filter(
    (length) => !operation.startsWith('sm4-cbc') || (length > 0 && length % 16 === 0),
  );

const own = [fimSubject('strict'), fimSubject('relaxed')];

// The same source as native RustCrypto, with a target that few toolchains have. The benchmark reports it as missing.
for (const peer of PEERS.filter((p) => p !== rustWasmPeer)) {
  describe(peer.name, () => {
    test('agrees on every length', { timeout: 900_000 }, async (t) => {
      for (const subject of await peer.open(CACHE)) {
        t.after(() => subject.close());
        for (const { name } of OPERATIONS.filter(
          (operation) => operation.unit === 'MB/s' && subject.offers(operation.name),
        )) {
          for (const length of lengthsOf(name)) {
            const theirs = await subject.digest(name, length);
            for (const ours of own)
              assert.equal(
                await ours.digest(name, length),
                theirs,
                `${subject.name} and ${ours.name}: ${name}, ${length} bytes`,
              );
          }
          t.diagnostic(`${subject.name}: ${name}, ${lengthsOf(name).length} lengths`);
        }
      }
    });
  });
}
