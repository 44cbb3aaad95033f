// Module with all stages. It transfers each body once, indexes it once for validation and masking, and has one cache of
// keys.
import { registerModule } from '../runtime/module';
import { allStages } from './stages.gen';

export * from '../runtime/exports';
export * from '../runtime/answer-body';

registerModule('fim', allStages());
