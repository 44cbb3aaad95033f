// Reads a proxy's counters of generations, from its admin interface or from Prometheus' text.
import { type Counted, GENERATION_SLOTS, slotOf } from './proof.ts';

const CONFIGURED = /fim_configured_(\d+)$/;
const TLCP_CONFIGURED = /fim_tlcp_configured_(\d+)$/;
const MODULE_REFUSED = /fim_config_refused$/;
/** The name of the filter is in the name or, after tag rules, in a label. */
const ENVOY_REFUSED = /extension_config_discovery_.*update_rejected$/;

/** Counters of one proxy, summed over all VMs. */
export class ReleaseCounters {
  /** VMs that took a configuration, by the counter of its generation. */
  readonly configured = new Array<number>(GENERATION_SLOTS).fill(0);
  /** VMs that took national TLS, by the counter of its generation. */
  readonly tlcpConfigured = new Array<number>(GENERATION_SLOTS).fill(0);
  /** Configurations that the module refused. */
  moduleRefused = 0;
  /** Extension configurations that Envoy refused. */
  envoyRefused = 0;

  /**
   * Takes one sample. `name`: with dots, as the admin interface writes it, or underscores. False: it is no such
   * counter.
   */
  take(name: string, labels: string, value: number): boolean {
    const plain = name.replaceAll('.', '_');
    const slot = CONFIGURED.exec(plain)?.[1];
    const tlcpSlot = TLCP_CONFIGURED.exec(plain)?.[1];
    if (slot !== undefined) this.configured[slotOf(Number(slot))]! += value;
    else if (tlcpSlot !== undefined) this.tlcpConfigured[slotOf(Number(tlcpSlot))]! += value;
    else if (MODULE_REFUSED.test(plain)) this.moduleRefused += value;
    else if (ENVOY_REFUSED.test(plain) && (plain + labels).includes('fim')) this.envoyRefused += value;
    else return false;
    return true;
  }
}

/** Counters of a generation. */
export function countedOf(
  {
    configured,
    moduleRefused,
    envoyRefused,
  }: Pick<ReleaseCounters, 'moduleRefused' | 'envoyRefused'> & {
    configured: readonly number[];
  },
  generation: number,
): Counted {
  return { configured: configured[slotOf(generation)] ?? 0, refused: moduleRefused + envoyRefused };
}
