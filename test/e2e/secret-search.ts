// Searches outputs for secrets in every form that they could have taken.

export interface Output {
  name: string;
  bytes: Buffer;
}

export interface Secret {
  /** Description without the secret. */
  name: string;
  bytes: Buffer;
}

/**
 * Letters of base64 in which one encoding of bytes at each place modulo three always shows, without those that
 * neighbours share.
 */
function base64Core(bytes: Buffer, offset: 0 | 1 | 2): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((offset * 8) / 6);
  const whole = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(first, whole);
}

/**
 * The forms of a secret, by name: raw, hex in both cases, base64 and base64url at the three places that a byte can have
 * in a group.
 */
export function formsOf(bytes: Buffer): Map<string, Buffer> {
  const forms = new Map([
    ['raw', bytes],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
  ]);
  for (const offset of [0, 1, 2] as const) {
    const core = base64Core(bytes, offset);
    forms.set(`base64 at ${offset}`, Buffer.from(core));
    forms.set(`base64url at ${offset}`, Buffer.from(core.replaceAll('+', '-').replaceAll('/', '_')));
  }
  const escaped = JSON.stringify(bytes.toString('latin1')).slice(1, -1);
  forms.set('escaped as JSON', Buffer.from(escaped));
  return forms;
}

/** Places of secrets: `output: secret as form`. Never the secret itself. */
export function findSecrets(outputs: readonly Output[], secrets: readonly Secret[]): string[] {
  const searched = secrets.map(({ name, bytes }) => ({ name, forms: [...formsOf(bytes)] }));
  return outputs.flatMap((output) =>
    searched.flatMap(({ name, forms }) =>
      forms.filter(([, form]) => output.bytes.includes(form)).map(([form]) => `${output.name}: ${name} as ${form}`),
    ),
  );
}
