/** The kinds of requests that a host carries out, as they travel; any other is refused. */
const KINDS = ['query', 'action', 'certificate', 'track', 'fetch'] as const;

export type RequestKind = (typeof KINDS)[number];

export function isRequestKind(kind: string): kind is RequestKind {
  return (KINDS as readonly string[]).includes(kind);
}
