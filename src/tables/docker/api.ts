/** The listings that several docker tables share. */
import { eqTexts } from '../lib/constraints.ts';
import type { CollectContext, Row } from '../types.ts';
import { dockerGet } from './client.ts';
import { objectsAt, textAt, type Json, type JsonObject } from '../lib/json.ts';

/** All containers, those that do not run too; only those whose id the query names, if it does. */
export async function listContainers(context: CollectContext): Promise<JsonObject[]> {
  const all = objectsAt(await dockerGet(context, '/containers/json?all=1'));
  return withIds(context, all);
}

export async function listImages(context: CollectContext): Promise<JsonObject[]> {
  return withIds(context, objectsAt(await dockerGet(context, '/images/json')));
}

export async function listNetworks(context: CollectContext): Promise<JsonObject[]> {
  return withIds(context, objectsAt(await dockerGet(context, '/networks')));
}

export async function listVolumes(context: CollectContext): Promise<JsonObject[]> {
  return objectsAt(await dockerGet(context, '/volumes'), 'Volumes');
}

/**
 * What `ask` tells of each container: of those the query names by id, else of all, those that do
 * not run too, as a join may name any. A few at a time, as Docker takes a second for some answers.
 */
export async function eachContainer(
  context: CollectContext,
  ask: (id: string) => Promise<Row[]>,
): Promise<Row[]> {
  const named = eqTexts(context, 'id')
    ?.filter((id) => /^[0-9a-zA-Z_.-]+$/.test(id))
    // The column compares without regard to case and Docker does not; names, which it takes too, do.
    .map((id) => (/^[0-9a-f]{64}$/i.test(id) ? id.toLowerCase() : id));
  const waiting = named ?? (await allIds(context));
  const rows: Row[] = [];
  for (let start = 0; start < waiting.length; start += AT_ONCE) {
    const answers = await Promise.all(waiting.slice(start, start + AT_ONCE).map(ask));
    rows.push(...answers.flat());
  }
  return rows;
}

/** Details of one thing, undefined when it has gone since it was listed. */
export function inspect(
  context: CollectContext,
  kind: 'containers' | 'images',
  id: string,
): Promise<Json | undefined> {
  return dockerGet(context, `/${kind}/${encodeURIComponent(id)}/json`);
}

/** osquery shows ids of images without `sha256:` in front. */
export function bareId(id: string | null): string | null {
  return id === null ? null : id.replace(/^sha256:/, '');
}

function withIds(context: CollectContext, things: JsonObject[]): JsonObject[] {
  const wanted = eqTexts(context, 'id')?.map((id) => id.toLowerCase());
  if (wanted === undefined) return things;
  return things.filter((thing) =>
    wanted.includes(bareId(textAt(thing, 'Id'))?.toLowerCase() ?? ''),
  );
}

async function allIds(context: CollectContext): Promise<string[]> {
  return (await listContainers(context)).flatMap((container) => textAt(container, 'Id') ?? []);
}

const AT_ONCE = 16;
