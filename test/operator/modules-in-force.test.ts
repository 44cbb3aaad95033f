// Modules that objects in force name are asked for, so that the server keeps them, and missed where they are not there.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { MAX_MODULES_IN_FORCE } from '../../istio/limits.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { ModulesInForce, namedModules } from '../../istio/operator/modules-in-force.ts';
import { MODULE_ANNOTATION } from '../../istio/operator/plan/applied.ts';

const sha256 = (digit: string): string => digit.repeat(64);

function naming(module: string): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'fim-gateways', namespace: 'bank', annotations: { [MODULE_ANNOTATION]: module } },
  };
}

async function server(t: TestContext, held: Set<string>): Promise<{ template: string; asked: string[] }> {
  const asked: string[] = [];
  const started = createServer(({ method, url = '' }, response) => {
    asked.push(`${method} ${url}`);
    response.writeHead(held.has(url.slice(1, 65)) ? 200 : 404).end();
  });
  await new Promise<void>((listening) => started.listen(0, '127.0.0.1', listening));
  t.after(() => {
    started.closeAllConnections();
    started.close();
  });
  return { template: `http://127.0.0.1:${(started.address() as AddressInfo).port}/{sha256}.wasm`, asked };
}

describe('modules in force', () => {
  it('are those that objects name, each once, and a bounded number', () => {
    assert.deepEqual(namedModules(['b', 'a', 'b'].map((digit) => naming(sha256(digit)))), [sha256('a'), sha256('b')]);
    assert.deepEqual(namedModules([naming('../../x')]), []);
    const many = Array.from({ length: 200 }, (_, index) => naming(`${index}`.padStart(64, '0')));
    assert.equal(namedModules(many).length, MAX_MODULES_IN_FORCE);
  });

  it('that are not served are a problem of the routes that have them, until they are', async (t) => {
    const held = new Set([sha256('a')]);
    const { template, asked } = await server(t, held);
    const modules = new ModulesInForce({ urlTemplate: template, check: true });
    const named = [sha256('a'), sha256('b')];
    assert.equal(await modules.refresh(named), true);
    assert.deepEqual(asked, [`HEAD /${sha256('a')}.wasm`, `HEAD /${sha256('b')}.wasm`]);
    assert.equal(modules.problemOf(naming(sha256('a'))), undefined);
    assert.equal(modules.problemOf(undefined), undefined);
    const problem = modules.problemOf(naming(sha256('b')));
    assert.equal(problem?.reason, 'ModuleNotFound');
    assert.match(problem.message, /b{64}\.wasm is not served/);
    held.add(sha256('b'));
    assert.equal(await modules.refresh(named), true);
    assert.equal(modules.problemOf(naming(sha256('b'))), undefined);
    const before = asked.length;
    assert.equal(await modules.refresh(named), false);
    assert.equal(asked.length, before, 'what is there is not asked for again at once');
    await modules.refresh([...named, sha256('c')]);
    assert.notEqual(asked.length, before, 'what is new is');
  });

  it('cannot be missed at a silent server, a registry, or one address for all', async () => {
    for (const urlTemplate of [
      'http://127.0.0.1:1/{sha256}.wasm',
      'oci://registry/fim@sha256:x',
      'http://x/fim.wasm',
    ]) {
      const modules = new ModulesInForce({ urlTemplate, check: true });
      await modules.refresh([sha256('a')]);
      assert.equal(modules.problemOf(naming(sha256('a'))), undefined, urlTemplate);
    }
  });
});
