import { Agent, request } from 'node:https';

/** How to reach an API server with a token. */
export interface ApiAccess {
  server: string;
  /** PEM. */
  ca: string;
  token: string;
}

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  contentType?: string;
}

const withoutKeeping = new Agent({ keepAlive: false });

/** One request on a connection of its own; rejects with the server's sentence unless the answer is a 2xx. */
export function requestApi(access: ApiAccess, asked: ApiRequest): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const body = asked.body === undefined ? undefined : JSON.stringify(asked.body);
    const sent = request(
      new URL(asked.path, access.server),
      {
        method: asked.method,
        ca: access.ca,
        agent: withoutKeeping,
        headers: {
          authorization: `Bearer ${access.token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': asked.contentType ?? 'application/json' }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const answer = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
          const { statusCode = 0 } = response;
          if (statusCode >= 200 && statusCode < 300) return resolve(answer);
          const said = typeof answer['message'] === 'string' ? answer['message'] : text;
          reject(new Error(`${asked.method} ${asked.path}: ${statusCode} ${said}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
