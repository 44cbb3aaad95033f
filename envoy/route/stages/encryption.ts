import { canonicalFieldPath, fieldSteps } from '../field-place.ts';
import type { RouteEncryption, RouteSignature } from '../financial-route.gen.ts';
import type { KeyAlgorithm } from '../key-algorithm.ts';
import type { Sm4EncryptorConfig } from '../plugin-config.gen.ts';
import { checkPlacesUnique, checkSteps } from '../rules-fields.ts';
import type { Report } from '../schema-check.ts';
import type { Section } from '../sections.ts';
import { stage } from './stage-row.ts';

type Side = 'request' | 'response';

const PLAIN_PROFILES: ReadonlySet<string> = new Set(['raw', 'hex', 'base64']);
const STRING_PROFILES: ReadonlySet<string> = new Set(['compact', 'hex', 'base64']);

/** Row of encryption and decryption. */
export const encryption = stage({
  section: 'encryption',
  folder: 'sm4-encryptor',
  observable: false,
  shortForm: { request: 'Encrypt' },

  rank(value, direction) {
    const action = direction === 'Request' ? value.request : value.response;
    if (action === 'Decrypt') return 'Open';
    return action === 'Encrypt' ? 'Protect' : undefined;
  },

  readsBody: () => true,

  keys: ({ keyId, algorithm = 'SM4-GCM', request = 'Encrypt', response }) => [
    { id: keyId, algorithm: keyAlgorithm(algorithm), protects: [request, response].includes('Encrypt') },
  ],

  check(section, { spec, format, bodiless }, report) {
    const { value, path } = section;
    if (value.request === 'None' && value.response === 'None') report('FIM-CFG-1035', path);
    checkUnauthenticated(section, format, report);
    checkReadable(section, spec.signature, report);
    checkProfile(section, report);
    value.fields?.forEach((field, index) => checkSteps(field, [...path, 'fields', index], report));
    checkPlacesUnique((value.fields ?? []).map(canonicalFieldPath), [...path, 'fields'], report);
    if (format !== 'JSON' && value.fields !== undefined)
      report('FIM-CFG-1049', [...path, 'fields'], `body.format is ${format}`);
    if (bodiless === undefined) return;
    if (value.request !== 'None') report('FIM-CFG-1044', path, bodiless.why);
    if (value.response !== 'None' && !bodiless.answered) report('FIM-CFG-1044', path, 'nor have their responses');
  },

  translate({ value, path }, { note }) {
    note([], path);
    value.fields?.forEach((_, index) => note(['fields', index], [...path, 'fields', index]));
    const profile =
      value.profile ??
      (value.algorithm === 'SM2' || isUnauthenticated(value.algorithm)
        ? 'base64'
        : value.fields === undefined
          ? 'fim-json'
          : 'compact');
    const config: Sm4EncryptorConfig = {
      keyId: value.keyId,
      algorithm: value.algorithm ?? 'SM4-GCM',
      profile,
      request: value.request ?? 'None',
      response: value.response ?? 'None',
    };
    if (value.iv !== undefined) config.iv = value.iv;
    if (value.unauthenticated === 'EncryptToo') config.unauthenticated = 'EncryptToo';
    if (value.base64 === 'Tolerant') config.base64 = 'Tolerant';
    if (value.context !== undefined) config.context = value.context;
    if (value.fields !== undefined) config.fields = value.fields;
    if (value.stream === true) config.stream = true;
    if (value.algorithm === 'SM2' || value.algorithm === 'SM2-ENVELOPE') config.sm2Layout = value.sm2Layout ?? 'ASN1';
    if (profile === 'segmented') config.segmentBytes = value.segmentBytes ?? 65536;
    if (value.contentType !== undefined && value.contentType !== 'application/json')
      config.contentType = value.contentType;
    return config;
  },
});

/** Whether nothing authenticates what the algorithm encrypts. */
export function isUnauthenticated(algorithm: string | undefined): boolean {
  return algorithm?.endsWith('-UNAUTHENTICATED') === true;
}

/** Reports what encryption without authentication cannot be asked for, and its settings elsewhere. */
function checkUnauthenticated({ value, path }: Section<RouteEncryption>, format: string, report: Report): void {
  const { algorithm, unauthenticated, profile } = value;
  if (value.iv !== undefined && algorithm !== 'SM4-CBC-UNAUTHENTICATED')
    report('FIM-CFG-1049', [...path, 'iv'], 'it is of SM4-CBC-UNAUTHENTICATED');
  if (!isUnauthenticated(algorithm)) {
    if (unauthenticated === 'EncryptToo')
      report('FIM-CFG-1049', [...path, 'unauthenticated'], 'the algorithm authenticates');
    return;
  }
  if ([value.request, value.response].includes('Encrypt') && unauthenticated !== 'EncryptToo')
    report('FIM-CFG-1049', [...path, 'algorithm'], 'it is for decryption, unless `unauthenticated: EncryptToo`');
  if (profile !== undefined && !PLAIN_PROFILES.has(profile))
    report('FIM-CFG-1049', [...path, 'profile'], `${algorithm} goes with raw, hex and base64`);
  if (value.context !== undefined) report('FIM-CFG-1049', [...path, 'context'], 'nothing would authenticate it');
  if (format === 'Detect') report('FIM-CFG-1049', [...path, 'algorithm'], 'what is decrypted must be of one format');
}

/** Parts that hold every byte of the body, or its digest. */
const BODY_PARTS: ReadonlySet<string> = new Set([
  'Body',
  'BodySm3Hex',
  'BodySm3Base64',
  'BodySha256Hex',
  'BodySha256Base64',
]);

/**
 * Whether the signature stands before decryption in a direction, and covers what is decrypted. Lists of fields say
 * nothing of a body that is encrypted whole: read as a form, most of its spellings are one name without a value.
 */
function isVerified(signature: RouteSignature | undefined, direction: Side, encrypted: string[] | undefined): boolean {
  if (signature?.[direction] !== 'Verify') return false;
  const { template, field } = signature;
  if (template === undefined) return true;
  const parts = template[direction] ?? [];
  if (parts.some(({ part }) => BODY_PARTS.has(part))) return true;
  if (encrypted === undefined) return false;
  const lists = parts.some(({ part }) => part === 'Fields' || part === 'AllFields');
  const unsigned = [...(template.except ?? []), ...(field === undefined ? [] : [field])];
  return encrypted.every((path) => {
    const [first] = fieldSteps(path);
    if (first === undefined || 'index' in first) return false;
    if ('any' in first) return lists && unsigned.length === 0;
    if (lists && !unsigned.includes(first.name)) return true;
    return parts.some(({ part, name }) => part === 'Member' && name === first.name);
  });
}

/**
 * Reports decryption that strangers may ask what a changed ciphertext opens to. A message authentication code does not
 * stand before it: validation reads what is decrypted.
 */
function checkReadable(
  { value, path }: Section<RouteEncryption>,
  signature: RouteSignature | undefined,
  report: Report,
): void {
  const { algorithm, readableByAnswers } = value;
  if (!isUnauthenticated(algorithm)) {
    if (readableByAnswers === 'Accept')
      report('FIM-CFG-1049', [...path, 'readableByAnswers'], 'the algorithm authenticates');
    return;
  }
  if (readableByAnswers === 'Accept') return;
  const open = (['request', 'response'] as const).find(
    (direction) => value[direction] === 'Decrypt' && !isVerified(signature, direction, value.fields),
  );
  if (open !== undefined)
    report(
      'FIM-CFG-1069',
      [...path, 'algorithm'],
      `no signature of the ${open} that covers what is encrypted is verified before it is decrypted`,
    );
}

/** Reports wire profiles that do not go with the algorithm, with fields or with streams. */
function checkProfile({ value, path }: Section<RouteEncryption>, report: Report): void {
  const { algorithm, profile, fields } = value;
  if (profile !== undefined) {
    if (algorithm === 'SM2' && !PLAIN_PROFILES.has(profile))
      report('FIM-CFG-1049', [...path, 'profile'], 'SM2 goes with raw, hex and base64');
    if (algorithm === 'SM2-ENVELOPE' && PLAIN_PROFILES.has(profile))
      report('FIM-CFG-1049', [...path, 'profile'], 'a wrapped key has a place in fim-json, compact and segmented');
    if (fields !== undefined && !STRING_PROFILES.has(profile))
      report('FIM-CFG-1049', [...path, 'profile'], 'fields go with compact, hex and base64');
  }
  const inPieces =
    algorithm === 'SM4-GCM' || algorithm === 'AES-256-GCM' || (profile === 'segmented' && algorithm !== 'SM2-ENVELOPE');
  if (value.stream === true && (fields !== undefined || !inPieces))
    report(
      'FIM-CFG-1049',
      [...path, 'stream'],
      'stream is for whole bodies under SM4-GCM or AES-256-GCM, or in segments',
    );
}

function keyAlgorithm(protection: string): KeyAlgorithm {
  if (protection.startsWith('SM2')) return 'SM2-PRIVATE';
  return protection.startsWith('AES') ? 'AES-256' : 'SM4';
}
