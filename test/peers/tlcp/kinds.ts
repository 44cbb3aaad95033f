// Implementations of national TLS that the core is tried against, and what each of them has.
import { SUITES, type SideOptions, type SuiteName } from '../../../scripts/fim/tlcp-module.ts';
import { gmssl, gmtls, GOTLCP_FOLDER, gotlcp, tongsuo, type Peer } from './peer.ts';

export type Way = 'id' | 'ticket';

export interface Kind {
  /** As the README says it. */
  name: string;
  start: () => Peer | null;
  suites: readonly SuiteName[];
  /** Its ways of resuming, as a client of the core and as its server. */
  resumes: { client: readonly Way[]; server: readonly Way[] };
  /** Settings of the core as its client. */
  asClient?: SideOptions;
  /** As a server it drops clients that send any extension, so the core does not name its host. */
  dropsExtensions?: boolean;
  /** Bytes that each side says, if not what others do. */
  talkBytes?: number;
  nameOf: (suite: SuiteName) => string | number;
}

export const SUITE_NAMES = Object.keys(SUITES) as SuiteName[];
/** Names of the suites in Tongsuo. */
const tongsuoName = (suite: SuiteName): string => suite.replace('_', '-SM2-').replaceAll('_', '-');
const numberOf = (suite: SuiteName): number => SUITES[suite];

const ALL: readonly Kind[] = [
  {
    name: 'Tongsuo 8.3.2',
    start: tongsuo,
    suites: SUITE_NAMES,
    resumes: { client: ['id', 'ticket'], server: ['id', 'ticket'] },
    nameOf: tongsuoName,
  },
  {
    // Its ECDHE ends in a panic, and it knows no GCM.
    name: 'gmtls 1.4.1',
    start: gmtls,
    suites: ['ECC_SM4_CBC_SM3'],
    resumes: { client: [], server: [] },
    nameOf: numberOf,
  },
  {
    name: 'GmSSL 3.1.1',
    start: gmssl,
    suites: ['ECC_SM4_CBC_SM3'],
    resumes: { client: [], server: [] },
    asClient: { sendsSignOnly: true },
    talkBytes: 8000, // a whole record of 16 KiB writes over what stands behind its buffer
    dropsExtensions: true,
    nameOf: numberOf,
  },
  {
    name: 'gotlcp',
    start: gotlcp,
    suites: SUITE_NAMES,
    resumes: { client: ['id'], server: ['id'] },
    nameOf: numberOf,
  },
];

/** Peers that are there. */
export const KINDS = ALL.filter(({ start }) => start !== gotlcp || GOTLCP_FOLDER !== '');
