// A compiled configuration. Everything that a message uses is immutable and belongs to its root context, so that an old
// and a new configuration can serve in one VM.
import { Ascii } from '../memory/ascii';
import { scratch } from '../memory/scratch';
import { Bytes, equalBytes } from '../memory/bytes';
import { PartKind, Parts } from '../memory/parts';
import { RouteIndex } from '../match/route-index';
import { RouteIndexBuilder } from '../match/route-index-builder';
import { MessageFormat } from '../message/format';
import { JsonDocument } from '../message/json/document';
import { BodyLayout, compileLayout } from './body-layout';
import { CompiledRoute, Plan, Step } from './compiled-route';
import { ConfigReader } from './config-reader';
import { BodyConfig, CompressedBody, KmsConfig, RouteConfig, ShadowConfig, decodePluginConfig } from './config.gen';
import { DEFAULT_BODY_BYTES, MAX_CONFIG_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { Direction } from './direction';
import { compileLane } from './lane';
import { addRoute } from './route-match';
import { RouteTerms } from './route-terms';
import { Shadow } from './shadow';
import { Stage, StagePolicy } from './stage';
import { Variant, compileVariant } from './variant';

/** Supported major version of the plugin configuration. Others are refused. */
const CONFIG_MAJOR: u8 = 49; // '1'

export class Configuration {
  constructor(
    readonly generation: i64,
    readonly kms: KmsConfig | null,
    readonly routes: StaticArray<CompiledRoute>,
    readonly index: RouteIndex,
    /** Request headers that only this proxy may set, lower case. */
    readonly stripHeaders: StaticArray<Bytes>,
    readonly heldPerAddressBytes: u64,
    /** Whether its streams come through the door. */
    readonly door: bool,
    /** One of two configurations among which requests are divided. Null: all requests meet it. */
    readonly variant: Variant | null,
    /** For reuse by the next configuration. Emptied afterwards. */
    public parts: Parts,
  ) {}
}

/** Compiles a plugin configuration for the stages of this module. Null at the first error, which `reader` holds. */
export function compileConfiguration(reader: ConfigReader, stages: StaticArray<Stage>): Configuration | null {
  const config = decodePluginConfig(reader, reader.document.root);
  if (reader.failed) return null;
  const version = config.version;
  if (version.length < 2 || load<u8>(version.pointer) != CONFIG_MAJOR || load<u8>(version.pointer, 1) != Ascii.Point) {
    reader.fail(ErrorId.FIM_CFG_0002, 0);
    return null;
  }
  const count = config.routes.length;
  const routes = new StaticArray<CompiledRoute>(count);
  const builder = new RouteIndexBuilder(reader.parts);
  const takesOver = sharesKms(reader, config.kms);
  for (let i = 0; i < count; i++) {
    const route = config.routes[i];
    routes[i] = sharedRoute(reader, route, stages, config.kms, takesOver);
    if (!reader.failed) addRoute(reader, builder, route);
    if (reader.failed) return null;
  }
  reader.parts.close();
  return new Configuration(
    config.generation,
    config.kms,
    routes,
    builder.build(),
    config.stripHeaders,
    <u64>config.heldPerAddressBytes,
    config.door,
    compileVariant(config.variant),
    reader.parts,
  );
}

/**
 * Whether the KMS is that of the previous configuration. Besides its own text, a compiled route depends on nothing else
 * in the document.
 */
function sharesKms(reader: ConfigReader, kms: KmsConfig | null): bool {
  const pointer: usize = kms == null ? 0 : reader.rawPointer(kms.node);
  const length = kms == null ? 0 : reader.rawLength(kms.node);
  if (reader.parts.find(PartKind.Kms, pointer, length) != null) return true;
  reader.parts.add(PartKind.Kms, pointer, length, Bytes.EMPTY);
  return false;
}

/** Compiled route. The previous configuration's if its text is the same and `takesOver`. */
function sharedRoute(
  reader: ConfigReader,
  route: RouteConfig,
  stages: StaticArray<Stage>,
  kms: KmsConfig | null,
  takesOver: bool,
): CompiledRoute {
  const pointer = reader.rawPointer(route.node);
  const length = reader.rawLength(route.node);
  if (takesOver) {
    const known = reader.parts.find(PartKind.Route, pointer, length);
    if (known != null) return <CompiledRoute>known;
  }
  const compiled = compileRoute(reader, route, stages, kms);
  if (!reader.failed) reader.parts.add(PartKind.Route, pointer, length, compiled);
  return compiled;
}

function compileRoute(
  reader: ConfigReader,
  route: RouteConfig,
  stages: StaticArray<Stage>,
  kms: KmsConfig | null,
): CompiledRoute {
  const body = route.body;
  reader.format = body == null ? MessageFormat.Json : <MessageFormat>(<i32>body.format);
  const layout = compileLayout(reader, body);
  reader.iso = layout.iso;
  const steps = new Array<Step>();
  const section = route.stages.node;
  for (let member = reader.firstMember(section); member != 0 && !reader.failed; member = reader.nextMember(member)) {
    const stage = stageOf(reader, member, stages);
    if (stage == null) reader.fail(ErrorId.FIM_CFG_0016, member);
    else {
      const policy = stage.compile(reader, member);
      if (policy.needsKeys() && kms == null) reader.fail(ErrorId.FIM_CFG_0018, member);
      const observable = stage.observable && !isEnforced(route, stage);
      steps.push(new Step(stage, policy, observable));
      const companion = policy.companion();
      if (companion != null) steps.push(new Step(stage, companion, observable));
    }
  }
  const terms = termsOf(reader, route, body, layout, kms);
  terms.lane = compileLane(route.lane);
  const compiled = new CompiledRoute(
    terms,
    planOf(reader, steps, section, Direction.Request),
    planOf(reader, steps, section, Direction.Response),
  );
  const shadow = route.shadow;
  if (shadow != null && !reader.failed) compiled.shadow = compileShadow(reader, route, shadow, stages, compiled);
  return compiled;
}

/** Terms of a route whose bodies are read so. The reader knows their format. */
function termsOf(
  reader: ConfigReader,
  route: RouteConfig,
  body: BodyConfig | null,
  layout: BodyLayout,
  kms: KmsConfig | null,
): RouteTerms {
  return new RouteTerms(
    route.name,
    route.observe,
    route.observe && route.enforced.length == 0,
    body == null ? DEFAULT_BODY_BYTES : <u32>body.maxBytes,
    body == null || body.maxStreamBytes == 0 ? u64.MAX_VALUE : <u64>body.maxStreamBytes,
    body != null && body.compressed == CompressedBody.Decompress,
    reader.format,
    layout,
    kms,
  );
}

/** The shadow of a route. It judges where the route's own stage does, and nowhere else. */
function compileShadow(
  reader: ConfigReader,
  route: RouteConfig,
  config: ShadowConfig,
  stages: StaticArray<Stage>,
  compiled: CompiledRoute,
): Shadow {
  const body = config.body;
  reader.format = body == null ? MessageFormat.Json : <MessageFormat>(<i32>body.format);
  const layout = compileLayout(reader, body);
  reader.iso = layout.iso;
  let policy: StagePolicy | null = null;
  const section = config.stages.node;
  for (let member = reader.firstMember(section); member != 0 && !reader.failed; member = reader.nextMember(member)) {
    const stage = stageOf(reader, member, stages);
    if (stage == null || !stage.judgesOnly || policy != null) {
      reader.fail(ErrorId.FIM_CFG_1181, member);
      continue;
    }
    policy = stage.compile(reader, member);
    if (policy.needsKeys()) reader.fail(ErrorId.FIM_CFG_1181, member);
    for (let direction = Direction.Request; direction <= Direction.Response; direction++)
      if (!compiled.plan(direction).judgesFor(stage, policy, direction)) reader.fail(ErrorId.FIM_CFG_1180, member);
  }
  if (compiled.request.judge < 0 && compiled.response.judge < 0) reader.fail(ErrorId.FIM_CFG_1180, section);
  const shares = sameText(reader, route.body, body);
  return new Shadow(config.release, route.name, termsOf(reader, route, body, layout, null), shares, policy);
}

/** Whether both are written in the same way, or absent. */
function sameText(reader: ConfigReader, one: BodyConfig | null, other: BodyConfig | null): bool {
  if (one == null || other == null) return one == null && other == null;
  const length = reader.rawLength(one.node);
  if (length != reader.rawLength(other.node)) return false;
  return equalBytes(reader.rawPointer(one.node), reader.rawPointer(other.node), length);
}

/** Whether the route names the stage among those that block although it observes. */
function isEnforced(route: RouteConfig, stage: Stage): bool {
  const enforced = route.enforced;
  const name = Bytes.from(stage.section);
  for (let i = 0; i < enforced.length; i++) {
    if (unchecked(enforced[i]).equals(name.pointer, name.length)) return true;
  }
  return false;
}

function stageOf(reader: ConfigReader, member: u32, stages: StaticArray<Stage>): Stage | null {
  for (let i = 0; i < stages.length; i++) {
    if (reader.keyIs(member, stages[i].section)) return stages[i];
  }
  return null;
}

/** Steps of a direction. Calls `reader.fail` at `section` if one must stream a body that another needs whole. */
function planOf(reader: ConfigReader, steps: Array<Step>, section: u32, direction: Direction): Plan {
  const plan = new Plan(ordered(steps, direction), direction);
  for (let i = 0; i < plan.steps.length && plan.streamStep < 0; i++) {
    if (plan.steps[i].policy.mustStream(direction)) reader.fail(ErrorId.FIM_PBOC_0042, section);
  }
  return plan;
}

/** The steps that act in a direction, by rank. */
function ordered(steps: Array<Step>, direction: Direction): StaticArray<Step> {
  const acting = new Array<Step>();
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    if (!step.policy.acts(direction)) continue;
    let at = acting.length;
    while (at > 0 && acting[at - 1].policy.rank(direction) > step.policy.rank(direction)) at--;
    acting.push(step);
    for (let j = acting.length - 1; j > at; j--) acting[j] = acting[j - 1];
    acting[at] = step;
  }
  return StaticArray.fromArray(acting);
}

/**
 * Parses the host's document. The reader holds it or the error. `earlier`: parts of the configuration that it replaces.
 */
export function parseConfiguration(pointer: usize, length: u32, earlier: Parts | null = null): ConfigReader {
  const document = new JsonDocument();
  const reader = new ConfigReader(document, new Parts(earlier));
  if (length > MAX_CONFIG_BYTES) reader.fail(ErrorId.FIM_CFG_0003, 0);
  else if (document.parse(pointer, length, scratch) != 0) reader.fail(ErrorId.FIM_CFG_0001, 0);
  return reader;
}
