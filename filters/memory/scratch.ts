import { MAX_SCRATCH_BYTES, SCRATCH_CHUNK_BYTES } from '../limits';
import { Arena } from './arena';

/**
 * The VM's working memory for the current message. The runtime resets it when a host call ends, so nothing may be kept
 * in it.
 */
export const scratch: Arena = new Arena(SCRATCH_CHUNK_BYTES, MAX_SCRATCH_BYTES);
