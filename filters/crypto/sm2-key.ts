// SM2 keys in memory. A private key includes precomputed values for signing. `wipe` it when it retires.
import { equalConstantTime, wipe } from './constant-time';
import { randomBytes } from './random';
import { fieldIsOdd, fieldWipe } from './sm2-field';
import { KEY_TABLE_BYTES, fillKeyTable } from './sm2-multiples';
import { multiplyGenerator } from './sm2-multiply';
import {
  AFFINE_BYTES,
  JACOBIAN_BYTES,
  Y,
  pointDecompress,
  pointFromCoordinates,
  pointToAffine,
  pointToCoordinates,
  pointWipe,
} from './sm2-point';
import {
  SCALAR_BYTES,
  scalarAdd,
  scalarFromBytes,
  scalarInvertToMontgomery,
  scalarIsZero,
  scalarSetOne,
  scalarToBytes,
} from './sm2-scalar';

/** Bytes of a point as x ‖ y. */
export const COORDINATES_BYTES: u32 = 64;
/** Bytes of a point as 0x04 ‖ x ‖ y. */
export const UNCOMPRESSED_BYTES: u32 = 65;
/** Bytes of a point as 0x02 or 0x03 ‖ x. */
export const COMPRESSED_BYTES: u32 = 33;
/** Attempts to draw a random scalar. One in 2^32 is out of range, so repeated failures mean a broken generator. */
const MAX_DRAWS: u32 = 4;

const KEY_POINT: usize = memory.data(240, 16);
const KEY_BYTES: usize = memory.data(32, 16);

/** A point of the curve other than infinity. */
export class Sm2PublicKey {
  private block: StaticArray<u8> = new StaticArray<u8>(<i32>AFFINE_BYTES + 96);

  private uses: u32 = 0; // verifications so far
  private table: StaticArray<u8> | null = null;

  /** Whether `identity` holds the digest of the default user id and this key. */
  identityKnown: bool = false;

  private constructor() {}

  /**
   * Reads 65 bytes (0x04 ‖ x ‖ y), 64 bytes (x ‖ y) or 33 bytes (0x02 or 0x03 ‖ x). Null if the encoding differs, a
   * coordinate is not below p, or the point is not on the curve. The order is prime, so every point on the curve is in
   * the group.
   */
  static fromBytes(bytes: usize, length: u32): Sm2PublicKey | null {
    const key = new Sm2PublicKey();
    const first: u32 = length > 0 ? <u32>load<u8>(bytes) : 0;
    let valid = false;
    if (length == UNCOMPRESSED_BYTES) valid = first == 4 && pointFromCoordinates(key.point, bytes + 1);
    else if (length == COORDINATES_BYTES) valid = pointFromCoordinates(key.point, bytes);
    else if (length == COMPRESSED_BYTES)
      valid = (first & 0xfe) == 2 && pointDecompress(key.point, bytes + 1, first & 1);
    if (!valid) return null;
    pointToCoordinates(key.coordinates, key.point);
    return key;
  }

  /** Makes a key of an affine point known to be on the curve. */
  static fromPoint(point: usize): Sm2PublicKey {
    const key = new Sm2PublicKey();
    memory.copy(key.point, point, AFFINE_BYTES);
    pointToCoordinates(key.coordinates, point);
    return key;
  }

  /** Affine point in the form of sm2-point.ts. */
  get point(): usize {
    return changetype<usize>(this.block);
  }

  /** x ‖ y, 64 bytes. */
  get coordinates(): usize {
    return changetype<usize>(this.block) + AFFINE_BYTES;
  }

  /** Place of the digest Z of the default user id, 32 bytes. */
  get identity(): usize {
    return changetype<usize>(this.block) + AFFINE_BYTES + 64;
  }

  /**
   * Address of this key's multiples for `multiplySumPrepared`. 0 at the first call. From the second verification on the
   * table pays off: it costs one verification and 4.5 KiB, and makes later ones more than twice as fast.
   */
  multiples(): usize {
    const made = this.table;
    if (made) return changetype<usize>(made);
    if (this.uses++ == 0) return 0;
    const table = new StaticArray<u8>(<i32>KEY_TABLE_BYTES);
    fillKeyTable(changetype<usize>(table), this.point);
    this.table = table;
    return changetype<usize>(table);
  }

  /** Writes 0x04 ‖ x ‖ y, 65 bytes. */
  writeUncompressed(out: usize): void {
    store<u8>(out, 4);
    memory.copy(out + 1, this.coordinates, COORDINATES_BYTES);
  }

  /** Writes 0x02 or 0x03 ‖ x, 33 bytes. */
  writeCompressed(out: usize): void {
    store<u8>(out, <u8>(2 + fieldIsOdd(this.point + Y)));
    memory.copy(out + 1, this.coordinates, 32);
  }
}

/** A scalar in [1, n - 2], its public key, and 1 / (1 + scalar), which every signature uses. */
export class Sm2PrivateKey {
  private constructor(
    private block: StaticArray<u8>,
    public readonly publicKey: Sm2PublicKey,
  ) {}

  /** Reads 32 big-endian bytes. Null if the number is not in [1, n - 2] (GB/T 32918.1, 6.1). */
  static fromBytes(bytes: usize): Sm2PrivateKey | null {
    const block = new StaticArray<u8>(<i32>SCALAR_BYTES * 2);
    const scalar = changetype<usize>(block);
    const inverse = scalar + SCALAR_BYTES;
    if (scalarFromBytes(scalar, bytes) == 0) return null;
    scalarSetOne(inverse);
    scalarAdd(inverse, inverse, scalar);
    if (scalarIsZero(inverse)) return null; // n - 1
    scalarInvertToMontgomery(inverse, inverse);
    multiplyGenerator(KEY_POINT, scalar);
    pointToAffine(KEY_POINT, KEY_POINT);
    const publicKey = Sm2PublicKey.fromPoint(KEY_POINT);
    wipe(KEY_POINT, <u32>JACOBIAN_BYTES);
    fieldWipe();
    pointWipe();
    return new Sm2PrivateKey(block, publicKey);
  }

  /** New key from the host's randomness. Null if that failed. */
  static generate(): Sm2PrivateKey | null {
    for (let draw: u32 = 0; draw < MAX_DRAWS; draw++) {
      if (!randomBytes(KEY_BYTES, 32)) return null;
      const key = Sm2PrivateKey.fromBytes(KEY_BYTES);
      wipe(KEY_BYTES, 32);
      if (key) return key;
    }
    return null;
  }

  /** Scalar in the form of sm2-scalar.ts. */
  get scalar(): usize {
    return changetype<usize>(this.block);
  }

  /** 1 / (1 + scalar) in Montgomery form. */
  get inverse(): usize {
    return changetype<usize>(this.block) + SCALAR_BYTES;
  }

  /** Writes the 32 bytes of the scalar. The caller wipes them. */
  writeBytes(out: usize): void {
    scalarToBytes(out, this.scalar);
  }

  /** Whether this key belongs to the public point x ‖ y (64 bytes). */
  matches(coordinates: usize): bool {
    return equalConstantTime(this.publicKey.coordinates, coordinates, COORDINATES_BYTES);
  }

  /** Overwrites the secret. The key is unusable afterwards. */
  wipe(): void {
    wipe(changetype<usize>(this.block), <u32>SCALAR_BYTES * 2);
  }
}
