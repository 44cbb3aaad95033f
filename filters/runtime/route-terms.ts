import { Bytes } from '../memory/bytes';
import { MessageFormat } from '../message/format';
import { BodyLayout } from './body-layout';
import { KmsConfig } from './config.gen';
import { Lane } from './lane';

/** Terms of a route that do not depend on its stages. */
export class RouteTerms {
  /** Its channels. Null: the upstream of routes without channels. */
  lane: Lane | null = null;

  constructor(
    readonly name: Bytes,
    /** Whether verdicts of observable stages are counted and not enforced. */
    readonly observe: bool,
    /** Whether it does so for all of them. Their verdicts then hold up nothing. */
    readonly observesAll: bool,
    readonly maxBodyBytes: u32,
    /** Limit of a streamed body. */
    readonly maxStreamBytes: u64,
    /** Whether compressed bodies are decompressed. */
    readonly decompresses: bool,
    readonly format: MessageFormat,
    readonly layout: BodyLayout,
    /**
     * Source of its keys. Null: the configuration has no KMS. Stored here, because a stream outlives its configuration.
     */
    readonly kms: KmsConfig | null,
  ) {}
}
