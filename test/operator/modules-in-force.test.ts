// Modules that objects in force name are asked for, so that the server keeps them, and missed where they are not there.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { MAX_MODULES_IN_FORCE } from '../../istio/limits.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { ModulesInForce, namedModules } from '../../istio/operator/modules-in-force.ts';
import { MODULE_ANNOTATION } from '../../istio/operator/plan/applied.ts';

const sha256 = (digit: string): string => digit.repeat(64);
const moduleOf = (text: string): string => createHash('sha256').update(text).digest('hex');

function naming(module: string): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'fim-gateways', namespace: 'bank', annotations: { [MODULE_ANNOTATION]: module } },
  };
}

/** A server of modules. `held`: what it answers, by the name of the module. */
async function server(t: TestContext, held: Map<string, string>): Promise<{ template: string; asked: string[] }> {
  const asked: string[] = [];
  const started = createServer(({ method, url = '' }, response) => {
    asked.push(`${method} ${url}`);
    const content = held.get(url.slice(1, 65));
    response.writeHead(content === undefined ? 404 : 200).end(content);
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
    const [a, b] = [moduleOf('a'), moduleOf('b')].sort() as [string, string];
    const contents = new Map(['a', 'b'].map((text) => [moduleOf(text), text]));
    const held = new Map([[a, contents.get(a)!]]);
    const { template, asked } = await server(t, held);
    const modules = new ModulesInForce({ urlTemplate: template, check: true });
    const named = [a, b];
    assert.equal(await modules.refresh(named), true);
    assert.deepEqual(asked, [`GET /${a}.wasm`, `GET /${b}.wasm`]);
    assert.equal(modules.problemOf(naming(a)), undefined);
    assert.equal(modules.problemOf(undefined), undefined);
    const problem = modules.problemOf(naming(b));
    assert.equal(problem?.reason, 'ModuleNotFound');
    assert.match(problem.message, new RegExp(`${b}\\.wasm answers 404: the module is not served.*in force names it`));
    held.set(b, contents.get(b)!);
    assert.equal(await modules.refresh(named), true);
    assert.equal(modules.problemOf(naming(b)), undefined);
    const before = asked.length;
    assert.equal(await modules.refresh(named), false);
    assert.equal(asked.length, before, 'what is there is not asked for again at once');
    await modules.refresh([...named, sha256('c')]);
    assert.notEqual(asked.length, before, 'what is new is');
  });

  it('are missed where the server has something else under their name', async (t) => {
    const { template } = await server(t, new Map([[moduleOf('a'), 'another']]));
    const modules = new ModulesInForce({ urlTemplate: template, check: true });
    assert.equal(await modules.refresh([moduleOf('a')]), true);
    assert.match(modules.problemOf(naming(moduleOf('a')))?.message ?? '', /answers with another module/);
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
