import { registerModule } from '../runtime/module';
import { PbocValidator } from './stage';

export * from '../runtime/exports';

registerModule('pboc-validator', [new PbocValidator()]);
