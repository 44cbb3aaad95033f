import { registerModule } from '../runtime/module';
import { Sm4Encryptor } from './stage';

export * from '../runtime/exports';

registerModule([new Sm4Encryptor()]);
