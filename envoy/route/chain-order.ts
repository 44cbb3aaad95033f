// Which routes a chain of single-stage filters can serve. Requests meet the filters downwards, responses upwards, for
// all routes alike.
import type { RouteResource } from './resource.ts';
import type { Report } from './schema-check.ts';

/** The filters of a chain, in the order in which requests meet them. */
export const CHAIN_MODULES = [
  'rate-limiter.wasm',
  'pboc-validator.wasm',
  'field-masker.wasm',
  'sm4-encryptor.wasm',
] as const;

/**
 * Where an action must stand in either direction: opened before it is read, read before it is masked, masked before it
 * is closed.
 */
const RIGHT_PLACE = { Decrypt: 1, validate: 2, mask: 3, Encrypt: 4 } as const;

type Action = keyof typeof RIGHT_PLACE;

function inOrder(actions: readonly (Action | undefined)[]): boolean {
  const places = actions.filter((action) => action !== undefined).map((action) => RIGHT_PLACE[action]);
  return places.every((place, index) => index === 0 || (places[index - 1] ?? 0) < place);
}

function cipherAction(value: 'None' | 'Encrypt' | 'Decrypt' | undefined): Action | undefined {
  return value === undefined || value === 'None' ? undefined : value;
}

/** Reports the directions whose stages a chain would run in a wrong order. */
export function checkChain(resource: RouteResource, report: Report): void {
  const { validation, masking, encryption } = resource.sections;
  const fields = masking?.value.fields ?? [];
  const maskRequest: Action | undefined = fields.some((field) => field.direction !== 'Response') ? 'mask' : undefined;
  const maskResponse: Action | undefined =
    masking?.value.detect !== undefined || fields.some((field) => field.direction !== 'Request') ? 'mask' : undefined;
  if (resource.sections.signature !== undefined)
    report(
      'FIM-CFG-1052',
      resource.sections.signature.path,
      'signatures are verified before everything else and made after it: only fim.wasm can',
    );
  const path = encryption?.path ?? masking?.path ?? ['spec'];
  if (!inOrder([validation && 'validate', maskRequest, cipherAction(encryption?.value.request)])) {
    report('FIM-CFG-1052', path, 'a request must be decrypted before it is validated or masked');
  }
  if (
    !inOrder([
      cipherAction(encryption?.value.response),
      maskResponse,
      validation?.value.response ? 'validate' : undefined,
    ])
  ) {
    report(
      'FIM-CFG-1052',
      path,
      'a response would be encrypted before it is masked or validated, or masked before it is validated',
    );
  }
}
