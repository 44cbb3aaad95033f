// Number that many workers of one Envoy let in together, when all of them are asked at once.
import assert from 'node:assert/strict';
import http from 'node:http';
import { it } from 'node:test';
import { Harness } from './harness.ts';

const TOKENS = 600;
const WANTED = 1_200;
/** Each is with one worker; they are spread evenly over them. */
const CONNECTIONS = 32;

const ROUTES = ['TokenBucket', 'SlidingWindow']
  .map(
    (algorithm) => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${algorithm.toLowerCase()}}
spec:
  match: {path: {type: Exact, value: /${algorithm}}}
  rateLimit: {limits: [{name: all, algorithm: ${algorithm}, requests: ${TOKENS}, period: 24h}]}
`,
  )
  .join('---\n');

for (const concurrency of process.env.FIM_TEST_LIMIT_WORKERS?.split(',').map(Number) ?? [8])
  it(`${concurrency} workers let in what one limit has`, async (t) => {
    const harness = await Harness.start({ routes: ROUTES, concurrency });
    t.after(() => harness.stop());
    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    t.after(() => agent.destroy());
    const get = (path: string): Promise<number> =>
      new Promise((done, failed) => {
        const asked = http.get(harness.url + path, { agent }, (response) => {
          response.resume();
          response.on('end', () => done(response.statusCode!));
        });
        asked.on('error', failed);
      });
    for (const algorithm of ['TokenBucket', 'SlidingWindow']) {
      const since = performance.now();
      const answers = await Promise.all(Array.from({ length: WANTED }, () => get(`/${algorithm}`)));
      const seconds = (performance.now() - since) / 1000;
      const admitted = answers.filter((status) => status === 200).length;
      t.diagnostic(`${algorithm}: ${admitted} of ${WANTED} in ${seconds.toFixed(1)} s`);
      // What comes back while they are asked is more; nothing is lost between the workers.
      const back = algorithm === 'TokenBucket' ? Math.ceil((seconds * TOKENS) / 86_400) : 0;
      assert.ok(admitted >= TOKENS && admitted <= TOKENS + back, `${admitted} for ${TOKENS}`);
      assert.equal(answers.filter((status) => status === 429).length, WANTED - admitted);
    }
  });
