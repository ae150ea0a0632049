import { readFileSync } from 'node:fs';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { service as health } from 'grpc-health-check';
import { KubernetesClient, type KubernetesObject } from '@headwater/kubernetes';
import { z } from 'zod';
import { ApiClient } from '../api-client';
import { CommandFailed } from '../command-failed';
import { print } from '../table';
import { exampleOrder, waitUntilSettled } from './orders';

export interface CheckOptions {
  api: string;
  eventstore: string;
  resources?: boolean;
  fail?: boolean;
}

/** Whether a running platform does its work: an order goes its whole way, gRPC says it serves, resources are ready. */
export async function check(options: CheckOptions): Promise<void> {
  await checkHealth(options.eventstore);
  print(`the event store serves at ${options.eventstore}`);
  if (options.resources) print(await checkResources());
  const client = new ApiClient(options.api);
  const started = Date.now();
  // A customer whose orders are rejected makes this fail, which shows that it can.
  const placed = await client.placeOrder(exampleOrder(options.fail ? 'rejected-on-purpose' : 'check'));
  const order = await waitUntilSettled(client, placed, 60_000);
  if (order.status !== 'Approved')
    throw new CommandFailed(
      `order ${order.order_id} ended as ${order.status}, not Approved: ${order.reason ?? ''}`,
    );
  print(`order ${order.order_id} was approved after ${Date.now() - started} ms`);
}

const HealthClient = makeGenericClientConstructor(health, 'Health');
const answer = z.object({ status: z.union([z.string(), z.number()]) });

/** @throws CommandFailed unless the standard health service says that everything is served */
function checkHealth(address: string): Promise<void> {
  // As the platform's own processes are told of it; for the HTTP API, NODE_EXTRA_CA_CERTS does the same.
  const caFile = process.env['HEADWATER_EVENTSTORE_CA_FILE'];
  const client = new HealthClient(
    address,
    caFile ? credentials.createSsl(readFileSync(caFile)) : credentials.createInsecure(),
  );
  const method = health['Check'];
  if (!method) throw new Error('grpc-health-check has no method Check any more');
  return new Promise<void>((resolve, reject) => {
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      { service: '' },
      { deadline },
      (error: Error | null, reply: unknown) => {
        const status = error ? error.message : String(answer.safeParse(reply).data?.status);
        if (status === 'SERVING' || status === '1') resolve();
        else
          reject(
            new CommandFailed(`the event store does not serve at ${address}: ${status}`, { cause: error }),
          );
      },
    );
  }).finally(() => client.close());
}

const GROUP = { group: 'jetstream.headwater.dev', version: 'v1alpha1', namespaced: true };
const status = z.object({
  observedGeneration: z.number().optional(),
  conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() })),
});

/** Every Stream and Consumer of the pod's namespace is there and ready. */
async function checkResources(): Promise<string> {
  const client = await KubernetesClient.fromEnvironment();
  try {
    const { namespace } = client;
    if (namespace === undefined)
      throw new CommandFailed('there is no namespace whose resources could be looked at');
    const [streams, consumers] = await Promise.all([
      client.list({ ...GROUP, plural: 'streams', kind: 'Stream' }, { namespace }),
      client.list({ ...GROUP, plural: 'consumers', kind: 'Consumer' }, { namespace }),
    ]);
    const faults = [...streams.items, ...consumers.items].flatMap(faultOf);
    if (faults.length > 0) throw new CommandFailed(`not ready: ${faults.join('; ')}`);
    return `${streams.items.length} streams and ${consumers.items.length} consumers are ready`;
  } finally {
    await client.close();
  }
}

function faultOf({ kind, metadata, status: found }: KubernetesObject): string[] {
  const ready = status.safeParse(found).data?.conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return [];
  return [
    `${kind} ${metadata.name} (${ready?.message ?? 'nobody has looked at it yet; is the controller running?'})`,
  ];
}
