import { registerModule } from '../runtime/module';
import { Sm4Encryptor } from './stage';

export * from '../runtime/exports';
export * from '../runtime/answer-body';

registerModule('sm4-encryptor', [new Sm4Encryptor()]);
