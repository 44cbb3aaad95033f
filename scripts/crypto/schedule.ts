// Orders the operations of straight-line code so that few values leave the registers. V8 keeps the source's order for
// SIMD code and has 15 registers. Tries greedy orders with random weights, then single moves that do not raise the
// cost. Deterministic for a seed.
import { random } from './linear-program.ts';

/** Operands of each value. Values that are no operand are stores. */
export type Dependencies = Map<string, string[]>;

const REGISTERS = 14;

/** Best order found in `tries` greedy attempts and `moves` moves. */
export function schedule(needs: Dependencies, tries: number, moves: number, seed: number): string[] {
  const next = random(seed);
  let best = [...needs.keys()];
  let lowest = memoryTraffic(best, needs);
  for (let i = 0; i < tries; i++) {
    const weights = [0.5 + 3.5 * next(), 0.3 * next(), 1.5 * next(), 2 * next(), 3 * next()];
    const order = greedyOrder(needs, weights, next);
    const cost = memoryTraffic(order, needs);
    if (cost <= lowest) [best, lowest] = [order, cost];
  }
  for (let i = 0; i < moves; i++) {
    const order = moveOne(best, needs, next);
    const cost = memoryTraffic(order, needs);
    if (cost <= lowest) [best, lowest] = [order, cost];
  }
  return best;
}

/** Whether every value appears once and after its operands. */
export function isOrder(order: string[], needs: Dependencies): boolean {
  const done = new Set<string>();
  for (const name of order) {
    if (done.has(name) || !needs.get(name)?.every((need) => done.has(need))) return false;
    done.add(name);
  }
  return done.size === needs.size;
}

/** Reloads and spills of an order when the value needed last is evicted (Belady). */
export function memoryTraffic(order: string[], needs: Dependencies): number {
  const uses = new Map<string, number[]>(order.map((name) => [name, []]));
  order.forEach((name, at) => new Set(needs.get(name)).forEach((need) => uses.get(need)!.push(at)));
  const nextUse = (name: string, after: number) => uses.get(name)!.find((at) => at > after) ?? Infinity;
  const held = new Set<string>();
  const spilled = new Set<string>();
  let traffic = 0;
  order.forEach((name, at) => {
    for (const need of new Set(needs.get(name))) {
      if (!held.has(need)) traffic++;
      held.add(need);
    }
    for (const value of [...held]) if (nextUse(value, at) === Infinity) held.delete(value);
    if (uses.get(name)!.length > 0) held.add(name);
    while (held.size > REGISTERS) {
      const victim = [...held]
        .filter((value) => value !== name)
        .reduce((a, b) => (nextUse(a, at) >= nextUse(b, at) ? a : b));
      held.delete(victim);
      if (!spilled.has(victim)) traffic++;
      spilled.add(victim);
    }
  });
  return traffic;
}

function greedyOrder(needs: Dependencies, weights: number[], next: () => number): string[] {
  const users = usersOf(needs);
  const depths = depthsOf(needs, users);
  const waiting = new Map([...needs].map(([name, of]) => [name, new Set(of).size]));
  const usesLeft = new Map([...users].map(([name, by]) => [name, by.length]));
  const ready = [...needs.keys()].filter((name) => waiting.get(name) === 0);
  const order: string[] = [];
  while (ready.length > 0) {
    const score = (name: string) => {
      const freed = [...new Set(needs.get(name))].filter((need) => usesLeft.get(need) === 1).length;
      const enabled = users.get(name)!.filter((user) => waiting.get(user) === 1).length;
      const isInput = needs.get(name)!.length === 0 ? weights[4] : 0;
      return (
        weights[0] * (freed - (users.get(name)!.length > 0 ? 1 : 0)) +
        weights[1] * depths.get(name)! +
        weights[2] * enabled +
        weights[3] * next() -
        isInput
      );
    };
    const scores = ready.map(score);
    const name = ready.splice(scores.indexOf(Math.max(...scores)), 1)[0];
    order.push(name);
    for (const need of new Set(needs.get(name))) usesLeft.set(need, usesLeft.get(need)! - 1);
    for (const user of users.get(name)!) {
      waiting.set(user, waiting.get(user)! - 1);
      if (waiting.get(user) === 0) ready.push(user);
    }
  }
  return order;
}

function moveOne(order: string[], needs: Dependencies, next: () => number): string[] {
  const from = Math.floor(next() * order.length);
  const name = order[from];
  const rest = order.filter((_, i) => i !== from);
  const lowest = 1 + Math.max(-1, ...needs.get(name)!.map((need) => rest.indexOf(need)));
  const firstUse = rest.findIndex((other) => needs.get(other)!.includes(name));
  const highest = firstUse < 0 ? rest.length : firstUse;
  rest.splice(lowest + Math.floor(next() * (highest - lowest + 1)), 0, name);
  return rest;
}

function usersOf(needs: Dependencies): Map<string, string[]> {
  const users = new Map<string, string[]>([...needs.keys()].map((name) => [name, []]));
  for (const [name, of] of needs) new Set(of).forEach((need) => users.get(need)!.push(name));
  return users;
}

function depthsOf(needs: Dependencies, users: Map<string, string[]>): Map<string, number> {
  const depths = new Map<string, number>();
  const depth = (name: string): number => {
    if (!depths.has(name)) depths.set(name, 1 + Math.max(0, ...users.get(name)!.map(depth)));
    return depths.get(name)!;
  };
  for (const name of needs.keys()) depth(name);
  return depths;
}
