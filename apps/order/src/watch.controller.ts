import { Controller, Get, Headers, Inject, Param, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { EventStoreClient } from '@headwater/eventstore-client';
import { ProblemDto } from './openapi-models';
import { OrderWatchers } from './order-watchers';
import { orderNotFound, parseOrRefuse, Problem } from './problem';
import { watchOrder } from './watch-order';

const headers = z.object({
  'Last-Event-ID': z
    .string()
    .regex(/^\d{1,15}$/, 'must be the id of an event of this order, a version')
    .transform(Number)
    .optional(),
});

/** Open watches at most; each is a connection and a little memory. */
const WATCHES = 10_000;

@ApiTags('orders')
@Controller('api/orders')
export class WatchController {
  constructor(
    @Inject(EventStoreClient) private readonly store: EventStoreClient,
    @Inject(OrderWatchers) private readonly watchers: OrderWatchers,
  ) {}

  @Get(':id/watch')
  @ApiOperation({
    summary: 'An order’s events as they happen, until it has ended',
    description:
      'Server-sent events: first the history, then what follows. The id of each is the order’s version, its type the event type, its data as in `/events`.',
  })
  @ApiParam({ name: 'id' })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Only what comes after this version' })
  @ApiProduces('text/event-stream')
  @ApiResponse({ status: 200, description: 'The stream; it ends with the order' })
  @ApiResponse({ status: 204, description: 'The order has ended and nothing comes after Last-Event-ID' })
  @ApiResponse({ status: 404, type: ProblemDto })
  @ApiResponse({ status: 503, type: ProblemDto, description: 'The event store is away, or too many watch' })
  async watch(
    @Param('id') id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const given = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    const { 'Last-Event-ID': after = 0 } = parseOrRefuse(headers, given, 'the header');
    if (this.watchers.count >= WATCHES)
      throw new Problem('overloaded', `${WATCHES} orders are watched already`, { retryAfterSeconds: 5 });
    const watch = await watchOrder(this.store, this.watchers, id, after);
    if (!watch) throw orderNotFound(id);
    if (watch.over) {
      watch.leave();
      // Tells an EventSource not to come back.
      return void reply.status(204).send();
    }
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would collect what is meant to arrive at once.
      'x-accel-buffering': 'no',
    });
    await watch.serve(reply.raw);
  }
}
