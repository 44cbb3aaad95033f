// From certificates as they come to a pair that is trusted: which is for signatures and which for encryption, and
// whether trust anchors lead to both (RFC 5280, 6, without policies and name constraints: a certificate that must have
// the latter understood is refused).
import { MAX_CHAIN_CERTIFICATES, MAX_CHAIN_DEPTH } from '../limits';
import { Certificate, parseFault } from './certificate';
import { keepCertificate, keptCertificate } from './certificate-cache';
import {
  NO_PATH_LENGTH,
  USE_CERTIFICATE_SIGN,
  USE_DATA_ENCIPHERMENT,
  USE_DIGITAL_SIGNATURE,
  USE_KEY_AGREEMENT,
  USE_KEY_ENCIPHERMENT,
  USE_NON_REPUDIATION,
} from './extensions';
import { CertificateFault } from './fault';
import { isForHost } from './names';

const USE_SIGNING: u32 = USE_DIGITAL_SIGNATURE | USE_NON_REPUDIATION;
const USE_ENCRYPTION: u32 = USE_KEY_ENCIPHERMENT | USE_DATA_ENCIPHERMENT | USE_KEY_AGREEMENT;

function maySign(certificate: Certificate): bool {
  return !certificate.extensions.hasKeyUsage || (certificate.extensions.keyUsage & USE_SIGNING) != 0;
}

function mayEncrypt(certificate: Certificate): bool {
  return !certificate.extensions.hasKeyUsage || (certificate.extensions.keyUsage & USE_ENCRYPTION) != 0;
}

/** The certificates of one side: its pair and what was given with it. */
export class Chain {
  /** As they came. */
  readonly certificates: Array<Certificate> = [];
  /** The pair; null until `choosePair`. */
  sign: Certificate | null = null;
  encrypt: Certificate | null = null;
  /** After `verify`: certificates and their issuers by turns, up to the anchors. */
  links: Array<Certificate> = [];
  private used: Array<Certificate> = [];

  /** Adds a certificate. */
  add(der: usize, length: u32): CertificateFault {
    if (<u32>this.certificates.length >= MAX_CHAIN_CERTIFICATES) return CertificateFault.TooMany;
    const kept = keptCertificate(der, length);
    const certificate = kept ? kept : Certificate.parse(der, length);
    if (!certificate) return parseFault;
    this.certificates.push(certificate);
    return CertificateFault.None;
  }

  /**
   * Chooses the certificates for signatures and for encryption by keyUsage; where that allows both, or is absent, the
   * first is for signatures. `needsEncryption`: a client of the ECC suites may have none.
   */
  choosePair(needsEncryption: bool): CertificateFault {
    this.sign = this.first(true, null);
    if (!this.sign) return CertificateFault.Missing;
    this.encrypt = this.first(false, this.sign);
    return needsEncryption && !this.encrypt ? CertificateFault.Missing : CertificateFault.None;
  }

  /** The first that is no authority's and for one use only; else the first for that use. */
  private first(signing: bool, except: Certificate | null): Certificate | null {
    let found: Certificate | null = null;
    for (let i = 0; i < this.certificates.length; i++) {
      const certificate = unchecked(this.certificates[i]);
      if (certificate.extensions.isAuthority || certificate === except) continue;
      const wanted = signing ? maySign(certificate) : mayEncrypt(certificate);
      const other = signing ? mayEncrypt(certificate) : maySign(certificate);
      if (wanted && !other) return certificate;
      if (wanted && !found) found = certificate;
    }
    return found;
  }

  /** Verifies the pair for `purpose` (FOR_SERVERS, FOR_CLIENTS) at `now`, seconds since 1970-01-01: see `verifyOne`. A missing certificate for encryption is not looked at. */
  verify(anchors: Array<Certificate>, purpose: u32, now: i64): CertificateFault {
    const sign = this.sign;
    if (!sign) return CertificateFault.Missing;
    this.links = [];
    const fault = this.verifyOne(sign, anchors, purpose, now);
    if (fault != CertificateFault.None) return fault;
    const encrypt = this.encrypt;
    return encrypt ? this.verifyOne(encrypt, anchors, purpose, now) : CertificateFault.None;
  }

  /** After `verify`: when the first of all that were looked at ends, seconds since 1970-01-01. */
  get end(): i64 {
    let end = i64.MAX_VALUE;
    for (let i = 0; i < this.links.length; i++) end = min(end, unchecked(this.links[i]).notAfter);
    return end;
  }

  /** Whether the pair is valid until then. */
  lasts(until: i64): bool {
    const sign = this.sign;
    const encrypt = this.encrypt;
    return sign != null && until <= sign.notAfter && (encrypt == null || until <= encrypt.notAfter);
  }

  /** Whether the certificate for signatures, which vouches for the other, is for `host`. */
  isFor(host: usize, length: u32): bool {
    const sign = this.sign;
    return sign != null && isForHost(sign, host, length);
  }

  /**
   * The certificates for the message: the pair (`signOnly`: its first), then those of its authorities that were given,
   * from the leaf upwards, if they are wanted.
   */
  inOrder(signOnly: bool, authorities: bool): Array<Certificate> {
    const ordered: Array<Certificate> = [];
    if (this.sign) ordered.push(this.sign!);
    if (this.encrypt && !signOnly) ordered.push(this.encrypt!);
    if (!authorities) return ordered;
    for (let i = 0; i < ordered.length && i < <i32>MAX_CHAIN_DEPTH; i++) {
      const below = ordered[i];
      if (below.isSelfIssued) continue;
      for (let j = 0; j < this.certificates.length; j++) {
        const one = unchecked(this.certificates[j]);
        if (!one.extensions.isAuthority || !below.mayBeFrom(one) || ordered.includes(one)) continue;
        ordered.push(one);
      }
    }
    return ordered;
  }

  /** From one leaf up to an anchor: names, signatures, time, authority, path length. */
  private verifyOne(leaf: Certificate, anchors: Array<Certificate>, purpose: u32, now: i64): CertificateFault {
    if ((leaf.extensions.purposes & purpose) == 0) return CertificateFault.Usage;
    let fault = timeFault(leaf, now);
    if (fault != CertificateFault.None) return fault;
    this.used = [];
    let below = leaf;
    let intermediates: u32 = 0; // not self-issued, between the one looked at and the leaf
    for (let depth: u32 = 0; depth < MAX_CHAIN_DEPTH; depth++) {
      searchFault = CertificateFault.UnknownIssuer;
      const anchor = issuerIn(anchors, below, this.used);
      const issuer = anchor ? anchor : issuerIn(this.certificates, below, this.used);
      if (!issuer) return searchFault;
      this.links.push(below);
      this.links.push(issuer);
      fault = authorityFault(issuer, intermediates, now);
      if (fault == CertificateFault.None && anchor) this.keep(leaf);
      if (fault != CertificateFault.None || anchor) return fault;
      this.used.push(issuer);
      if (!issuer.isSelfIssued) intermediates++;
      below = issuer;
    }
    return CertificateFault.PathLength;
  }

  /** Keeps a leaf and the authorities on its way, for the next time. */
  private keep(leaf: Certificate): void {
    keepCertificate(leaf);
    for (let i = 0; i < this.used.length; i++) keepCertificate(unchecked(this.used[i]));
  }
}

let searchFault: CertificateFault = CertificateFault.None;

/** Issuer of `below` among `candidates`, except those used already. Null: see `searchFault`. */
function issuerIn(candidates: Array<Certificate>, below: Certificate, used: Array<Certificate>): Certificate | null {
  for (let i = 0; i < candidates.length; i++) {
    const candidate = unchecked(candidates[i]);
    if (candidate === below || used.includes(candidate) || !below.mayBeFrom(candidate)) continue;
    if (below.isSignedBy(candidate)) return candidate;
    // One that issues nothing has the name by chance: two that signed themselves, say.
    if (candidate.extensions.isAuthority) searchFault = CertificateFault.Signature;
  }
  return null;
}

function timeFault(certificate: Certificate, now: i64): CertificateFault {
  if (now < certificate.notBefore) return CertificateFault.NotYetValid;
  return now > certificate.notAfter ? CertificateFault.Expired : CertificateFault.None;
}

/** Whether a certificate may issue one that has `intermediates` others between it and the leaf. */
function authorityFault(issuer: Certificate, intermediates: u32, now: i64): CertificateFault {
  const extensions = issuer.extensions;
  if (!extensions.isAuthority) return CertificateFault.NotAuthority;
  if (extensions.hasKeyUsage && (extensions.keyUsage & USE_CERTIFICATE_SIGN) == 0) return CertificateFault.NotAuthority;
  if (extensions.pathLength != NO_PATH_LENGTH && intermediates > extensions.pathLength)
    return CertificateFault.PathLength;
  return timeFault(issuer, now);
}
