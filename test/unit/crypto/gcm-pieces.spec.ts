import { GCM_PIECES_BYTES, MAX_GCM_BYTES, gcmPiecesBegin, gcmPiecesEncrypt } from '../../../filters/crypto/gcm-pieces';
import { Sm4Gcm } from '../../../filters/crypto/sm4-gcm';

const STATE: usize = memory.data(48, 16);
const TEXT: usize = memory.data(64, 16);
/** Offset of the byte count in the state. */
const DATA_BYTES: usize = 40;

describe('gcmPiecesEncrypt', () => {
  it('goes up to the longest message of GCM and not a byte beyond, where the key stream would repeat', () => {
    expect<u32>(GCM_PIECES_BYTES).toBe(48);
    expect<u64>(MAX_GCM_BYTES).toBe(68_719_476_704);
    const gcm = new Sm4Gcm();
    gcm.setKey(TEXT);
    gcmPiecesBegin(gcm, TEXT, 12, 0, 0, STATE);
    expect(gcmPiecesEncrypt(gcm, STATE, TEXT, TEXT, 48)).toBe(true);
    expect<u64>(load<u64>(STATE + DATA_BYTES)).toBe(48);
    store<u64>(STATE + DATA_BYTES, MAX_GCM_BYTES - 32);
    const before = load<u64>(TEXT);
    expect(gcmPiecesEncrypt(gcm, STATE, TEXT, TEXT, 33)).toBe(false);
    expect<u64>(load<u64>(TEXT)).toBe(before, 'nothing was encrypted');
    expect(gcmPiecesEncrypt(gcm, STATE, TEXT, TEXT, 32)).toBe(true);
    expect(gcmPiecesEncrypt(gcm, STATE, TEXT, TEXT, 1)).toBe(false);
  });
});
