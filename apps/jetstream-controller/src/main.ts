import { randomBytes } from 'node:crypto';
import { KubernetesClient, RuntimeMetrics } from '@headwater/kubernetes';
import { runProcess } from '@headwater/platform';
import { readControllerConfig } from './config';
import { startController } from './controller';

runProcess('jetstream-controller', readControllerConfig, async (context, config) => {
  const runtimeMetrics = new RuntimeMetrics(context.metrics);
  const client = await KubernetesClient.fromEnvironment({
    metrics: runtimeMetrics,
    userAgent: 'headwater-jetstream-controller',
  });
  // The suffix tells apart two processes of one name, such as a pod that is replaced under its old name.
  const identity = `${config.HEADWATER_CONTROLLER_IDENTITY}_${randomBytes(4).toString('hex')}`;
  await startController({ ...context, client, runtimeMetrics, identity }, config);
});
