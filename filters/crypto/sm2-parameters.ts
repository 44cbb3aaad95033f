// Identifiers of SM2 keys in files. GM/T 0015 allows two object identifiers for the algorithm, and older Java libraries
// write explicit curve parameters.
import {
  DER_NULL,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derLeave,
  derLength,
  derPeek,
  derTake,
  derTakeBits,
  derTakeNumber,
  derTakeOid,
  derTakeSmall,
} from './der';
import { ORDER_BYTES, PRIME_BYTES, Z_PARAMETERS } from './sm2-constants.gen';

/** 1.2.840.10045.2.1, id-ecPublicKey (RFC 5480). */
const OID_EC: usize = memory.data<u8>([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]);
const OID_EC_BYTES: u32 = 7;
/** 1.2.156.10197.1.301: the SM2 curve, and SM2 as an algorithm (GB/T 33560), as OpenSSL 3 writes its `SM2` keys. */
const OID_SM2: usize = memory.data<u8>([0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d]);
const OID_SM2_BYTES: u32 = 8;
/** 1.2.840.10045.1.1, prime-field (X9.62). */
const OID_PRIME_FIELD: usize = memory.data<u8>([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x01, 0x01]);
const OID_PRIME_FIELD_BYTES: u32 = 7;

const NUMBER: usize = memory.data(32, 16);
const NUMBER_BYTES: u32 = 32;
/** Offsets in Z_PARAMETERS, which is a ‖ b ‖ x ‖ y. */
const B: usize = 32;
const GENERATOR: usize = 64;

/**
 * AlgorithmIdentifier of an SM2 key, from the reader: id-ecPublicKey with the curve, or SM2's own identifier with
 * optional parameters.
 */
export function takeSm2Algorithm(): bool {
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0) return false;
  const oid = derTake(DER_OID);
  if (oid == 0) return false;
  if (derLength == OID_SM2_BYTES && memory.compare(oid, OID_SM2, OID_SM2_BYTES) == 0) {
    if (derPeek() == DER_NULL) return derTake(DER_NULL) != 0 && derLength == 0 && derLeave(outer);
    return derAtEnd() ? derLeave(outer) : takeSm2Curve() && derLeave(outer);
  }
  return (
    derLength == OID_EC_BYTES && memory.compare(oid, OID_EC, OID_EC_BYTES) == 0 && takeSm2Curve() && derLeave(outer)
  );
}

/** The curve by its name or by all of its parameters (SEC 1, C.2). */
export function takeSm2Curve(): bool {
  if (derPeek() != DER_SEQUENCE) return derTakeOid(OID_SM2, OID_SM2_BYTES);
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !derTakeSmall(1)) return false;
  const field = derEnter(DER_SEQUENCE);
  if (
    field == 0 ||
    !derTakeOid(OID_PRIME_FIELD, OID_PRIME_FIELD_BYTES) ||
    !takesNumber(PRIME_BYTES) ||
    !derLeave(field)
  )
    return false;
  const curve = derEnter(DER_SEQUENCE);
  if (curve == 0 || !takesOctets(Z_PARAMETERS) || !takesOctets(Z_PARAMETERS + B)) return false;
  if (!derAtEnd() && derTakeBits() == 0) return false; // the optional seed
  if (!derLeave(curve) || !takesGenerator() || !takesNumber(ORDER_BYTES)) return false;
  return (derAtEnd() || derTakeSmall(1)) && derLeave(outer);
}

/** Whether the next element is this integer of 256 bits. */
function takesNumber(expected: usize): bool {
  return derTakeNumber(NUMBER) && memory.compare(NUMBER, expected, NUMBER_BYTES) == 0;
}

/** Whether the next element is an octet string of these 32 bytes. */
function takesOctets(expected: usize): bool {
  const content = derTake(DER_OCTET_STRING);
  return content != 0 && derLength == NUMBER_BYTES && memory.compare(content, expected, NUMBER_BYTES) == 0;
}

/** The base point, uncompressed or as 0x02 ‖ x, because its y is even. */
function takesGenerator(): bool {
  const content = derTake(DER_OCTET_STRING);
  if (content == 0) return false;
  const form = load<u8>(content);
  const bytes = form == 4 ? 2 * NUMBER_BYTES : NUMBER_BYTES;
  return (
    (form == 4 || form == 2) &&
    derLength == 1 + bytes &&
    memory.compare(content + 1, Z_PARAMETERS + GENERATOR, bytes) == 0
  );
}
