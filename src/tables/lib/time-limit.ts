/**
 * A signal that comes with another one, or after a time. Not AbortSignal.any of AbortSignal.timeout:
 * nothing holds that one, and once it was collected as garbage the time never ends (Node.js 20).
 */
export function timeLimit(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true, signal: controller.signal });
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError'));
  }, ms);
  timer.unref();
  return controller.signal;
}
