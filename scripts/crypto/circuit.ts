// Boolean circuits of two-input gates, as lists in evaluation order.

export interface Gate {
  name: string;
  operator: '^' | '&' | '|';
  left: string;
  right: string;
}

/** Reads `name=left^right` items separated by white space or semicolons. */
export function parseGates(text: string): Gate[] {
  return text
    .trim()
    .split(/[\s;]+/)
    .map((item) => {
      const match = /^(\w+)=(\w+)([\^&|])(\w+)$/.exec(item);
      if (!match) throw new Error(`not a gate: ${item}`);
      return { name: match[1], left: match[2], operator: match[3] as Gate['operator'], right: match[4] };
    });
}

/**
 * Evaluates a circuit for all 256 values of inputs x0 … x7 and returns the bytes that `outputs` (bit 0 first) spell.
 */
export function truthTable(gates: Gate[], outputs: string[]): number[] {
  const wires = new Map<string, bigint>();
  for (let bit = 0; bit < 8; bit++) {
    let column = 0n;
    for (let x = 0; x < 256; x++) if ((x >> bit) & 1) column |= 1n << BigInt(x);
    wires.set(`x${bit}`, column);
  }
  for (const { name, operator, left, right } of gates) {
    const [a, b] = [wires.get(left), wires.get(right)];
    if (a === undefined || b === undefined) throw new Error(`${name} uses an unknown wire`);
    wires.set(name, operator === '^' ? a ^ b : operator === '&' ? a & b : a | b);
  }
  return Array.from({ length: 256 }, (_, x) =>
    outputs.reduce((byte, wire, bit) => byte | (Number((wires.get(wire)! >> BigInt(x)) & 1n) << bit), 0),
  );
}
