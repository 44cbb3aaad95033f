// Names of the faults of revocation lists and OCSP answers in English, for people: the command line and logs.
import { ListFault } from '../x509/list-fault';
import { OcspFault } from '../x509/ocsp-response';

export function listFaultText(fault: ListFault): string {
  switch (fault) {
    case ListFault.None:
      return '';
    case ListFault.Malformed:
      return 'it is malformed';
    case ListFault.TooLarge:
      return 'it is too large';
    case ListFault.Version:
      return 'it is neither of version 1 nor 2';
    case ListFault.Algorithm:
      return 'it is not signed with SM2 and SM3';
    case ListFault.NoNextUpdate:
      return 'it says no time of the next one';
    case ListFault.TooMany:
      return 'it names too many certificates';
    case ListFault.Delta:
      return 'it is a delta list, and whole ones are taken';
    case ListFault.Indirect:
      return 'it is an indirect list, and those of the issuer itself are taken';
    case ListFault.Partial:
      return 'it is for some reasons or for attribute certificates alone, or its distribution point has no full name';
    case ListFault.CriticalExtension:
      return 'it has a critical extension that is not understood';
    case ListFault.Older:
      return 'it is older than the one that is held';
    case ListFault.NoRoom:
      return 'there are too many lists';
    case ListFault.Signature:
      return 'it was not signed by the key of the one that is held';
    default:
      return 'there is none';
  }
}

export function answerFaultText(fault: OcspFault): string {
  switch (fault) {
    case OcspFault.None:
      return '';
    case OcspFault.Malformed:
      return 'the answer is malformed';
    case OcspFault.TooLarge:
      return 'the answer is too large';
    case OcspFault.NotAnswered:
      return 'the responder says that it cannot answer';
    case OcspFault.Algorithm:
      return 'the answer is not signed with SM2 and SM3';
    case OcspFault.Responder:
      return 'the answer is from nobody who may answer';
    case OcspFault.Signature:
      return "the answer's signature is wrong";
    case OcspFault.Nonce:
      return 'the answer has another nonce, or none';
    case OcspFault.OtherCertificate:
      return 'the answer is about other certificates';
    case OcspFault.NotYetValid:
      return 'the answer is not valid yet';
    case OcspFault.Expired:
      return 'the answer has expired';
    case OcspFault.CriticalExtension:
      return 'the answer has a critical extension that is not understood';
    default:
      return 'no answer came';
  }
}
