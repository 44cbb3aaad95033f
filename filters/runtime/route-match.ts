import { RouteIndexBuilder } from '../match/route-index';
import { ConfigReader } from './config-reader';
import { RouteConfig } from './config.gen';

/** Hands a route's conditions to the index; what the index refuses (a pattern, too many candidates) is a mistake of the configuration. */
export function addRoute(reader: ConfigReader, builder: RouteIndexBuilder, route: RouteConfig): void {}
