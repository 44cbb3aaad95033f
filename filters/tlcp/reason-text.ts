// Names of alerts and reasons in English, for people: the command line and logs.
import { CertificateFault } from '../x509/fault';
import { Alert } from './protocol';
import { Reason } from './reason';

/** As the standard names it. */
export function alertText(alert: Alert): string {
  switch (alert) {
    case Alert.CloseNotify:
      return 'close_notify';
    case Alert.UnexpectedMessage:
      return 'unexpected_message';
    case Alert.BadRecordMac:
      return 'bad_record_mac';
    case Alert.RecordOverflow:
      return 'record_overflow';
    case Alert.HandshakeFailure:
      return 'handshake_failure';
    case Alert.BadCertificate:
      return 'bad_certificate';
    case Alert.UnsupportedCertificate:
      return 'unsupported_certificate';
    case Alert.CertificateRevoked:
      return 'certificate_revoked';
    case Alert.CertificateExpired:
      return 'certificate_expired';
    case Alert.CertificateUnknown:
      return 'certificate_unknown';
    case Alert.IllegalParameter:
      return 'illegal_parameter';
    case Alert.UnknownAuthority:
      return 'unknown_ca';
    case Alert.DecodeError:
      return 'decode_error';
    case Alert.DecryptError:
      return 'decrypt_error';
    case Alert.ProtocolVersion:
      return 'protocol_version';
    case Alert.InternalError:
      return 'internal_error';
    case Alert.UserCanceled:
      return 'user_canceled';
    case Alert.NoRenegotiation:
      return 'no_renegotiation';
    case Alert.NoApplicationProtocol:
      return 'no_application_protocol';
    default:
      return '';
  }
}

export function reasonText(reason: Reason): string {
  switch (reason) {
    case Reason.PeerAlert:
      return 'the other side sent a fatal alert';
    case Reason.PeerClosed:
      return 'the other side closed';
    case Reason.RecordType:
      return 'a record of an unknown type came';
    case Reason.RecordVersion:
      return 'a record of another version came';
    case Reason.RecordTooLong:
      return 'a record was too long';
    case Reason.RecordForged:
      return 'a record did not come as it was sent';
    case Reason.EmptyRecords:
      return 'too many empty records came';
    case Reason.RecordsPerKey:
      return 'the key has protected as many records as it may';
    case Reason.MessageUnexpected:
      return 'a message came that has no place here';
    case Reason.MessageMalformed:
      return 'a message was malformed';
    case Reason.MessageTooLong:
      return 'a message was too long';
    case Reason.HandshakeTooLong:
      return 'the handshake had too many bytes';
    case Reason.NoCommonSuite:
      return 'no cipher suite is common';
    case Reason.Version:
      return 'no protocol version is common';
    case Reason.NoCommonProtocol:
      return 'no application protocol is common';
    case Reason.NoCertificate:
      return 'the other side has no certificate';
    default:
      return moreText(reason);
  }
}

function moreText(reason: Reason): string {
  switch (reason) {
    case Reason.Certificate:
      return "the other side's certificates are not accepted";
    case Reason.KeyExchange:
      return 'the key exchange led nowhere';
    case Reason.Signature:
      return 'a signature of the handshake is wrong';
    case Reason.Finished:
      return 'the two sides saw different handshakes';
    case Reason.Randomness:
      return 'there is no randomness';
    case Reason.NoOwnKey:
      return 'this side has no certificates and keys for the suite';
    case Reason.Timeout:
      return 'the handshake took too long';
    case Reason.TooMuchWaiting:
      return 'more bytes wait than may';
    case Reason.Warnings:
      return 'too many warnings came';
    case Reason.OtherProtocol:
      return 'the other side does not speak this protocol';
    case Reason.Closed:
      return 'this side closed';
    default:
      return '';
  }
}

export function faultText(fault: CertificateFault): string {
  switch (fault) {
    case CertificateFault.None:
      return '';
    case CertificateFault.Malformed:
      return 'a certificate is malformed';
    case CertificateFault.TooLarge:
      return 'a certificate is too large';
    case CertificateFault.Version:
      return 'a certificate is not of version 3';
    case CertificateFault.Algorithm:
      return 'a certificate is not one of SM2 with SM3';
    case CertificateFault.CriticalExtension:
      return 'a certificate has a critical extension that is not understood';
    case CertificateFault.NotYetValid:
      return 'a certificate is not valid yet';
    case CertificateFault.Expired:
      return 'a certificate has expired';
    case CertificateFault.UnknownIssuer:
      return 'no trust anchor leads to a certificate';
    case CertificateFault.Signature:
      return 'a certificate was not signed by who it says';
    case CertificateFault.NotAuthority:
      return 'an issuer may not issue certificates';
    case CertificateFault.PathLength:
      return 'a chain is longer than it may be';
    case CertificateFault.Usage:
      return 'a certificate is not for this use';
    case CertificateFault.Name:
      return 'the certificate is for another name';
    case CertificateFault.Missing:
      return 'a certificate for signatures or for encryption is missing, or a key belongs to neither';
    case CertificateFault.TooMany:
      return 'there are too many certificates';
    case CertificateFault.RevocationUnknown:
      return 'whether a certificate was revoked cannot be learned';
    default:
      return 'a certificate was revoked';
  }
}
