import { Pool } from 'undici';

export interface OrderBody {
  customer_id: string;
  restaurant_id: string;
  currency: string;
  order_items: { code: string; name: string; unit_price: string; quantity: number }[];
}

export interface OrderAnswer {
  order_id: string;
  customer_id: string;
  status: string;
  amount: string;
  currency: string;
  version: number;
  position: number;
}

/** An answer that is no success: its status, and the problem's detail. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';

  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {
    super(`HTTP ${status}: ${JSON.stringify(body)}`);
  }
}

/** A caller of the order API that keeps its connections. */
export class OrderClient {
  private readonly pool: Pool;

  /** @param timeoutMs longest wait for an answer */
  constructor(baseUrl: string, connections = 32, timeoutMs = 30_000) {
    this.pool = new Pool(baseUrl, { connections, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  }

  place(body: OrderBody, key?: string): Promise<OrderAnswer> {
    return this.call(
      'POST',
      '/api/orders',
      JSON.stringify(body),
      key === undefined ? {} : { 'idempotency-key': key },
    );
  }

  /** Places it however often that takes: with its key a repetition creates nothing new. */
  async placeSurely(body: OrderBody, key: string): Promise<OrderAnswer> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.place(body, key);
      } catch (error) {
        const final = error instanceof HttpRefusal && error.status !== 503;
        if (final || attempt > 600) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  get(id: string): Promise<OrderAnswer> {
    return this.call('GET', `/api/orders/${id}`);
  }

  async list(query: Record<string, string>): Promise<{ orders: OrderAnswer[]; next_cursor: string | null }> {
    return this.call('GET', `/api/orders?${new URLSearchParams(query)}`);
  }

  /** Every order, page by page. */
  async *all(): AsyncGenerator<OrderAnswer> {
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: { orders: OrderAnswer[]; next_cursor: string | null } = await this.list({
        limit: '200',
        ...(cursor === '' ? {} : { cursor }),
      });
      yield* page.orders;
      cursor = page.next_cursor;
    }
  }

  async call<T>(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await this.pool.request({
      method,
      path,
      body: body ?? null,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    });
    const answer = await response.body.json();
    if (response.statusCode >= 300) throw new HttpRefusal(response.statusCode, answer);
    return answer as T;
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/** An order over `cents` of a customer. */
export const orderOf = (customer: string, cents = 1250): OrderBody => ({
  customer_id: customer,
  restaurant_id: 'restaurant-1',
  currency: 'EUR',
  order_items: [{ code: 'P-1', name: 'Pizza', unit_price: (cents / 100).toFixed(2), quantity: 1 }],
});
