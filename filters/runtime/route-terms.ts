import { Bytes } from '../memory/bytes';
import { MessageFormat } from '../message/format';
import { BodyLayout } from './body-layout';
import { KmsConfig } from './config.gen';

/** What a route says of its messages, whatever its stages are. */
export class RouteTerms {
  constructor(
    readonly name: Bytes,
    /** Verdicts of observable stages are counted, not enforced. */
    readonly observe: bool,
    readonly maxBodyBytes: u32,
    /** Of a body that passes in pieces. */
    readonly maxStreamBytes: u64,
    /** Compressed bodies are opened. */
    readonly decompresses: bool,
    readonly format: MessageFormat,
    readonly layout: BodyLayout,
    /**
     * Where its keys come from; null: the configuration names no KMS. Kept here, since a stream outlives its
     * configuration.
     */
    readonly kms: KmsConfig | null,
  ) {}
}
