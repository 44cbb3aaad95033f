import { CertificateFault } from '../x509/fault';
import { Alert } from './protocol';

/** The alert that goes with a fault of certificates. */
export function alertOf(fault: CertificateFault): Alert {
  if (fault == CertificateFault.Expired || fault == CertificateFault.NotYetValid) return Alert.CertificateExpired;
  if (fault == CertificateFault.UnknownIssuer || fault == CertificateFault.NotAuthority) return Alert.UnknownAuthority;
  if (fault == CertificateFault.Revoked) return Alert.CertificateRevoked;
  if (fault == CertificateFault.Algorithm || fault == CertificateFault.Version || fault == CertificateFault.Usage)
    return Alert.UnsupportedCertificate;
  if (fault == CertificateFault.Name || fault == CertificateFault.RevocationUnknown) return Alert.CertificateUnknown;
  return Alert.BadCertificate;
}
