// A rolling upgrade of the module server, whose new image packs new modules only. Proxies that start while configurations
// still name the old module get it, those that start when the new one is named get that from old replicas, and none
// serves 500.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { MODULE_ANNOTATION } from '../../istio/operator/plan/applied.ts';
import { buildModules } from '../../scripts/build.ts';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { ModuleReplica, sha256Of } from '../operator/module-replica.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { freePorts } from './stack/ports.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';

/** A Service: connections go to the replicas that are ready, in turn. */
class Service {
  replicas: string[] = [];
  private server!: Server;
  private turn = 0;

  async start(): Promise<void> {
    this.server = createServer((client) => {
      const [host, port] = (this.replicas[this.turn++ % this.replicas.length] ?? '127.0.0.1:1').split(':');
      const replica = connect({ host, port: Number(port) });
      for (const [from, to] of [
        [client, replica],
        [replica, client],
      ] as const)
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
      client.pipe(replica).pipe(client);
    });
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
  }
}

describe('a rolling upgrade of the modules', () => {
  const service = new Service();
  const replicas: ModuleReplica[] = [];
  let stack: OperatedMesh;
  let oldModule: Buffer;
  let newModule: Buffer;
  let places: string[];

  /** Starts a replica and returns its address when it is ready. */
  async function add(module: Buffer): Promise<string> {
    const place = places[replicas.length]!;
    const replica = new ModuleReplica([module], places.join(), place);
    replicas.push(replica);
    await replica.said('ready');
    assert.ok(await replica.isReady());
    return place;
  }

  /** Starts a gateway's pod and returns the statuses of its first answers. */
  async function firstAnswers(pod: string): Promise<number[]> {
    const gateway = await stack.mesh.addGateway(pod);
    const url = stack.mesh.gatewayUrl(gateway);
    const statuses: number[] = [];
    for (let turn = 0; turn < 10; turn++) {
      statuses.push((await send(url, { body: BAD })).status);
      statuses.push((await send(url, { body: GOOD })).status);
    }
    return [...new Set(statuses)];
  }

  const named = async (): Promise<string[]> =>
    (await stack.filters()).map(({ metadata }) => metadata.annotations?.[MODULE_ANNOTATION] ?? '');

  before(
    async () => {
      const [module] = await buildModules(['fim']);
      oldModule = readFileSync(module!.path);
      // A custom section more: other content, the same code.
      newModule = Buffer.concat([oldModule, Buffer.from([0, 2, 1, 7])]);
      places = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
      await service.start();
      service.replicas = [await add(oldModule), await add(oldModule)];
      stack = await OperatedMesh.start(undefined, { operator: { moduleUrl: `${service.url}/{sha256}.wasm` } });
      await stack.apply(route('account', { validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] } }));
      await stack.condition('account', 'Programmed', 'True');
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    await stack?.stop();
    for (const replica of replicas) await replica.stop();
    service.stop();
  });

  it('a pod that starts when old replicas are asked for the module of a new one gets it', async () => {
    const old = service.replicas;
    await add(newModule);
    // The new replica is ready, and the Service still leads everyone to old ones.
    service.replicas = old;
    stack.mesh.releaseModule(newModule);
    await until('the new module is named', async () =>
      (await named()).every((sha256) => sha256 === sha256Of(newModule)),
    );
    assert.deepEqual(await firstAnswers('gw-1'), [422, 200]);
    await stack.condition('account', 'Programmed', 'True');
    assert.equal((await stack.conditions('account')).ResolvedRefs?.status, 'True');
    // Back, for the upgrade proper: configurations name the old module while all replicas are exchanged.
    stack.mesh.releaseModule(oldModule);
    await until('the old module is named', async () =>
      (await named()).every((sha256) => sha256 === sha256Of(oldModule)),
    );
    await stack.condition('account', 'Programmed', 'True');
  });

  it('a pod that starts when all replicas are of the new release gets the old module that is named', async () => {
    const third = places[2]!;
    service.replicas = [third, places[1]!];
    await replicas[0]!.stop();
    const fourth = await add(newModule);
    service.replicas = [third, fourth];
    await replicas[1]!.stop();
    assert.deepEqual([...new Set(await named())], [sha256Of(oldModule)]);
    const answers = await firstAnswers('gw-2');
    assert.deepEqual(answers, [422, 200]);
    await stack.condition('account', 'Programmed', 'True');
    // The operator has asked for it, and the replicas know that it is in use.
    const held = JSON.parse((await replicas[3]!.get('/held')).body.toString()) as { sha256: string; idleMs: number }[];
    assert.ok(held.some(({ sha256 }) => sha256 === sha256Of(oldModule)));
  });

  it('the operator takes the new module into force, and nothing is missed', async () => {
    stack.mesh.releaseModule(newModule);
    await until('the new module is named', async () =>
      (await named()).every((sha256) => sha256 === sha256Of(newModule)),
    );
    await stack.condition('account', 'Programmed', 'True');
    await stack.condition('account', 'ResolvedRefs', 'True');
    assert.equal((await send(stack.url, { body: BAD })).status, 422);
  });
});
