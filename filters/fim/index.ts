// The module with all stages: one copy of the body in and out, one index of it for validation and masking, one cache of
// keys.
import { FieldMasker } from '../field-masker/stage';
import { MessageSignature } from '../message-signature/stage';
import { PbocValidator } from '../pboc-validator/stage';
import { RateLimiter } from '../rate-limiter/stage';
import { registerModule } from '../runtime/module';
import { Sm4Encryptor } from '../sm4-encryptor/stage';

export * from '../runtime/exports';

registerModule('fim', [
  new RateLimiter(),
  new PbocValidator(),
  new FieldMasker(),
  new Sm4Encryptor(),
  new MessageSignature(),
]);
