import { registerModule } from '../runtime/module';
import { FieldMasker } from './stage';

export * from '../runtime/exports';
export * from '../runtime/answer-body';

registerModule('field-masker', [new FieldMasker()]);
