import {
  MAX_DOWNSTREAM_CONNECTIONS,
  MEMORY_RELEASE_BYTES,
  MEMORY_RELEASE_INTERVAL_MS,
  TRACKED_STREAM_BYTES_LOG2,
} from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

const MONITORS = 'type.googleapis.com/envoy.extensions.resource_monitors';
const HEAP = 'envoy.resource_monitors.fixed_heap';
const LOOK = '0.1s';

/**
 * Envoy's overload manager. It limits connections. As the heap nears `maxHeapBytes` it first returns memory, then ends
 * idle and large streams, then refuses requests (503, FIM-RT-0026), then refuses connections. The heap does not include
 * the memory of Wasm VMs.
 */
export function overloadManager(maxHeapBytes: number): EnvoyObject {
  return {
    refresh_interval: LOOK,
    resource_monitors: [
      {
        name: 'envoy.resource_monitors.global_downstream_max_connections',
        typed_config: {
          '@type': `${MONITORS}.downstream_connections.v3.DownstreamConnectionsConfig`,
          max_active_downstream_connections: MAX_DOWNSTREAM_CONNECTIONS,
        },
      },
      {
        name: HEAP,
        typed_config: { '@type': `${MONITORS}.fixed_heap.v3.FixedHeapConfig`, max_heap_size_bytes: maxHeapBytes },
      },
    ],
    // Ending streams with smaller buffers gains too little.
    buffer_factory_config: { minimum_account_to_track_power_of_two: TRACKED_STREAM_BYTES_LOG2 },
    actions: [
      // Low threshold, so that memory left by a burst is returned every 10 s and not only while the heap is full.
      action('shrink_heap', { threshold: { value: 0.01 } }),
      action('disable_http_keepalive', { threshold: { value: 0.85 } }),
      { ...action('reduce_timeouts', scaled(0.8, 0.95)), typed_config: reducedTimeouts() },
      action('stop_accepting_requests', { threshold: { value: 0.9 } }),
      action('reset_high_memory_stream', scaled(0.9, 1)),
      action('stop_accepting_connections', { threshold: { value: 0.95 } }),
    ],
  };
}

/**
 * Returns memory of ended streams to the system in small steps, as far as the allocator allows, even without pressure.
 */
export function memoryRelease(): EnvoyObject {
  return { bytes_to_release: MEMORY_RELEASE_BYTES, memory_release_interval: `${MEMORY_RELEASE_INTERVAL_MS / 1000}s` };
}

function action(name: string, trigger: EnvoyObject): EnvoyObject {
  return { name: `envoy.overload_actions.${name}`, triggers: [{ name: HEAP, ...trigger }] };
}

function scaled(from: number, to: number): EnvoyObject {
  return { scaled: { scaling_threshold: from, saturation_threshold: to } };
}

function reducedTimeouts(): EnvoyObject {
  const timer = (name: string, seconds: number): EnvoyObject => ({ timer: name, min_timeout: `${seconds}s` });
  return {
    '@type': 'type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig',
    timer_scale_factors: [timer('HTTP_DOWNSTREAM_CONNECTION_IDLE', 2), timer('HTTP_DOWNSTREAM_STREAM_IDLE', 2)],
  };
}
