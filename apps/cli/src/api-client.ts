import { ProblemDetails } from '@headwater/contracts';
import { CommandFailed } from './command-failed';

export interface OrderJson {
  order_id: string;
  customer_id: string;
  status: string;
  reason?: string;
  currency: string;
  amount: string;
  created_on: string;
  updated_on: string;
  version: number;
  position: number;
}

export interface EventJson {
  position: number;
  version: number;
  event_id: string;
  event_type: string;
  recorded_at: string;
  caused_by?: string;
  delivery?: { worker: string; instance: string; attempt: number; receivedAt: string; handledMs: number };
  data: unknown;
}

/** Calls the order API; a refusal becomes one sentence with every fault. */
export class ApiClient {
  /** @param signal ends calls that are under way, and with them their connections */
  constructor(
    private readonly baseUrl: string,
    private readonly signal?: AbortSignal,
  ) {}

  async placeOrder(body: unknown, key?: string): Promise<OrderJson> {
    return this.call<OrderJson>(
      'POST',
      '/api/orders',
      body,
      key === undefined ? {} : { 'idempotency-key': key },
    );
  }

  cancelOrder(id: string, reason: string): Promise<{ order_id: string; status: string; version: number }> {
    return this.call('POST', `/api/orders/${encodeURIComponent(id)}/cancel`, { reason });
  }

  getOrder(id: string, minPosition?: number): Promise<OrderJson> {
    const query = minPosition === undefined ? '' : `?min_position=${minPosition}`;
    return this.call<OrderJson>('GET', `/api/orders/${encodeURIComponent(id)}${query}`);
  }

  listOrders(query: Record<string, string>): Promise<{ orders: OrderJson[]; next_cursor: string | null }> {
    return this.call('GET', `/api/orders?${new URLSearchParams(query)}`);
  }

  async events(id: string): Promise<EventJson[]> {
    return (await this.call<{ events: EventJson[] }>('GET', `/api/orders/${encodeURIComponent(id)}/events`))
      .events;
  }

  private async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${this.baseUrl}${path}`, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        signal: AbortSignal.any([AbortSignal.timeout(30_000), ...(this.signal ? [this.signal] : [])]),
      });
    } catch (cause) {
      throw new CommandFailed(
        `the order API does not answer at ${this.baseUrl}; is the platform up (npm start)?`,
        { cause },
      );
    }
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer as T;
    const problem = answer as ProblemDetails | undefined;
    const faults = (problem?.errors ?? [])
      .map(({ pointer, detail }) => `\n  ${pointer || '(body)'}: ${detail}`)
      .join('');
    throw new CommandFailed(`${problem?.detail ?? problem?.title ?? `HTTP ${response.status}`}${faults}`);
  }
}
