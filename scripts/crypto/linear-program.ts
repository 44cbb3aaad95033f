// Short straight-line programs for linear maps over GF(2), by greedy searches with random ties. Deterministic for a
// seed.

export interface Program {
  /** Each step adds two earlier values: indices into inputs followed by steps. */
  steps: [left: number, right: number, mask: number][];
}

/** A small generator of reproducible numbers (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The shortest of `tries` programs that compute every mask of `targets` from `inputs` one-bit values. */
export function shortestProgram(inputs: number, targets: number[], tries: number, seed: number): Program {
  const next = random(seed);
  let best: Program | undefined;
  for (let i = 0; i < tries; i++) {
    const search = inputs <= 8 ? byDistance : byFrequency;
    const program = search(inputs, targets, best?.steps.length ?? Infinity, next);
    if (program) best = program;
  }
  if (!best) throw new Error('no program found');
  return best;
}

/**
 * Boyar and Peralta: adds the pair that brings the targets nearest, by exact distances. Undefined when it reaches
 * `limit`.
 */
function byDistance(inputs: number, targets: number[], limit: number, next: () => number): Program | undefined {
  const masks = Array.from({ length: inputs }, (_, i) => 1 << i);
  const steps: Program['steps'] = [];
  for (;;) {
    const missing = targets.filter((target) => !masks.includes(target));
    if (missing.length === 0) return steps.length < limit ? { steps } : undefined;
    if (steps.length + missing.length >= limit) return undefined;
    const [left, right] = nearestPair(masks, missing, inputs, next);
    steps.push([left, right, masks[left] ^ masks[right]]);
    masks.push(masks[left] ^ masks[right]);
  }
}

function nearestPair(masks: number[], missing: number[], inputs: number, next: () => number): [number, number] {
  let best = [Infinity, 0];
  let pairs: [number, number][] = [];
  const seen = new Set(masks);
  for (let a = 0; a < masks.length; a++) {
    for (let b = a + 1; b < masks.length; b++) {
      const mask = masks[a] ^ masks[b];
      if (missing.includes(mask)) return [a, b];
      if (seen.has(mask)) continue;
      seen.add(mask);
      const distance = distances([...masks, mask], inputs);
      const rest = missing.map((target) => distance[target]);
      const sum = rest.reduce((x, y) => x + y, 0);
      const squares = rest.reduce((x, y) => x + y * y, 0);
      if (sum < best[0] || (sum === best[0] && squares > best[1])) [best, pairs] = [[sum, squares], []];
      if (sum === best[0] && squares === best[1]) pairs.push([a, b]);
    }
  }
  return pairs[Math.floor(next() * pairs.length)];
}

/** Number of `masks` needed to sum to each value. */
function distances(masks: number[], inputs: number): Uint8Array {
  const distance = new Uint8Array(1 << inputs).fill(255);
  distance[0] = 0;
  for (let frontier = [0], steps = 1; frontier.length > 0; steps++) {
    const reached: number[] = [];
    for (const value of frontier) {
      for (const mask of masks) {
        if (distance[value ^ mask] !== 255) continue;
        distance[value ^ mask] = steps;
        reached.push(value ^ mask);
      }
    }
    frontier = reached;
  }
  return distance;
}

/** Paar: adds the most frequent pair again and again. Undefined when it reaches `limit`. */
function byFrequency(inputs: number, targets: number[], limit: number, next: () => number): Program | undefined {
  const masks = Array.from({ length: inputs }, (_, i) => 1 << i);
  const rows = targets.map((target) => new Set(masks.flatMap((mask, i) => (target & mask ? [i] : []))));
  const steps: Program['steps'] = [];
  for (;;) {
    const pairs = mostFrequentPairs(rows, masks.length);
    if (pairs.length === 0) return steps.length < limit ? { steps } : undefined;
    if (steps.length + 1 >= limit) return undefined;
    const [left, right] = pairs[Math.floor(next() * pairs.length)];
    for (const row of rows) {
      if (!row.has(left) || !row.has(right)) continue;
      row.delete(left);
      row.delete(right);
      row.add(masks.length);
    }
    steps.push([left, right, masks[left] ^ masks[right]]);
    masks.push(masks[left] ^ masks[right]);
  }
}

function mostFrequentPairs(rows: Set<number>[], count: number): [number, number][] {
  let best = 0;
  let pairs: [number, number][] = [];
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      let uses = 0;
      for (const row of rows) if (row.has(a) && row.has(b)) uses++;
      if (uses > best) [best, pairs] = [uses, []];
      if (uses === best && best > 0) pairs.push([a, b]);
    }
  }
  return pairs;
}
