import { registerModule } from '../runtime/module';
import { RateLimiter } from './stage';

export * from '../runtime/exports';

registerModule('rate-limiter', [new RateLimiter()]);
