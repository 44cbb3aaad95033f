// Messages of UnionPay's switch and the text that their code covers, once more: by lists and regular expressions, from
// the rules as other projects' code has them in its comments.

/** Digits of the length prefix, of elements that have one. */
const PREFIXES: ReadonlyMap<number, number> = new Map([
  [2, 2],
  [32, 2],
  [33, 2],
  [48, 3],
  [100, 2],
  [102, 2],
  [103, 2],
]);

export interface SwitchMessage {
  type: string;
  /** By element. */
  elements: Record<number, string>;
}

const numbersOf = ({ elements }: SwitchMessage): number[] => Object.keys(elements).map(Number);

function written(element: number, value: string): string {
  const digits = PREFIXES.get(element) ?? 0;
  return (digits === 0 ? '' : String(value.length).padStart(digits, '0')) + value;
}

/** The message up to its code, for which element 128 is announced. */
export function upToCode(message: SwitchMessage): Buffer {
  const bitmap = Buffer.alloc(16);
  for (const element of [1, 128, ...numbersOf(message)]) bitmap[(element - 1) >> 3]! |= 0x80 >> ((element - 1) & 7);
  const values = numbersOf(message).map((element) => written(element, message.elements[element]!));
  return Buffer.concat([Buffer.from(message.type), bitmap, Buffer.from(values.join(''), 'latin1')]);
}

/** Text that the code covers. */
export function coveredBySwitch(message: SwitchMessage): string {
  const chosen = /^08[01]0$/.test(message.type)
    ? [7, 11, 39, 53, 70, 100]
    : [2, 3, 4, 7, 11, 18, 25, 28, 32, 33, 38, 39, 41, 42, 90, 102, 103];
  const parts = chosen
    .filter((element) => message.elements[element] !== undefined)
    .map((element) => written(element, message.elements[element]!))
    .map((text, at) =>
      chosen.filter((element) => message.elements[element] !== undefined)[at] === 90 ? text.slice(0, 20) : text,
    );
  return [message.type, ...parts]
    .join(' ')
    .toUpperCase()
    .replace(/[^A-Z0-9 ,.]/g, '')
    .replace(/ +/g, ' ')
    .trim();
}
