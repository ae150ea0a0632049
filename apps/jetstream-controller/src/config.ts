import { hostname } from 'node:os';
import { natsConfig, portNumber, readConfig } from '@headwater/platform';
import { z } from 'zod';

const kubernetesName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be a Kubernetes name');

/** Every variable of this process; the comments are its reference page. */
export const schema = z.object({
  ...natsConfig,
  /** Says whose a stream or consumer is, in its metadata; the uid of `kube-system`, or of the watched namespace, when absent. */
  HEADWATER_CLUSTER_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,63}$/, 'must be up to 63 of A-Z a-z 0-9 . _ -')
    .optional(),
  /** The one namespace to watch; all of them when absent, except those that a controller of their own has taken. */
  HEADWATER_WATCH_NAMESPACE: kubernetesName.optional(),
  /** `jetstream-controller-scope`: a ConfigMap in the watched namespace whose presence keeps a cluster-wide controller away. */
  HEADWATER_SCOPE_MARKER: kubernetesName.optional(),
  /** Seconds that a cluster-wide controller has to acknowledge that marker before the first write. */
  HEADWATER_HANDOVER_SECONDS: z.coerce.number().min(0).max(600).default(30),
  /** Namespace of the Lease by which replicas agree on one that acts; the watched namespace, or `headwater`. */
  HEADWATER_LEASE_NAMESPACE: kubernetesName.optional(),
  /** Name of that Lease. */
  HEADWATER_LEASE_NAME: kubernetesName.default('jetstream-controller'),
  /** Name of this replica, by which it holds the Lease. */
  HEADWATER_CONTROLLER_IDENTITY: z.string().min(1).max(253).default(hostname()),
  /** Port of the KEDA external scaler (gRPC); 0 chooses one. */
  HEADWATER_SCALER_PORT: portNumber.default(9098),
  /** Address of the same. */
  HEADWATER_SCALER_HOST: z.string().default('0.0.0.0'),
  /** Seconds of silence after which a watch of the API server is taken for cut; it sends a bookmark every minute. */
  HEADWATER_WATCH_SILENCE_SECONDS: z.coerce.number().min(1).max(600).default(75),
  /** Objects of each kind that are worked on at the same time. */
  HEADWATER_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(16),
  /** Seconds between two readings of every stream, which find what no advisory has told and refresh the live facts. */
  HEADWATER_FACTS_SECONDS: z.coerce.number().min(1).max(3_600).default(10),
  /** Seconds after which every consumer is compared again, also those of streams where nothing moves. */
  HEADWATER_RESYNC_SECONDS: z.coerce.number().min(1).max(86_400).default(300),
});

export type ControllerConfig = z.infer<typeof schema>;

export const readControllerConfig = (env?: Record<string, string | undefined>): ControllerConfig =>
  readConfig(schema, env);
