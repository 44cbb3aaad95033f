// The other side of a route's cryptography: a client that protects what the route opens, and an upstream that opens what
// the route protects. The module itself plays them, by routes whose actions are turned round.
import type { PluginConfig, RouteConfig, StagesConfig } from '../route/index.ts';
import { changedConfig } from '../route/index.ts';

/** Side of the route. */
export type Side = 'client' | 'upstream';

/** Actions of a partner on requests and responses, by those of the route that it answers. */
const CLIENT: Record<string, string> = { Decrypt: 'Encrypt', Verify: 'Sign' };
const CLIENT_READS: Record<string, string> = { Encrypt: 'Decrypt', Sign: 'Verify' };

type Actions = { request: string; response: string };

/** The partner's part in a stage with actions. Null: the route asks nothing of this side. */
function turned<T extends Actions>(config: T | undefined, side: Side): T | null {
  if (config === undefined) return null;
  const { request, response } = config;
  // A client protects requests that the route opens, and reads responses that it protects; an upstream the reverse.
  const [forRequest, forResponse] = side === 'client' ? [CLIENT, CLIENT_READS] : [CLIENT_READS, CLIENT];
  const own = { request: forRequest[request] ?? 'None', response: forResponse[response] ?? 'None' };
  return own.request === 'None' && own.response === 'None' ? null : { ...config, ...own };
}

/** Policy of a partner. Null: no route protects or opens anything towards this side. */
export function partnerConfig(config: PluginConfig, side: Side): PluginConfig | null {
  let needed = false;
  const routes = config.routes.map((route): RouteConfig => {
    const encryption = turned(route.stages.sm4Encryptor, side);
    const signature = turned(route.stages.messageSignature, side);
    needed ||= encryption !== null || signature !== null;
    const stages: StagesConfig = {
      ...(encryption === null ? {} : { sm4Encryptor: encryption }),
      ...(signature === null ? {} : { messageSignature: signature }),
    };
    const { observe: _observe, enforced: _enforced, lane: _lane, ...rest } = route;
    return { ...rest, stages };
  });
  const { stripHeaders: _strip, ...terms } = config;
  return needed ? changedConfig(terms, { routes }) : null;
}
