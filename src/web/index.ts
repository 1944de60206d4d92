/** web: the HTTP endpoint of an agent or hub, for now its metrics. */
export { WebError } from './errors.ts';
export { Metrics, type FiguresSource } from './metrics.ts';
export { WebServer, type WebOptions } from './server.ts';
