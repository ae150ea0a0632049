import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { cleanupOpenApiDoc } from 'nestjs-zod';
import type { Logger } from 'pino';
import type { ServerCertificate } from '@headwater/platform';
import { OrderDependencies, OrderModule } from './order.module';
import { ProblemFilter } from './problem.filter';

const BODY_LIMIT = 256 * 1024;

/** The HTTP API, not yet listening, with TLS when there is a certificate; OpenAPI at `/docs` and `/docs-json`. */
export async function createHttpServer(
  dependencies: OrderDependencies,
  log: Logger,
  certificate?: ServerCertificate,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 200 },
    ...(certificate ? { https: certificate } : {}),
  });
  const app = await NestFactory.create<NestFastifyApplication>(OrderModule.with(dependencies), adapter, {
    logger: ['error', 'warn'],
    // Fastify's own JSON parser is the only one wanted.
    bodyParser: false,
  });
  adapter.getInstance().removeContentTypeParser('text/plain');
  app.useGlobalFilters(new ProblemFilter(log));
  const description = new DocumentBuilder()
    .setTitle('Headwater orders')
    .setDescription(
      'Commands go to the event store, queries to the read model. Errors are RFC 9457 problem details.',
    )
    .setVersion('1')
    .build();
  SwaggerModule.setup('docs', app, cleanupOpenApiDoc(SwaggerModule.createDocument(app, description)));
  return app;
}

/** How often connections that have become idle are looked for while the server closes. */
const IDLE_POLL_MS = 50;

/**
 * Takes no more requests and resolves when those under way are answered. A connection that becomes idle only after the
 * closing began would otherwise be waited for until its keep-alive time is over.
 */
export async function closeHttpServer(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpServer();
  const closingIdle = setInterval(() => server.closeIdleConnections(), IDLE_POLL_MS);
  await app.close().finally(() => clearInterval(closingIdle));
}
