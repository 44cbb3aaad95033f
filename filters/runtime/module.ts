// What a module is: a list of stages, the root contexts with their configurations, and the live streams.
import { MAX_CONFIG_BYTES } from '../limits';
import { Parts } from '../memory/parts';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { BufferType, LogLevel, proxy_set_tick_period_milliseconds } from './abi';
import { KmsConfig } from './config.gen';
import { Configuration, Step, compileConfiguration, parseConfiguration } from './configuration';
import { ConfigReader } from './config-reader';
import { errorCode, errorCodeLength, errorTitle, errorTitleLength } from '../errors.gen';
import { log, logText, readBuffer, resultLength, resultPointer } from './host';
import { RootContext, RootTable } from './root-context';
import { nameSeal } from './seal';
import { Stage } from './stage';
import { configAccepted, configRefused, countConfigured, defineRuntimeStats } from './stats';
import { StreamTable } from './stream-table';

/** Period of the root context's tick where a configuration names a KMS, milliseconds: refresh, retries and bounded waits are counted in it. */
const TICK_MS: u32 = 100;

let stages: StaticArray<Stage> = new StaticArray<Stage>(0);
let started: bool = false;
let healthy: bool = false;

export const roots: RootTable = new RootTable();
export const streams: StreamTable = new StreamTable();

/** Names this module, as its file is called, and its stages; once, at the top of its index.ts. */
export function registerModule(name: string, list: Stage[]): void {
  nameSeal(name);
  stages = StaticArray.fromArray(list);
}

/** First root context of the VM: metrics and the stages' start. False: the VM serves nothing. */
export function startVm(): bool {
  if (started) return healthy;
  started = true;
  healthy = true;
  defineRuntimeStats();
  for (let i = 0; i < stages.length && healthy; i++) healthy = stages[i].start();
  if (!healthy) logText(LogLevel.Error, '{"event":"start-refused","message":"a self-test or the set-up of a stage failed; this VM serves nothing"}');
  return healthy;
}

/** Compiles and takes a configuration; on a mistake the root keeps what it has, and the log says where the mistake is. */
export function configureRoot(root: RootContext, length: u32): bool {
  const previous = roots.newest();
  const reader = readConfiguration(length, previous == null ? null : previous.parts);
  let configuration: Configuration | null = null;
  if (!reader.failed) configuration = compileConfiguration(reader, stages);
  if (reader.failed || configuration == null) {
    configRefused.add(1);
    logRefusal(reader);
    return false;
  }
  if (previous != null) previous.parts = new Parts();
  root.configuration = configuration;
  root.prepared = false;
  if (configuration.kms != null) proxy_set_tick_period_milliseconds(TICK_MS);
  configAccepted.add(1);
  countConfigured(configuration.generation);
  return true;
}

function readConfiguration(length: u32, earlier: Parts | null): ConfigReader {
  if (length > MAX_CONFIG_BYTES) return parseConfiguration(0, length); // refused unread
  if (length == 0 || !readBuffer(BufferType.PluginConfiguration, length)) return parseConfiguration(0, 0);
  return parseConfiguration(resultPointer(), resultLength(), earlier);
}

/** One JSON line: the dry run and people read it. It names places in the configuration, never its values. */
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

/** Tick of a root context: stages prepare for a new configuration, refresh what ages, and give up waits that took too long. */
export function tickRoot(root: RootContext): void {
  const configuration = root.configuration;
  if (configuration == null) return;
  const kms = configuration.kms;
  if (!root.prepared && kms != null) {
    root.prepared = true;
    for (let i = 0; i < configuration.routes.length; i++) {
      prepareSteps(configuration.routes[i].request.steps, kms, root.contextId);
      prepareSteps(configuration.routes[i].response.steps, kms, root.contextId);
    }
  }
  for (let i = 0; i < stages.length; i++) stages[i].tick(root.contextId);
}

function prepareSteps(steps: StaticArray<Step>, kms: KmsConfig, rootId: u32): void {
  for (let i = 0; i < steps.length; i++) steps[i].stage.prepare(steps[i].policy, kms, rootId);
}
