// How the channels of a running Envoy stand, by its admin interface.
import { laneCluster } from '../xds/lane.ts';
import { CodedError, messageOf } from './coded-error.ts';
import { EnvoyAdmin } from './envoy-admin.ts';

/** One channel of a route. */
export interface ChannelStanding {
  name: string;
  address: string;
  /** `Well`; `Unwell`: it fails its health checks; `HeldDown`: requests to it failed in a row. */
  state: 'Well' | 'Unwell' | 'HeldDown';
  /** Requests go to it now: it is well, and no channel of an earlier tier is. */
  inUse: boolean;
  tier: number;
  weight: number;
  /** Requests under way. */
  active: number;
  /** Tries since the start, and how many of them failed: no connection, no answer, or a status from 500 on. */
  tries: number;
  failed: number;
}

/** The channels of a route. */
export interface LaneStanding {
  /** `NAMESPACE/NAME`. */
  route: string;
  channels: ChannelStanding[];
}

/** A host as Envoy's `/clusters` tells it; parts that are zero or false are left out. */
interface HostSaid {
  hostname?: string;
  address?: { socket_address?: { address?: string; port_value?: number } };
  stats?: { name?: string; value?: string }[];
  health_status?: { failed_active_health_check?: boolean; failed_outlier_check?: boolean };
  weight?: number;
  priority?: number;
}

interface ClustersSaid {
  cluster_statuses?: { name?: string; host_statuses?: HostSaid[] }[];
}

const PREFIX = laneCluster('');

/** Error: FIM-UP-0061 (nobody answers). */
export async function channelStandings(admin: URL): Promise<LaneStanding[]> {
  const text = await new EnvoyAdmin(admin).get('/clusters?format=json').catch((error: unknown) => {
    throw new CodedError('FIM-UP-0061', `${admin.host}: ${messageOf(error)}`);
  });
  const { cluster_statuses: clusters = [] } = JSON.parse(text) as ClustersSaid;
  return clusters
    .filter(({ name = '' }) => name.startsWith(PREFIX))
    .map(({ name = '', host_statuses: hosts = [] }) => ({
      route: name.slice(PREFIX.length),
      channels: inUse(hosts.map(standingOf)),
    }))
    .toSorted((a, b) => (a.route < b.route ? -1 : 1));
}

function standingOf(host: HostSaid): ChannelStanding {
  const { address = '', port_value: port = 0 } = host.address?.socket_address ?? {};
  const health = host.health_status ?? {};
  const stat = (name: string): number => Number(host.stats?.find((one) => one.name === name)?.value ?? 0);
  return {
    name: host.hostname ?? '',
    address: `${address}:${port}`,
    state: health.failed_active_health_check ? 'Unwell' : health.failed_outlier_check ? 'HeldDown' : 'Well',
    inUse: false,
    tier: host.priority ?? 0,
    weight: host.weight ?? 1,
    active: stat('rq_active'),
    tries: stat('rq_total'),
    failed: stat('rq_error'),
  };
}

/** The first tier with a channel that is well takes the requests. */
function inUse(channels: ChannelStanding[]): ChannelStanding[] {
  const tiers = channels.filter(({ state }) => state === 'Well').map(({ tier }) => tier);
  const first = Math.min(...tiers);
  return channels
    .map((channel) => ({ ...channel, inUse: channel.state === 'Well' && channel.tier === first }))
    .toSorted((a, b) => a.tier - b.tier || (a.name < b.name ? -1 : 1));
}
