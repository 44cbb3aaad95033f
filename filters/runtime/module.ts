// A module: a list of stages, the root contexts with their configurations, and the live streams.
import { MAX_CONFIG_BYTES, MAX_STEPS, MAX_VM_BYTES_TO_CONFIGURE } from '../limits';
import { Bytes } from '../memory/bytes';
import { Parts } from '../memory/parts';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { BufferType, LogLevel, proxy_set_effective_context } from './abi';
import { forgetAlarm, hurries, isUnattended, setTick, wantNext } from './alarm';
import { identify, noteAccepted, wasAccepted } from './accepted';
import { KmsConfig } from './config.gen';
import { Step } from './compiled-route';
import { Configuration, compileConfiguration, parseConfiguration } from './configuration';
import { ConfigReader } from './config-reader';
import { keepDoor } from './door';
import { drainRetired } from './drain';
import { tellHeld } from './held-bytes';
import { errorCode, errorCodeLength, errorTitle, errorTitleLength } from '../errors.gen';
import {
  log,
  logText,
  monotonicMillis,
  monotonicNanos,
  readBuffer,
  readPropertyOrEmpty,
  resultLength,
  resultPointer,
} from './host';
import { RootContext, RootTable } from './root-context';
import { nameSeal } from './seal';
import { Service } from './service';
import { shadowDoor } from './shadow-door';
import { Stage } from './stage';
import { configAccepted, configLost, configRefused, countConfigured, defineRuntimeStats } from './stats';
import { StreamTable } from './stream-table';

/** Tick period of a root context with a KMS, milliseconds. Refresh, retries and bounded waits depend on it. */
const TICK_MS: u32 = 100;

/** Tick period without a KMS, and period of other work in both cases. */
const SLOW_TICK_MS: u32 = 1000;

const PLUGIN_ROOT_ID: Bytes = Bytes.from('plugin_root_id');

let clockMs: u64 = 0;
let drainedAtMs: u64 = 0;
let stages: StaticArray<Stage> = new StaticArray<Stage>(0);
/** Services of the stages, each once. */
const services: Service[] = [];
let started: bool = false;
let healthy: bool = false;

export const roots: RootTable = new RootTable();
export const streams: StreamTable = new StreamTable();

/** Registers this module's file name and its stages. Once, at the top of its index.ts. */
export function registerModule(name: string, list: Stage[]): void {
  nameSeal(name);
  stages = StaticArray.fromArray(list);
  for (let i = 0; i < list.length; i++) {
    const used = list[i].services();
    for (let j = 0; j < used.length; j++) if (!services.includes(used[j])) services.push(used[j]);
  }
}

/** First root context of the VM: metrics and the start of services and stages. A VM whose start fails accepts no configuration. */
export function startVm(): void {
  if (started) return;
  started = true;
  healthy = stages.length <= MAX_STEPS;
  defineRuntimeStats();
  keepDoor(shadowDoor);
  for (let i = 0; i < services.length && healthy; i++) healthy = services[i].start();
  for (let i = 0; i < stages.length && healthy; i++) healthy = stages[i].start();
  if (!healthy)
    logText(
      LogLevel.Error,
      '{"event":"start-refused","message":"a self-test or the set-up of a stage failed; this VM serves nothing"}',
    );
}

/**
 * Compiles and applies a configuration. The log gives the place of an error. Returns false while the proxy can still
 * refuse the configuration. After that the root is kept and refuses everything, since the proxy would otherwise serve
 * without the module.
 */
export function configureRoot(root: RootContext, length: u32): bool {
  clockMs = monotonicMillis();
  root.plugin = readPlugin();
  const configuration = compile(root, length);
  if (configuration == null) {
    configRefused.add(1);
    if (!roots.serves && !wasAccepted(root)) return false;
    lose(root);
    return true;
  }
  root.configuration = configuration;
  root.stripHeaders = configuration.stripHeaders;
  root.heldPerAddressBytes = configuration.heldPerAddressBytes;
  root.prepared = false;
  root.door = configuration.door;
  if (!root.door) {
    configAccepted.add(1);
    countConfigured(configuration.generation);
  }
  noteAccepted(root);
  take(root);
  return true;
}

function take(root: RootContext): void {
  root.taken = true;
  roots.enforce(root, clockMs);
  setTicks(root);
}

/** Makes the root refuse all traffic from now on. */
function lose(root: RootContext): void {
  root.configuration = null;
  root.released = false;
  configLost.add(1);
  logText(
    LogLevel.Error,
    '{"event":"config-lost","code":"FIM-RT-0001","message":"this worker cannot use a configuration that the proxy has accepted; it refuses all requests"}',
  );
  take(root);
}

function setTicks(root: RootContext): void {
  if (root.door) {
    root.periodMs = setTick(root.contextId, 0);
    return;
  }
  const paceMs = paceOf(root);
  root.dueMs = clockMs + paceMs;
  root.periodMs = setTick(root.contextId, paceMs);
}

function paceOf(root: RootContext): u32 {
  const configuration = root.configuration;
  return configuration != null && configuration.kms != null ? TICK_MS : SLOW_TICK_MS;
}

/** Resumes the ticks of a root that is in force again because a newer one, `goneId`, is gone. */
export function resumeTicks(goneId: u32): void {
  forgetAlarm(goneId);
  let stopped = roots.stopped();
  if (stopped == null && isUnattended()) stopped = roots.newest();
  if (stopped == null) return;
  stopped.ticks = true;
  proxy_set_effective_context(stopped.contextId);
  setTicks(stopped);
}

/** Tells the services that a root context is gone. */
export function forgetRoot(rootId: u32): void {
  for (let i = 0; i < services.length; i++) services[i].forget(rootId, roots.size == 0);
}

/** Name of the plugin. Null if the host does not give it. */
function readPlugin(): Bytes | null {
  return readPropertyOrEmpty(PLUGIN_ROOT_ID.pointer, PLUGIN_ROOT_ID.length)
    ? Bytes.copy(resultPointer(), resultLength())
    : null;
}

/** Compiled configuration. Null, with a log line, if the VM or the text is unsuitable. */
function compile(root: RootContext, length: u32): Configuration | null {
  const previous = roots.before(root.plugin);
  const reader = readConfiguration(root, length, previous == null ? null : previous.parts);
  if (!healthy) return null;
  if ((<usize>memory.size()) << 16 > MAX_VM_BYTES_TO_CONFIGURE) {
    logText(
      LogLevel.Error,
      '{"event":"config-refused","code":"FIM-RT-0006","path":"","message":"the memory of this VM is used up"}',
    );
    return null;
  }
  let configuration: Configuration | null = null;
  if (!reader.failed) configuration = compileConfiguration(reader, stages);
  if (reader.failed || configuration == null) {
    logRefusal(reader);
    return null;
  }
  if (previous != null && !configuration.door) previous.parts = new Parts();
  return configuration;
}

function readConfiguration(root: RootContext, length: u32, earlier: Parts | null): ConfigReader {
  identify(root, 0, length);
  if (length > MAX_CONFIG_BYTES) return parseConfiguration(0, length); // refused unread
  if (length == 0 || !readBuffer(BufferType.PluginConfiguration, length)) return parseConfiguration(0, 0);
  identify(root, resultPointer(), resultLength());
  return parseConfiguration(resultPointer(), resultLength(), earlier);
}

/** Logs one JSON line, which the dry run and people read. It names places in the configuration and never its values. */
function logRefusal(reader: ConfigReader): void {
  const line = new Writer(scratch);
  line.begin(512);
  line.ascii('{"event":"config-refused","code":"');
  line.bytes(errorCode(reader.error), errorCodeLength(reader.error));
  line.ascii('","path":"');
  if (reader.errorNode != 0) {
    const path = reader.document.pointer(reader.errorNode, scratch);
    if (path != 0) line.jsonText(path, reader.document.pointerLength);
  }
  if (reader.errorMember.length > 0) {
    line.ascii('/');
    line.ascii(reader.errorMember);
  }
  line.ascii('","message":"');
  line.bytes(errorTitle(reader.error), errorTitleLength(reader.error));
  line.ascii('"}');
  log(LogLevel.Error, line);
}

/** Coarse monotonic time, milliseconds: of the last tick or configuration. It costs no host call. */
export function coarseMillis(): u64 {
  return clockMs;
}

/**
 * Tick of a root context: streams of retired configurations end in time; services and stages prepare for a new one, and
 * services do what time brings.
 */
export function tickRoot(root: RootContext): void {
  const nowNanos = monotonicNanos();
  clockMs = nowNanos / 1_000_000;
  const hurried = hurries(root.contextId);
  wakeServices(root, nowNanos);
  if (root.retired || root.door) {
    lookAround(root);
    root.periodMs = setTick(root.contextId, 0);
    root.ticks = root.periodMs != 0;
    return;
  }
  if (hurried && clockMs < root.dueMs) {
    root.periodMs = setTick(root.contextId, <u32>(root.dueMs - clockMs));
    return;
  }
  const paceMs = paceOf(root);
  // The host repeats the last period by itself.
  if (hurried || isUnattended() || root.periodMs != paceMs) setTicks(root);
  else root.dueMs = clockMs + paceMs;
  lookAround(root);
  const configuration = root.configuration;
  if (configuration == null) return;
  if (!root.prepared) {
    root.prepared = true;
    prepare(root.contextId, configuration);
  }
  for (let i = 0; i < services.length; i++) services[i].tick(root.contextId);
}

/** Does what services wanted to do at a time; they are asked for the next time. */
function wakeServices(root: RootContext, nowNanos: u64): void {
  let next: u64 = 0;
  for (let i = 0; i < services.length; i++) {
    const wanted = services[i].wake(nowNanos);
    if (next == 0 || (wanted != 0 && wanted < next)) next = wanted;
  }
  wantNext(next);
  proxy_set_effective_context(root.contextId);
}

function prepare(rootId: u32, configuration: Configuration): void {
  for (let i = 0; i < services.length; i++) services[i].prepare(rootId);
  for (let i = 0; i < configuration.routes.length; i++) {
    prepareSteps(configuration.routes[i].request.steps, configuration.kms, rootId);
    prepareSteps(configuration.routes[i].response.steps, configuration.kms, rootId);
  }
}

/**
 * Work at the slow pace, whatever the services. A retired root's last tick does it, too: edits may come faster than
 * ticks.
 */
function lookAround(root: RootContext): void {
  if (clockMs - root.notedAtMs >= SLOW_TICK_MS && root.configuration != null && !root.retired) {
    root.notedAtMs = clockMs;
    noteAccepted(root);
  }
  if (clockMs - drainedAtMs < SLOW_TICK_MS) return;
  drainedAtMs = clockMs;
  tellHeld();
  drainRetired(roots, streams, clockMs);
  proxy_set_effective_context(root.contextId);
}

function prepareSteps(steps: StaticArray<Step>, kms: KmsConfig | null, rootId: u32): void {
  for (let i = 0; i < steps.length; i++) steps[i].stage.prepare(steps[i].policy, kms, rootId);
}
