// The module with all stages: one copy of the body in and out, one index of it for validation and masking, one cache of
// keys.
import { registerModule } from '../runtime/module';
import { allStages } from './stages.gen';

export * from '../runtime/exports';

registerModule('fim', allStages());
