import { MAX_CLOCK_SKEW_MS, MIN_CLOCK_SKEW_MS } from '../../limits.ts';
import { durationMs } from '../duration.ts';
import type { RouteSignature, SignatureTemplate } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { MessageSignatureConfig } from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';
import { stage, type Note } from './stage-row.ts';

/** Default user id of GB/T 35276. */
const DEFAULT_USER_ID = '1234567812345678';

/** Most that the time of signing may be ahead of now, where a route does not say. */
const DEFAULT_CLOCK_AHEAD = '5s';

/** Row of signing and verification. */
export const signature = stage({
  section: 'signature',
  folder: 'message-signature',
  onlyFused: 'signatures are verified before everything else and made after it: only fim.wasm can',
  observable: false,

  rank(value, direction) {
    const action = direction === 'Request' ? value.request : value.response;
    if (action === 'Verify') return 'Verify';
    return action === 'Sign' ? 'Sign' : undefined;
  },

  readsBody: () => true,

  keys: ({ keyId, algorithm, request, response }) => [
    {
      id: keyId,
      algorithm: algorithm === 'SM2' ? 'SM2-PRIVATE' : 'HMAC-SM3',
      protects: [request, response].includes('Sign'),
    },
  ],

  check({ value, path }, _, report) {
    const { header = '', timestampHeader = '', nonceHeader = '', headers = [] } = value;
    if (value.request === 'None' && value.response === 'None')
      report('FIM-CFG-1065', path, 'request or response must be Verify or Sign');
    if (new Set([header, timestampHeader, nonceHeader]).size < 3)
      report('FIM-CFG-1065', path, 'signature, time and nonce need headers of their own');
    if (headers.includes(header))
      report('FIM-CFG-1065', [...path, 'headers'], 'the signature cannot be among the signed headers');
    checkTemplate(value, path, report);
    const skew = durationMs(value.clockSkew ?? '5m');
    if (skew < MIN_CLOCK_SKEW_MS || skew > MAX_CLOCK_SKEW_MS)
      report('FIM-CFG-1039', [...path, 'clockSkew'], 'from 1s to 1h');
    const ahead = durationMs(value.clockAhead ?? DEFAULT_CLOCK_AHEAD);
    if (value.clockAhead !== undefined && value.clockAhead !== DEFAULT_CLOCK_AHEAD && ahead > skew)
      report('FIM-CFG-1039', [...path, 'clockAhead'], 'at most clockSkew');
  },

  translate({ value, path }, { note }) {
    note([], path);
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
    const { timestampHeader = 'x-fim-timestamp', nonceHeader = 'x-fim-nonce', headers = [] } = value;
    const { clockSkew = '5m', clockAhead = DEFAULT_CLOCK_AHEAD } = value;
    return {
      ...config,
      timestampHeader,
      nonceHeader,
      headers,
      clockSkewMs: durationMs(clockSkew),
      clockAheadMs: durationMs(clockAhead),
    };
  },
});

/**
 * Checks the settings that a template needs or excludes. The module judges the template's parts when it compiles them.
 */
function checkTemplate(value: RouteSignature, path: Path, report: Report): void {
  const { template, covers, headers } = value;
  if ((template !== undefined) !== (covers === 'Template'))
    report('FIM-CFG-1065', [...path, template === undefined ? 'covers' : 'template'], 'they go with each other');
  if (template === undefined) {
    for (const name of ['field', 'timestampField', 'nonceField'] as const)
      if (value[name] !== undefined) report('FIM-CFG-1065', [...path, name], 'it goes with a template');
    if (value.replay === 'Unprotected') report('FIM-CFG-1065', [...path, 'replay'], 'it goes with a template');
    return;
  }
  if (headers !== undefined) report('FIM-CFG-1065', [...path, 'headers'], 'a template names headers itself');
  for (const side of ['request', 'response'] as const) {
    const acts = value[side] !== undefined && value[side] !== 'None';
    if (acts && template[side] === undefined)
      report('FIM-CFG-1065', [...path, 'template'], `which parts has what is signed of a ${side}?`);
    if (!acts && template[side] !== undefined) report('FIM-CFG-1065', [...path, 'template', side], `${side} is None`);
    template[side]?.forEach((part, index) => {
      const isNamed = part.part === 'Header' || part.part === 'Member';
      if ((part.text !== undefined) !== (part.part === 'Constant') || (part.name !== undefined) !== isNamed)
        report('FIM-CFG-1065', [...path, 'template', side, index], 'a Constant has a text, a Header or Member a name');
    });
  }
}

/** Settings that only a template has. */
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
    template[side]?.forEach((_, index) => note([place, index], [...path, 'template', side, index]));
  note(['replay'], [...path, 'replay']);
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
