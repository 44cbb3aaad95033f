import { type ServeFlags, serve } from '../../services/limits/serve.ts';
import { progress } from './terminal.ts';

/** The flags of `fim limits serve`, as commander gives them. */
export type LimitsServeFlags = ServeFlags;

/** `fim limits serve`: runs until a signal arrives. Returns the exit status. */
export async function serveLimits(flags: LimitsServeFlags): Promise<number> {
  await serve(flags, progress);
  return 0;
}
