import { ErrorId } from '../errors.gen';

/** State of a key, or of one version of it. */
export const enum KeyState {
  /** The version is in `found`. */
  Ready = 0,
  /** It is being fetched, and the stream will be resumed. */
  Pending = 1,
  /** The KMS did not answer in time, or too many streams wait. */
  Unavailable = 2,
  /** The KMS has the key but not this version. */
  Absent = 3,
  /**
   * The version to encrypt with has expired, or the KMS has not answered for so long that its state is unknown. It no
   * longer serves.
   */
  Expired = 4,
  /** For messages without version: the newest has expired or was revoked, and there is no previous one. */
  Retired = 5,
  /** The KMS does not have the key. */
  Missing = 6,
  /** The KMS refuses to return it: missing or insufficient credentials. */
  Denied = 7,
  /** The KMS returned something that is no key, or is ambiguous. */
  Unreadable = 8,
  /** The KMS deleted or destroyed the newest version. Nothing is encrypted. */
  Revoked = 9,
}

/** Whether the service is at fault and not the message. */
export function isOutage(state: KeyState): bool {
  return state != KeyState.Ready && state != KeyState.Pending && state != KeyState.Absent && state != KeyState.Retired;
}

/** Code of an unavailable key, the same for all users of it. */
export function errorOf(state: KeyState): ErrorId {
  switch (state) {
    case KeyState.Missing:
      return ErrorId.FIM_KMS_0002;
    case KeyState.Unreadable:
      return ErrorId.FIM_KMS_0003;
    case KeyState.Expired:
    case KeyState.Revoked:
      return ErrorId.FIM_KMS_0007;
    case KeyState.Denied:
      return ErrorId.FIM_KMS_0008;
    default:
      return ErrorId.FIM_KMS_0001;
  }
}
