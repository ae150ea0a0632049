/**
 * To be loaded before anything else (`node --require …/start-tracing.js main.js`), because instrumentations of http, grpc
 * and pg take hold only of modules that are loaded after them. Without an exporter in the environment it does nothing.
 */
import { startTracing } from './tracing';

startTracing(process.env['OTEL_SERVICE_NAME'] ?? 'headwater');
