import { registerModule } from '../runtime/module';
import { FieldMasker } from './stage';

export * from '../runtime/exports';

registerModule('field-masker', [new FieldMasker()]);
