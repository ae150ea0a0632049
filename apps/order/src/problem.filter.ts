import { ArgumentsHost, Catch, ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { EventStoreUnavailable, LogRefused, Overloaded } from '@headwater/eventstore-client';
import { PROBLEMS } from '@headwater/contracts';
import { isUnavailable } from '@headwater/sql';
import { Problem } from './problem';

/** Turns whatever a request failed with into `application/problem+json`. Only what nobody foresaw is logged, and is a 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = toProblem(error);
    if (problem.code === 'internal') this.log.error({ err: error, url: request.url }, 'request failed');
    if (problem.extra.retryAfterSeconds !== undefined) {
      void reply.header('retry-after', String(problem.extra.retryAfterSeconds));
    }
    void reply
      .status(PROBLEMS[problem.code].status)
      .type('application/problem+json')
      .send(JSON.stringify(problem.toBody(request.url)));
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof EventStoreUnavailable) {
    return new Problem('unavailable', 'the event store is away', { retryAfterSeconds: 1, cause: error });
  }
  if (error instanceof LogRefused) {
    return new Problem('unavailable', error.message, { retryAfterSeconds: 30, cause: error });
  }
  if (error instanceof Overloaded) {
    const retryAfterSeconds = Math.max(1, Math.ceil(error.retryAfterMs / 1000));
    return new Problem('overloaded', 'the event store takes no more requests at present', {
      retryAfterSeconds,
      cause: error,
    });
  }
  if (isUnavailable(error)) {
    return new Problem('unavailable', 'the read model is away', { retryAfterSeconds: 1, cause: error });
  }
  return (
    fastifyProblem(error) ?? new Problem('internal', 'the server has logged the cause', { cause: error })
  );
}

function fastifyProblem(error: unknown): Problem | undefined {
  if (error instanceof HttpException && error.getStatus() === 404)
    return new Problem('not-found', error.message);
  const { code, statusCode, message } = error as { code?: unknown; statusCode?: unknown; message?: unknown };
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || status === 413)
    return new Problem('body-too-large', 'at most 256 kB are taken');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || status === 415) {
    return new Problem('unsupported-media-type', 'send the order as application/json');
  }
  if (status === 400) return new Problem('malformed-json', String(message));
  return undefined;
}
