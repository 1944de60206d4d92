/** Which hosts tables may ask over the network: those that this host's own config.yaml names. */
import { TableError, type CollectContext } from '../types.ts';

/** @throws TableError where none are allowed */
export function allowedHosts(context: Pick<CollectContext, 'facts'>): readonly string[] {
  const allowed = context.facts.allowed?.curlHosts ?? [];
  if (allowed.length > 0) return allowed;
  throw new TableError(
    'this host asks no web servers; its config.yaml says which it may, e.g. curl_hosts: [intranet.example]',
  );
}

/** @throws TableError for a host and port that are not named; `shown` is what the query gave */
export function requireAllowed(
  allowed: readonly string[],
  { hostname, port, shown }: { hostname: string; port: string; shown: string },
): void {
  const standard = port === '443' || port === '80';
  const found = allowed.some((host) => {
    const name = host.toLowerCase();
    return name === `${hostname}:${port}` || (standard && name === hostname);
  });
  if (found) return;
  throw new TableError(
    `${JSON.stringify(shown)} is not asked: ${hostname}:${port} is not under curl_hosts in this host's config.yaml`,
  );
}
