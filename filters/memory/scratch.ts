import { MAX_SCRATCH_BYTES, SCRATCH_CHUNK_BYTES } from '../limits';
import { Arena } from './arena';

/**
 * The VM's working memory for the message at hand. The runtime resets it when a host call ends; nothing may be kept in
 * it.
 */
export const scratch: Arena = new Arena(SCRATCH_CHUNK_BYTES, MAX_SCRATCH_BYTES);
