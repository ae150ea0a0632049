import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Pool } from 'pg';
import { z } from 'zod';
import { LOGS } from '@headwater/contracts';
import { EventStoreClient } from '@headwater/eventstore-client';
import { findOrder, listOrders } from '@headwater/order-read-model';
import { ORDER_STATUSES } from '@headwater/order-domain';
import { currentTraceparent } from '@headwater/platform';
import { DATABASE, ORDER_CONFIG } from './tokens';
import type { OrderConfig } from './config';
import {
  CancelDto,
  CancelRequestDto,
  EventDto,
  OrderDto,
  OrderListDto,
  OrderRequestDto,
  ProblemDto,
} from './openapi-models';
import { orderRequest } from './order-request';
import { type EventView, type OrderView, viewOfEvent, viewOfPlaced, viewOfRow } from './order-view';
import { cancelOrder, cancelRequest, ifMatchHeader } from './cancel-order';
import { placeOrder } from './place-order';
import { PositionGate } from './position-gate';
import { orderNotFound, parseOrRefuse, Problem } from './problem';

const idempotencyKeySchema = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must have 1 to 255 visible ASCII characters')
    .optional(),
});

const ifMatchSchema = z.object({ 'If-Match': ifMatchHeader });

interface CancelView {
  order_id: string;
  status: string;
  version: number;
}

const position = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

const listQuery = z.strictObject({
  customer_id: z.string().max(128).optional(),
  status: z.enum(ORDER_STATUSES).optional(),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the next_cursor of a page before')
    .transform(Number)
    .optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const getQuery = z.strictObject({ min_position: position.optional() });

/** Seconds of `Prefer: wait=S` (RFC 7240), at most 10; 2 without it. */
const waitSeconds = (prefer: string | undefined): number =>
  Math.min(10, Number(/(?:^|[,;\s])wait=(\d{1,4})/.exec(prefer ?? '')?.[1] ?? 2));

@ApiTags('orders')
@Controller('api/orders')
export class OrdersController {
  constructor(
    @Inject(EventStoreClient) private readonly store: EventStoreClient,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PositionGate) private readonly gate: PositionGate,
    @Inject(ORDER_CONFIG) private readonly config: OrderConfig,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Place an order', description: 'Safe to repeat with the same Idempotency-Key.' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'The same key and body give the first answer again',
  })
  @ApiBody({ type: OrderRequestDto })
  @ApiResponse({
    status: 201,
    type: OrderDto,
    description: 'With Location, ETag (version) and Headwater-Position',
  })
  @ApiResponse({
    status: 422,
    type: ProblemDto,
    description: 'Every fault by JSON pointer, or a key used for another request',
  })
  @ApiResponse({
    status: 503,
    type: ProblemDto,
    description: 'The event store is away; repeat with the same key',
  })
  async place(
    @Body() body: unknown,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderView> {
    if (idempotencyKey !== undefined)
      parseOrRefuse(idempotencyKeySchema, { 'Idempotency-Key': idempotencyKey }, 'the header');
    const placed = await placeOrder(this.store, parseOrRefuse(orderRequest, body, 'the order'), {
      idempotencyKey,
      traceparent: currentTraceparent(traceparent),
      defaultCurrency: this.config.HEADWATER_DEFAULT_CURRENCY,
      now: new Date().toISOString(),
    });
    const view = viewOfPlaced(placed);
    stamp(reply, view).header('location', `/api/orders/${view.order_id}`);
    return view;
  }

  @Post(':id/cancel')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Ask for an order to be cancelled',
    description:
      'The payment is given back and the order ends at Cancelled; watch it, or read it until then. Safe to repeat.',
  })
  @ApiParam({ name: 'id' })
  @ApiHeader({
    name: 'If-Match',
    required: false,
    description: 'ETag of the order as it was seen; it is not cancelled when it has changed since',
  })
  @ApiBody({ type: CancelRequestDto })
  @ApiResponse({ status: 202, type: CancelDto, description: 'With ETag (version)' })
  @ApiResponse({ status: 404, type: ProblemDto })
  @ApiResponse({ status: 409, type: ProblemDto, description: 'Approved, or ending for another reason' })
  @ApiResponse({ status: 412, type: ProblemDto, description: 'Not at the version of If-Match' })
  @ApiResponse({ status: 422, type: ProblemDto })
  @ApiResponse({ status: 503, type: ProblemDto, description: 'The event store is away; repeat it' })
  async cancel(
    @Param('id') id: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CancelView> {
    const header = ifMatch === undefined ? {} : { 'If-Match': ifMatch };
    const { 'If-Match': versions } = parseOrRefuse(ifMatchSchema, header, 'the header');
    const request = parseOrRefuse(cancelRequest, body, 'the request');
    const { status, version } = await cancelOrder(this.store, id, request, {
      ifMatch: versions,
      traceparent: currentTraceparent(traceparent),
      defaultCurrency: this.config.HEADWATER_DEFAULT_CURRENCY,
    });
    void reply.header('etag', `"${version}"`);
    return { order_id: id, status, version };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One order, from the read model' })
  @ApiParam({ name: 'id' })
  @ApiQuery({
    name: 'min_position',
    required: false,
    description: 'Wait until the read model has this log position',
  })
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description: 'wait=S: seconds to wait for min_position, 2 by default, at most 10',
  })
  @ApiResponse({ status: 200, type: OrderDto })
  @ApiResponse({ status: 404, type: ProblemDto })
  @ApiResponse({ status: 503, type: ProblemDto, description: 'min_position was not reached in time' })
  async get(
    @Param('id') id: string,
    @Query() query: unknown,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderView> {
    const { min_position: wanted } = parseOrRefuse(getQuery, query, 'the query');
    if (wanted !== undefined && !(await this.gate.reached(wanted, waitSeconds(prefer) * 1000))) {
      throw new Problem('position-not-reached', `the read model has not reached position ${wanted}`, {
        retryAfterSeconds: 1,
      });
    }
    const row = await findOrder(this.database, id);
    if (!row) throw orderNotFound(id);
    const view = viewOfRow(row);
    stamp(reply, view);
    return view;
  }

  @Get()
  @ApiOperation({ summary: 'Orders, newest first' })
  @ApiQuery({ name: 'customer_id', required: false })
  @ApiQuery({ name: 'status', required: false, enum: ORDER_STATUSES })
  @ApiQuery({ name: 'cursor', required: false, description: 'next_cursor of the page before' })
  @ApiQuery({ name: 'limit', required: false, description: '1 to 200, 50 by default' })
  @ApiResponse({ status: 200, type: OrderListDto })
  @ApiResponse({ status: 422, type: ProblemDto })
  async list(@Query() query: unknown): Promise<{ orders: OrderView[]; next_cursor: string | null }> {
    const { customer_id, status, cursor, limit } = parseOrRefuse(listQuery, query, 'the query');
    const rows = await listOrders(this.database, { customerId: customer_id, status, before: cursor, limit });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return { orders: rows.map(viewOfRow), next_cursor: last ? String(last.createdPosition) : null };
  }

  @Get(':id/events')
  @ApiOperation({ summary: 'The history of an order, from the event store' })
  @ApiParam({ name: 'id' })
  @ApiResponse({ status: 200, type: EventDto, isArray: true })
  @ApiResponse({ status: 404, type: ProblemDto })
  async events(@Param('id') id: string): Promise<{ events: EventView[] }> {
    const events = await this.store.readAggregate(LOGS.orders, id);
    if (events.length === 0) throw orderNotFound(id);
    return { events: events.map(viewOfEvent) };
  }
}

function stamp(reply: FastifyReply, { version, position: at }: OrderView): FastifyReply {
  return reply.header('etag', `"${version}"`).header('headwater-position', String(at));
}
