// The section of a route, compiled.
import { KeyHolder } from '../keys/key-holder';
import { isKeyId } from '../keys/key-id';
import { Bytes } from '../memory/bytes';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { Rank, StagePolicy } from '../runtime/stage';
import { MessageSignatureConfig, SignatureAction, SignatureCoverage } from './config.gen';
import { Signer } from './signer';

export class SignaturePolicy extends StagePolicy {
  readonly keys: KeyHolder;
  readonly keyId: Bytes;
  readonly covers: SignatureCoverage;
  readonly signer: Signer;
  /** Names, lower case. */
  readonly header: Bytes;
  readonly timestampHeader: Bytes;
  readonly nonceHeader: Bytes;
  readonly headers: StaticArray<Bytes>;
  readonly clockSkewMs: i64;
  private readonly request: SignatureAction;
  private readonly response: SignatureAction;

  constructor(config: MessageSignatureConfig) {
    super();
    this.keyId = config.keyId;
    this.keys = new KeyHolder(config.keyId);
    this.covers = config.covers;
    this.signer = new Signer(config.algorithm, config.encoding, config.form, config.userId);
    this.header = config.header;
    this.timestampHeader = config.timestampHeader;
    this.nonceHeader = config.nonceHeader;
    this.headers = config.headers;
    this.clockSkewMs = config.clockSkewMs;
    this.request = config.request;
    this.response = config.response;
  }

  action(direction: Direction): SignatureAction {
    return direction == Direction.Request ? this.request : this.response;
  }

  acts(direction: Direction): bool {
    return this.action(direction) != SignatureAction.None;
  }

  /** Whether messages are taken once only. */
  get keepsNonces(): bool {
    return (
      this.covers == SignatureCoverage.Message &&
      (this.request == SignatureAction.Verify || this.response == SignatureAction.Verify)
    );
  }

  needsBody(direction: Direction): bool {
    return this.acts(direction);
  }

  /** An answer without body still says something: its status. */
  judgesEmpty(direction: Direction): bool {
    return direction == Direction.Response && this.acts(direction);
  }

  /** What is verified is what arrived; what is signed is what goes on. */
  rank(direction: Direction): Rank {
    return this.action(direction) == SignatureAction.Verify ? Rank.Verify : Rank.Sign;
  }
}

/** Compiles a section; on a mistake `reader.fail`, and the policy is not to be used. */
export function compileSignature(reader: ConfigReader, config: MessageSignatureConfig): SignaturePolicy {
  if (!isKeyId(config.keyId)) reader.fail(ErrorId.FIM_CFG_0017, config.node);
  if (!isHeaderName(config.header)) reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'header');
  if (!isHeaderName(config.timestampHeader)) reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'timestampHeader');
  if (!isHeaderName(config.nonceHeader)) reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'nonceHeader');
  const header = config.header;
  for (let i = 0; i < config.headers.length; i++) {
    const name = config.headers[i];
    if (!isHeaderName(name) || header.equals(name.pointer, name.length))
      reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'headers');
  }
  return new SignaturePolicy(config);
}

/** Lower-case letters, digits and `-`. */
function isHeaderName(name: Bytes): bool {
  if (name.length == 0) return false;
  for (let i: u32 = 0; i < name.length; i++) {
    const byte: u32 = load<u8>(name.pointer + i);
    if (byte - 97 >= 26 && byte - 48 >= 10 && byte != 45) return false;
  }
  return true;
}
