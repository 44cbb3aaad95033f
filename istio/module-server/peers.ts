// Other replicas of the module server. A replica that starts takes over what they hold before it counts as ready, and
// one that is asked for what it lacks looks whether another has it. So a rolling upgrade carries modules on, both ways:
// proxies that start find the module before the upgrade at new replicas, and the one after it at old replicas.
import { lookup } from 'node:dns/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  MAX_CARRIED_BYTES,
  MAX_CARRIED_MODULES,
  MAX_HELD_LIST_BYTES,
  MAX_MODULE_BYTES,
  MAX_MODULE_PEERS,
  MAX_SERVED_MODULES,
  PEER_LIST_MS,
  PEER_LOOK_MS,
  PEER_MODULE_MS,
} from '../limits.ts';
import { faultOf, type HeldModule, type ModuleStore } from './store.ts';

/** Path of the list of what a replica holds. `HELD_PATH/SHA256.wasm` is a module of its own, never another's. */
export const HELD_PATH = '/held';

export type Log = (event: string, fields: Record<string, unknown>) => void;

/** A module that another replica offers. */
interface Offer extends HeldModule {
  peer: string;
}

/** Result of asking all replicas: what they offer, and whether one that is there did not answer. */
interface Look {
  offers: Map<string, Offer[]>;
  isWhole: boolean;
}

/** Reads a response of at most `most` bytes. A longer one throws. */
async function read(url: string, most: number, timeoutMs: number): Promise<Buffer | undefined> {
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) {
    await answer.body?.cancel();
    // A replica of an earlier release has no list.
    if (answer.status === 404) return undefined;
    throw new Error(`it answers ${answer.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > most) throw new Error(`it answers with more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isHeld(value: unknown): value is HeldModule {
  const { sha256, bytes, idleMs } = (value ?? {}) as Partial<Record<keyof HeldModule, unknown>>;
  return (
    /^[0-9a-f]{64}$/.test(String(sha256)) &&
    Number.isSafeInteger(bytes) &&
    (bytes as number) <= MAX_MODULE_BYTES &&
    (idleMs === null || (Number.isFinite(idleMs) && (idleMs as number) >= 0))
  );
}

export class Peers {
  private readonly places: readonly string[];
  private readonly resolveName: typeof lookup;
  private readonly store: ModuleStore;
  private readonly log: Log;
  private next: Promise<Look> | undefined;
  private lookedAt = -Infinity;
  private readonly fetching = new Map<string, Promise<void>>();

  /** `places`: HOST:PORT each. All addresses of a host are replicas. */
  constructor(places: readonly string[], store: ModuleStore, log: Log, resolveName: typeof lookup = lookup) {
    this.places = places;
    this.resolveName = resolveName;
    this.store = store;
    this.log = log;
  }

  /**
   * Takes over what others hold, those that were asked for last first. Tries again until every replica that is there
   * has answered, or the time is over: then what is missing is looked for when it is asked for.
   */
  async takeOver(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    for (;;) {
      const { offers, isWhole } = await this.look();
      const idle = (name: string): number => Math.min(...offers.get(name)!.map(({ idleMs }) => idleMs ?? Infinity));
      let bytes = 0;
      const wanted = [...offers.keys()]
        .filter((sha256) => !this.store.has(sha256))
        .map((sha256) => ({ sha256, idleMs: idle(sha256) }))
        .sort((a, b) => (a.idleMs === b.idleMs ? 0 : a.idleMs - b.idleMs))
        .slice(0, MAX_CARRIED_MODULES)
        .filter(({ sha256 }) => (bytes += offers.get(sha256)![0]!.bytes) <= MAX_CARRIED_BYTES);
      for (const { sha256 } of wanted) await this.fetch(sha256, offers.get(sha256)!);
      const missing = wanted.filter(({ sha256 }) => !this.store.has(sha256)).map(({ sha256 }) => sha256);
      if (isWhole && missing.length === 0) return;
      if (performance.now() >= until) return this.log('peers-incomplete', { missing });
      await pause(PEER_LOOK_MS);
    }
  }

  /**
   * Looks for a module that the store lacks. Requests share one look, of which there is at most one in PEER_LOOK_MS,
   * and fetch nothing that no list names: whoever asks for what nobody has costs little.
   */
  async find(sha256: string): Promise<Buffer | undefined> {
    this.next ??= this.lookSoon();
    const offers = (await this.next).offers.get(sha256);
    if (offers !== undefined) await this.fetch(sha256, offers);
    return this.store.ask(sha256);
  }

  private async lookSoon(): Promise<Look> {
    await pause(Math.max(0, this.lookedAt + PEER_LOOK_MS - performance.now()));
    // Requests from now on may be for something that this look does not see any more.
    this.next = undefined;
    return this.look();
  }

  private async look(): Promise<Look> {
    this.lookedAt = performance.now();
    const { peers, isKnown } = await this.resolve();
    const offers = new Map<string, Offer[]>();
    let isWhole = isKnown;
    const lists = await Promise.all(peers.map((peer) => this.listOf(peer)));
    for (const [index, list] of lists.entries()) {
      if (list === undefined) isWhole = false;
      for (const held of list ?? [])
        offers.set(held.sha256, [...(offers.get(held.sha256) ?? []), { ...held, peer: peers[index]! }]);
    }
    return { offers, isWhole };
  }

  /** Addresses of the replicas. A name that has none means that there are no others. */
  private async resolve(): Promise<{ peers: string[]; isKnown: boolean }> {
    let isKnown = true;
    const found = await Promise.all(
      this.places.map(async (place) => {
        const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(place) ?? [];
        try {
          const addresses = await this.resolveName(host.replace(/^\[|\]$/g, ''), { all: true });
          return addresses.map(({ address, family }) => `${family === 6 ? `[${address}]` : address}:${port}`);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOTFOUND') isKnown = false;
          return [];
        }
      }),
    );
    return { peers: [...new Set(found.flat())].slice(0, MAX_MODULE_PEERS), isKnown };
  }

  /** List of a replica's modules. Undefined if it does not answer as one. */
  private async listOf(peer: string): Promise<HeldModule[] | undefined> {
    try {
      const bytes = await read(`http://${peer}${HELD_PATH}`, MAX_HELD_LIST_BYTES, PEER_LIST_MS);
      const list: unknown = bytes === undefined ? [] : JSON.parse(bytes.toString());
      if (!Array.isArray(list)) throw new Error('it answers with no list');
      return list.filter(isHeld).slice(0, MAX_SERVED_MODULES + MAX_CARRIED_MODULES);
    } catch (error) {
      const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
      // A replica that has ended, or starts again, holds nothing.
      if (cause?.code === 'ECONNREFUSED') return [];
      this.log('peer-silent', { peer, reason: cause?.code ?? message });
      return undefined;
    }
  }

  /** Fetches a module from one of those that offer it. Never throws. */
  private fetch(sha256: string, offers: readonly Offer[]): Promise<void> {
    let running = this.fetching.get(sha256);
    if (running === undefined && !this.store.has(sha256)) {
      running = this.fetchFromAny(sha256, offers).finally(() => this.fetching.delete(sha256));
      this.fetching.set(sha256, running);
    }
    return running ?? Promise.resolve();
  }

  private async fetchFromAny(sha256: string, offers: readonly Offer[]): Promise<void> {
    for (const { peer, bytes: promised, idleMs } of offers) {
      try {
        const bytes = await read(`http://${peer}${HELD_PATH}/${sha256}.wasm`, promised, PEER_MODULE_MS);
        const fault = bytes === undefined ? 'it is gone' : faultOf(bytes, sha256);
        if (bytes === undefined || fault !== undefined) throw new Error(fault);
        this.store.carry(sha256, bytes, idleMs);
        return this.log('carried', { sha256, bytes: bytes.length, peer });
      } catch (error) {
        this.log('not-carried', { sha256, peer, reason: (error as Error).message });
      }
    }
  }
}
