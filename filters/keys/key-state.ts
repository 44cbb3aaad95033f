import { ErrorId } from '../errors.gen';

/** What was found of a key, or of one version of it. */
export const enum KeyState {
  /** The version is in `found`. */
  Ready = 0,
  /** It is being fetched; the stream will be resumed. */
  Pending = 1,
  /** The KMS did not answer within the bound, or too many wait. */
  Unavailable = 2,
  /** The KMS does not have this version, and has the key. */
  Absent = 3,
  /**
   * The version to encrypt with has ended, or the KMS has not answered for so long that nobody knows: it serves no
   * more.
   */
  Expired = 4,
  /** To open what does not name its version: the newest has ended or was taken back, and there is none before it. */
  Retired = 5,
  /** The KMS has no such key at all. */
  Missing = 6,
  /** The KMS refuses to give it: no credentials, or not these. */
  Denied = 7,
  /** The KMS gave something that is no key, or that can be read in two ways. */
  Unreadable = 8,
  /** The KMS deleted or destroyed the newest version: nothing is encrypted. */
  Revoked = 9,
}

/** Whether the service is at fault, not the message. */
export function isOutage(state: KeyState): bool {
  return state != KeyState.Ready && state != KeyState.Pending && state != KeyState.Absent && state != KeyState.Retired;
}

/** The code of a key that cannot be had, the same whatever asked for it. */
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
