// Certificates and signing requests with SM2 and SM3 as DER (RFC 5280, RFC 2986, GM/T 0015), for development and tests.

/** keyUsage, by name: the number of the bit. */
const USAGES = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;
export type Usage = keyof typeof USAGES;

/** Content of a certificate or a request. */
export interface Subject {
  /** commonName; organisation and country may stand before it, as `C=CN, O=Bank, CN=name`. */
  name: string;
  usages?: readonly Usage[];
  /** Present if given: whether it is an authority, and how many more there may be below it. */
  authority?: { pathLength?: number } | false;
  purposes?: readonly ('server' | 'client')[];
  /** DNS names and IPv4 addresses. */
  hosts?: readonly string[];
  /** Further extensions, for tests. */
  extra?: readonly Buffer[];
}

export interface Issuance extends Subject {
  issuer: string;
  serial: Buffer;
  notBefore: Date;
  notAfter: Date;
  /** x ‖ y of the subject's key. */
  point: Buffer;
  /** DER of r and s over a message by the issuer's key. */
  sign: (message: Buffer) => Buffer;
}

const OID = {
  key: '2a8648ce3d0201',
  curve: '2a811ccf5501822d',
  signature: '2a811ccf55018375',
  commonName: '550403',
  country: '550406',
  organization: '55040a',
  keyUsage: '551d0f',
  subjectNames: '551d11',
  basicConstraints: '551d13',
  purposes: '551d25',
  server: '2b06010505070301',
  client: '2b06010505070302',
  extensionRequest: '2a864886f70d01090e',
};
const NAME_OIDS: Record<string, string> = { CN: OID.commonName, O: OID.organization, C: OID.country };
const TAG = { boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, printable: 19, utc: 23, generalized: 24 };

/** One element. */
export function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = [length >> 16, length >> 8, length].map((byte) => byte & 255);
  while (bytes[0] === 0) bytes.shift();
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

export const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
export const oid = (hex: string): Buffer => der(TAG.oid, Buffer.from(hex, 'hex'));
export const bits = (content: Buffer): Buffer => der(TAG.bits, Buffer.from([0]), content);
export const SIGNATURE_ALGORITHM = sequence(oid(OID.signature));

/** A whole number that is not negative. */
export function integer(bytes: Buffer): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const short = bytes.subarray(from);
  return der(TAG.integer, short[0]! >= 0x80 ? Buffer.from([0]) : Buffer.alloc(0), short);
}

/** `C=CN, O=Bank, CN=name`, or a commonName alone. */
export function nameOf(text: string): Buffer {
  const parts = /^(?:CN|O|C)=/.test(text) ? text.split(/,\s*/) : [`CN=${text}`];
  return sequence(
    ...parts.map((part) => {
      const at = part.indexOf('=');
      const type = part.slice(0, at);
      const tag = type === 'C' ? TAG.printable : TAG.utf8;
      return der(0x31, sequence(oid(NAME_OIDS[type] ?? OID.commonName), der(tag, Buffer.from(part.slice(at + 1)))));
    }),
  );
}

export function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(TAG.utc, Buffer.from(text.slice(2)))
    : der(TAG.generalized, Buffer.from(text));
}

/** One extension. */
export function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der(TAG.boolean, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, der(TAG.octets, value));
}

function usageBits(usages: readonly Usage[]): Buffer {
  let byte = 0;
  for (const usage of usages) byte |= 0x80 >> USAGES[usage];
  let unused = 0;
  while (unused < 7 && ((byte >> unused) & 1) === 0) unused++;
  return der(TAG.bits, Buffer.from([unused, byte]));
}

function hostName(host: string): Buffer {
  const parts = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? host.split('.').map(Number) : null;
  return parts ? der(0x87, Buffer.from(parts)) : der(0x82, Buffer.from(host));
}

function extensionsOf({ usages, authority, purposes, hosts, extra = [] }: Subject): Buffer[] {
  const list: Buffer[] = [];
  if (authority !== undefined) {
    const { pathLength } = authority || {};
    const length = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))];
    const content = authority ? [der(TAG.boolean, Buffer.from([0xff])), ...length] : [];
    list.push(extension(OID.basicConstraints, true, sequence(...content)));
  }
  if (usages) list.push(extension(OID.keyUsage, true, usageBits(usages)));
  if (purposes) list.push(extension(OID.purposes, false, sequence(...purposes.map((name) => oid(OID[name])))));
  if (hosts) list.push(extension(OID.subjectNames, false, sequence(...hosts.map(hostName))));
  return [...list, ...extra];
}

const keyInfo = (point: Buffer): Buffer =>
  sequence(sequence(oid(OID.key), oid(OID.curve)), bits(Buffer.concat([Buffer.from([4]), point])));

/** A certificate. */
export function certificate(issuance: Issuance): Buffer {
  const signed = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(issuance.serial),
    SIGNATURE_ALGORITHM,
    nameOf(issuance.issuer),
    sequence(time(issuance.notBefore), time(issuance.notAfter)),
    nameOf(issuance.name),
    keyInfo(issuance.point),
    der(0xa3, sequence(...extensionsOf(issuance))),
  );
  return sequence(signed, SIGNATURE_ALGORITHM, bits(issuance.sign(signed)));
}

/** A signing request (PKCS#10) for an authority. */
export function signingRequest(subject: Subject, point: Buffer, sign: (message: Buffer) => Buffer): Buffer {
  const wanted = sequence(oid(OID.extensionRequest), der(0x31, sequence(...extensionsOf(subject))));
  const signed = sequence(integer(Buffer.from([0])), nameOf(subject.name), keyInfo(point), der(0xa0, wanted));
  return sequence(signed, SIGNATURE_ALGORITHM, bits(sign(signed)));
}

/** PEM with lines of 64 characters. */
export function pem(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
