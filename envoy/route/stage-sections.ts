// Translates a resource's sections into the stages' sections of the plugin configuration. Records the origin of each
// part.
import { durationMs } from './duration.ts';
import type { MaskingField, RouteSignature, SignatureTemplate } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type {
  FieldMaskerConfig,
  MaskField,
  MessageSignatureConfig,
  RateLimiterConfig,
  Sm4EncryptorConfig,
  StagesConfig,
} from './plugin-config.gen.ts';
import type { ProfileEntry } from './profiles.ts';
import type { RouteResource } from './resource.ts';
import type { Sections } from './sections.ts';
import { validatorSection } from './validation-section.ts';

/** Names of the stages' sections. */
export type StageName = keyof StagesConfig;

/** Default user id of GB/T 35276. */
const DEFAULT_USER_ID = '1234567812345678';

/**
 * Records that a part `place` of a stage's section comes from a part `path` of the resource or from an entry of a
 * profile.
 */
type Note = (place: Path, path: Path, entry?: ProfileEntry<unknown>) => void;

function rateLimiter({ value, path }: NonNullable<Sections['rateLimit']>, key: string, note: Note): RateLimiterConfig {
  note(['rateLimiter'], path);
  note(['rateLimiter', 'periodMs'], [...path, 'period']);
  const config: RateLimiterConfig = { id: `${key}/0`, requests: value.requests, periodMs: durationMs(value.period) };
  if (value.burst !== undefined) config.burst = value.burst;
  if (value.headers === 'Always') config.headers = 'Always';
  if (value.key?.header !== undefined) config.key = { source: 'Header', header: value.key.header.toLowerCase() };
  else if (value.key?.sourceAddress === true) config.key = { source: 'SourceAddress' };
  else if (value.key?.field !== undefined) config.key = { source: 'Field', field: value.key.field };
  return config;
}

function maskField(field: MaskingField): MaskField {
  const direction = field.direction ?? 'Response';
  const mask: MaskField = {
    kind: field.kind ?? 'Generic',
    method: field.method ?? 'ByKind',
    char: field.char ?? '*',
    request: direction !== 'Response',
    response: direction !== 'Request',
  };
  if (field.path !== undefined) mask.path = field.path;
  if (field.name !== undefined) mask.name = field.name;
  if (field.keepFirst !== undefined) mask.keepFirst = field.keepFirst;
  if (field.keepLast !== undefined) mask.keepLast = field.keepLast;
  return mask;
}

function fieldMasker({ value, path }: NonNullable<Sections['masking']>, note: Note): FieldMaskerConfig {
  note(['fieldMasker'], path);
  const fields = (value.fields ?? []).map(maskField);
  const detect = (value.detect ?? []).map((detection) => ({ ...detection, request: false, response: true }));
  return {
    request: fields.some((field) => field.request),
    response: detect.length > 0 || fields.some((field) => field.response),
    fields,
    detect,
  };
}

function sm4Encryptor({ value, path }: NonNullable<Sections['encryption']>, note: Note): Sm4EncryptorConfig {
  note(['sm4Encryptor'], path);
  value.fields?.forEach((_, index) => note(['sm4Encryptor', 'fields', index], [...path, 'fields', index]));
  const profile =
    value.profile ?? (value.algorithm === 'SM2' ? 'base64' : value.fields === undefined ? 'fim-json' : 'compact');
  const config: Sm4EncryptorConfig = {
    keyId: value.keyId,
    algorithm: value.algorithm ?? 'SM4-GCM',
    profile,
    request: value.request ?? 'None',
    response: value.response ?? 'None',
  };
  if (value.context !== undefined) config.context = value.context;
  if (value.fields !== undefined) config.fields = value.fields;
  if (value.stream === true) config.stream = true;
  if (value.algorithm === 'SM2' || value.algorithm === 'SM2-ENVELOPE') config.sm2Layout = value.sm2Layout ?? 'ASN1';
  if (profile === 'segmented') config.segmentBytes = value.segmentBytes ?? 65536;
  if (value.contentType !== undefined && value.contentType !== 'application/json')
    config.contentType = value.contentType;
  return config;
}

/** What only a template has. */
function templateOf(
  value: RouteSignature,
  template: SignatureTemplate,
  path: Path,
  note: Note,
): Partial<MessageSignatureConfig> {
  const { request, response, digest, except, emptyFields } = template;
  for (const [place, side] of [
    ['requestParts', 'request'],
    ['responseParts', 'response'],
  ] as const)
    template[side]?.forEach((_, index) => note(['messageSignature', place, index], [...path, 'template', side, index]));
  note(['messageSignature', 'replay'], [...path, 'replay']);
  const { field, timestampField, nonceField, replay = 'Nonces' } = value;
  return {
    ...(request === undefined ? {} : { requestParts: request }),
    ...(response === undefined ? {} : { responseParts: response }),
    ...(digest === undefined ? {} : { digest }),
    ...(except === undefined ? {} : { except }),
    ...(emptyFields === undefined ? {} : { emptyFields }),
    ...(field === undefined ? {} : { field }),
    ...(timestampField === undefined ? {} : { timestampField }),
    ...(nonceField === undefined ? {} : { nonceField }),
    replay,
  };
}

function messageSignature({ value, path }: NonNullable<Sections['signature']>, note: Note): MessageSignatureConfig {
  note(['messageSignature'], path);
  const algorithm = value.algorithm ?? 'HMAC-SM3';
  const covers = value.covers ?? (algorithm === 'SM2' ? 'Body' : 'Message');
  const { encoding = 'base64', form = 'DER', userId = DEFAULT_USER_ID } = value;
  const config: MessageSignatureConfig = {
    keyId: value.keyId,
    algorithm,
    covers,
    request: value.request ?? 'None',
    response: value.response ?? 'None',
    header: value.header ?? 'x-fim-signature',
    encoding,
  };
  if (algorithm === 'SM2') Object.assign(config, { form, userId });
  if (value.base64 === 'Tolerant') config.base64 = 'Tolerant';
  if (covers === 'Body') return config;
  if (value.timestampFormat !== undefined) config.timestampFormat = value.timestampFormat;
  if (value.template !== undefined) Object.assign(config, templateOf(value, value.template, path, note));
  const { timestampHeader = 'x-fim-timestamp', nonceHeader = 'x-fim-nonce', headers = [], clockSkew = '5m' } = value;
  return { ...config, timestampHeader, nonceHeader, headers, clockSkewMs: durationMs(clockSkew) };
}

/**
 * Stages of a resource. `note` receives the origin of each part. A rate limit's id is the resource's, so that its
 * buckets survive edits.
 */
export function stagesOf(resource: RouteResource, note: Note): StagesConfig {
  const { rateLimit, validation, masking, encryption, signature } = resource.sections;
  const stages: StagesConfig = {};
  if (rateLimit !== undefined) stages.rateLimiter = rateLimiter(rateLimit, resource.key, note);
  if (validation !== undefined) {
    const responseCodes = validation.value.pboc !== undefined || resource.spec.body?.format === 'ISO8583';
    const part: Note = (place, path, entry) => note(['pbocValidator', ...place], path, entry);
    stages.pbocValidator = validatorSection(validation.value, validation.path, resource.profiles, responseCodes, part);
  }
  if (masking !== undefined) stages.fieldMasker = fieldMasker(masking, note);
  if (encryption !== undefined) stages.sm4Encryptor = sm4Encryptor(encryption, note);
  if (signature !== undefined) stages.messageSignature = messageSignature(signature, note);
  return stages;
}
