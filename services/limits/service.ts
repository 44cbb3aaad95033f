// The service: Envoy's rate-limit protocol and gRPC's health protocol on one port.
import { join } from 'node:path';
import { Server, ServerCredentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import type { ServiceDefinition, UntypedServiceImplementation, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { MAX_MESSAGE_BYTES, MAX_QUESTIONS_IN_FLIGHT, MAX_STREAMS_OF_A_CONNECTION, STOP_MS } from '../limits.ts';
import type { Answer } from './answer.ts';
import { answerOf } from './answer.ts';
import type { LimitMetrics, Outcome } from './metrics.ts';
import type { Descriptor } from './question.ts';
import { UnknownQuestion, readQuestions } from './question.ts';
import type { Store } from './store.ts';
import { StoreFailure } from './store.ts';

const PROTOCOL = join(import.meta.dirname, 'protocol');
const SERVING = 1;
const NOT_SERVING = 2;

interface Request {
  domain: string;
  descriptors: Descriptor[];
  hits_addend: number;
}

type Call<Given> = ServerUnaryCall<Given, unknown>;

export interface ServiceOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  listen: string;
  store: Store;
  metrics: LimitMetrics;
}

/** A running service. */
export class LimitService {
  readonly port: number;
  private readonly server: Server;
  private readonly options: ServiceOptions;
  private readonly state: { inFlight: number; stopping: boolean };

  private constructor(server: Server, port: number, options: ServiceOptions, state: LimitService['state']) {
    this.server = server;
    this.port = port;
    this.options = options;
    this.state = state;
  }

  /** Rejects if the address is not to be had. */
  static async start(options: ServiceOptions): Promise<LimitService> {
    const server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_concurrent_streams': MAX_STREAMS_OF_A_CONNECTION,
    });
    const state = { inFlight: 0, stopping: false };
    const { limits, health } = definitions();
    server.addService(limits, questionsTo(options, state));
    server.addService(health, {
      check: (_: unknown, done: sendUnaryData<unknown>) =>
        done(null, { status: options.store.healthy && !state.stopping ? SERVING : NOT_SERVING }),
    });
    const port = await new Promise<number>((bound, failed) =>
      server.bindAsync(options.listen, ServerCredentials.createInsecure(), (error, at) =>
        error === null ? bound(at) : failed(error),
      ),
    );
    return new LimitService(server, port, options, state);
  }

  /** Tells proxies that it goes, answers what it has, and ends; after STOP_MS in any case. */
  async stop(): Promise<void> {
    this.state.stopping = true;
    const timer = setTimeout(() => this.server.forceShutdown(), STOP_MS);
    await new Promise<void>((done) => this.server.tryShutdown(() => done()));
    clearTimeout(timer);
    await this.options.store.close();
  }
}

function questionsTo({ store, metrics }: ServiceOptions, state: { inFlight: number }): UntypedServiceImplementation {
  return {
    shouldRateLimit: ({ request }: Call<Request>, done: sendUnaryData<Answer>) => {
      if (state.inFlight >= MAX_QUESTIONS_IN_FLIGHT) {
        metrics.count('crowded');
        done({ code: status.RESOURCE_EXHAUSTED, details: 'too many questions at once' });
        return;
      }
      state.inFlight++;
      const end = metrics.seconds.startTimer();
      void ask(store, request).then(({ outcome, answer, error }) => {
        state.inFlight--;
        end();
        metrics.count(outcome);
        if (answer === undefined) done(error!);
        else done(null, answer);
      });
    },
  };
}

/** Never rejects: an answer, or why there is none. */
async function ask(
  store: Store,
  { domain, descriptors, hits_addend }: Request,
): Promise<{ outcome: Outcome; answer?: Answer; error?: { code: status; details: string } }> {
  try {
    const questions = readQuestions(domain, descriptors, hits_addend);
    const answer = answerOf(questions, await store.take(questions));
    return { outcome: answer.overall_code === 1 ? 'admitted' : 'refused', answer };
  } catch (error) {
    if (error instanceof UnknownQuestion)
      return { outcome: 'unknown', error: { code: status.INVALID_ARGUMENT, details: error.message } };
    const failure = error instanceof StoreFailure ? error : new StoreFailure('down', { cause: error });
    return { outcome: failure.reason, error: { code: status.UNAVAILABLE, details: failure.message } };
  }
}

function definitions(): { limits: ServiceDefinition; health: ServiceDefinition } {
  const load = (file: string): unknown =>
    loadPackageDefinition(loadSync(file, { includeDirs: [PROTOCOL], keepCase: true, longs: Number, defaults: true }));
  const rate = load('rate-limit.proto') as {
    envoy: { service: { ratelimit: { v3: { RateLimitService: { service: ServiceDefinition } } } } };
  };
  const check = load('health.proto') as { grpc: { health: { v1: { Health: { service: ServiceDefinition } } } } };
  return {
    limits: rate.envoy.service.ratelimit.v3.RateLimitService.service,
    health: check.grpc.health.v1.Health.service,
  };
}
