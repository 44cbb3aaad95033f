import { selfTest } from '../crypto/self-test';
import { KeyRing, KeyState } from '../keys/key-ring';
import { keyRing, tickKeys } from '../keys/key-store';
import { IV_BYTES } from '../keys/key-version';
import { defineKeyStats } from '../keys/stats';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { Direction, Rank, Stage, StagePolicy, Verdict } from '../runtime/stage';
import { PayloadAction, decodeSm4EncryptorConfig } from './config.gen';
import { Envelope, Opening, seal, sealedLength, sealedPointer } from './fim-json';
import { isKeyId } from './key-id';
import {
  decrypted,
  defineSm4Stats,
  encrypted,
  keyUnavailable,
  openForeign,
  openForged,
  openMalformed,
  openVersionAbsent,
} from './stats';

const CONTENT_TYPE: Bytes = Bytes.from('content-type');
const TYPE_SEALED: Bytes = Bytes.from('application/vnd.fim.encrypted+json');
const TYPE_OPENED: Bytes = Bytes.from('application/json');

const envelope: Envelope = new Envelope();

class Sm4Policy extends StagePolicy {
  /** Found at the first message: the key store outlives configurations. */
  ring: KeyRing | null = null;

  constructor(
    readonly keyId: Bytes,
    readonly context: Bytes,
    readonly request: PayloadAction,
    readonly response: PayloadAction,
  ) {
    super();
  }

  action(direction: Direction): PayloadAction {
    return direction == Direction.Request ? this.request : this.response;
  }

  acts(direction: Direction): bool {
    return this.action(direction) != PayloadAction.None;
  }

  needsBody(direction: Direction): bool {
    return this.acts(direction);
  }

  rank(direction: Direction): Rank {
    return this.action(direction) == PayloadAction.Decrypt ? Rank.Open : Rank.Protect;
  }

  keys(kms: KmsConfig): KeyRing {
    const known = this.ring;
    if (known != null && !known.dropped) return known;
    const ring = keyRing(this.keyId, kms);
    this.ring = ring;
    return ring;
  }
}

/** Encrypts or decrypts whole bodies with SM4-GCM. Never observed: a message that cannot be protected does not go on. */
export class Sm4Encryptor extends Stage {
  constructor() {
    super('sm4Encryptor', false, true);
  }

  start(): bool {
    defineSm4Stats();
    defineKeyStats();
    return selfTest();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const config = decodeSm4EncryptorConfig(reader, node);
    if (!isKeyId(config.keyId)) reader.fail(ErrorId.FIM_CFG_0017, node);
    return new Sm4Policy(config.keyId, config.context, config.request, config.response);
  }

  prepare(policy: StagePolicy, kms: KmsConfig, rootId: u32): void {
    (<Sm4Policy>policy).keys(kms).prepare(rootId);
  }

  tick(rootId: u32): void {
    tickKeys(rootId);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const sm4 = <Sm4Policy>policy;
    const kms = exchange.kms;
    if (kms == null) return this.refuse(exchange, ErrorId.FIM_SM4_0001);
    const ring = sm4.keys(kms);
    return sm4.action(exchange.direction) == PayloadAction.Encrypt ? this.encrypt(exchange, sm4, ring) : this.decrypt(exchange, sm4, ring);
  }

  private encrypt(exchange: Exchange, sm4: Sm4Policy, ring: KeyRing): Verdict {
    const message = exchange.message;
    if (message.length == 0) return Verdict.Continue; // nothing to protect
    const state = ring.newest(exchange);
    if (state == KeyState.Pending) return Verdict.Wait;
    const key = ring.found;
    if (state != KeyState.Ready || key == null) {
      keyUnavailable.add(1);
      return this.refuse(exchange, ErrorId.FIM_SM4_0001);
    }
    const iv = scratch.allocate(IV_BYTES);
    const cipher = key.sm4Gcm;
    if (cipher == null) return this.refuse(exchange, ErrorId.FIM_SM4_0001);
    if (iv == 0 || !key.nextIv(iv)) return this.refuse(exchange, ErrorId.FIM_SM4_0003);
    if (!seal(cipher, key.kid, sm4.context, iv, message.pointer, message.length)) return this.refuse(exchange, ErrorId.FIM_SM4_0003);
    message.replace(sealedPointer(), sealedLength());
    exchange.setHeader(CONTENT_TYPE.pointer, CONTENT_TYPE.length, TYPE_SEALED.pointer, TYPE_SEALED.length);
    encrypted.add(1);
    return Verdict.Continue;
  }

  private decrypt(exchange: Exchange, sm4: Sm4Policy, ring: KeyRing): Verdict {
    const document = exchange.message.json();
    let opening = document == null ? Opening.Malformed : envelope.read(document, sm4.keyId, sm4.context);
    if (opening != Opening.Done) return this.cannotOpen(exchange, opening);
    const state = ring.numbered(exchange, envelope.version);
    if (state == KeyState.Pending) return Verdict.Wait;
    if (state == KeyState.Absent) {
      openVersionAbsent.add(1);
      return this.refuse(exchange, ErrorId.FIM_SM4_0002);
    }
    const key = ring.found;
    if (state != KeyState.Ready || key == null) {
      keyUnavailable.add(1);
      return this.refuse(exchange, ErrorId.FIM_SM4_0001);
    }
    const cipher = key.sm4Gcm;
    if (cipher == null) return this.cannotOpen(exchange, Opening.Foreign);
    opening = envelope.open(cipher, sm4.context);
    if (opening != Opening.Done) return this.cannotOpen(exchange, opening);
    exchange.message.replace(envelope.pointer, envelope.length);
    exchange.setHeader(CONTENT_TYPE.pointer, CONTENT_TYPE.length, TYPE_OPENED.pointer, TYPE_OPENED.length);
    exchange.noteContentType();
    decrypted.add(1);
    return Verdict.Continue;
  }

  private cannotOpen(exchange: Exchange, opening: Opening): Verdict {
    if (opening == Opening.NoMemory) return this.refuse(exchange, ErrorId.FIM_SM4_0003);
    if (opening == Opening.Forged) openForged.add(1);
    else if (opening == Opening.Foreign) openForeign.add(1);
    else openMalformed.add(1);
    return this.refuse(exchange, ErrorId.FIM_SM4_0002);
  }

  private refuse(exchange: Exchange, error: ErrorId): Verdict {
    exchange.reply.begin(error);
    return Verdict.Reject;
  }
}
