// A refusal of well-formed HTTP costs the client no connection. Envoy takes 400 for a request that it could not read,
// and closes.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';

const ROUTES = `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: { name: plain }
spec: { match: { path: { value: /plain } }, validation: { fields: [{ name: a }] } }
---
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: { name: old }
spec: { match: { path: { value: /old } }, validation: { rejectStatus: 400, fields: [{ name: a }] } }
`;

test('requests that are refused share one connection, unless the route answers 400', async (t) => {
  const harness = await Harness.start({ routes: ROUTES });
  t.after(() => harness.stop());
  const opened = async (path: string, status: number): Promise<number> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let connections = 0;
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => (connections++, connect(options, callback));
    for (let i = 0; i < 10; i++)
      assert.equal((await send(harness.url, { path, body: '{"b":1}', agent })).status, status);
    agent.destroy();
    return connections;
  };
  assert.equal(await opened('/plain', 422), 1);
  assert.equal(await opened('/old', 400), 10);
});
