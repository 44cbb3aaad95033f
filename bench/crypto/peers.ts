// The peers, and where they are installed.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { javascriptPeers } from './javascript.ts';
import { gmsmPeer, opensslPeer, rustPeer, rustWasmPeer, tongsuoPeer } from './native.ts';
import type { Peer } from './peer.ts';

export const PEERS: Peer[] = [opensslPeer, tongsuoPeer, gmsmPeer, rustPeer, rustWasmPeer, javascriptPeers];

/** Kept over runs; safe to delete. */
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fim/bench-crypto');
