import { registerModule } from '../runtime/module';
import { PbocValidator } from './stage';

export * from '../runtime/exports';
export * from '../runtime/answer-body';

registerModule('pboc-validator', [new PbocValidator()]);
