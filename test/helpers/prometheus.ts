/** Reads the text format of Prometheus, strictly: prometheus.io/docs/instrumenting/exposition_formats. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scraped {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** The one sample of that name and these labels. @throws when there is none */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([Nn]a[Nn]|[+-]?Inf|[-+0-9.eE]+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** @throws Error that quotes the line which is no valid text format, or breaks its conventions */
export function parsePrometheus(text: string): Scraped {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (keyword !== undefined) {
      if (!METRIC.test(name)) throw new Error(`no name: ${line}`);
      if (keyword === 'HELP') {
        if (helps.has(name)) throw new Error(`twice: ${line}`);
        helps.add(name);
      } else if (types.has(name)) throw new Error(`twice: ${line}`);
      else types.set(name, rest);
      continue;
    }
    const sample = parseSample(line);
    const base = baseOf(sample.name, types);
    if (base === undefined || !helps.has(base)) throw new Error(`no HELP and TYPE before: ${line}`);
    const series = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(series)) throw new Error(`the series twice: ${line}`);
    seen.add(series);
    samples.push(sample);
  }
  checkConventions(types, samples);
  return {
    types,
    samples,
    value: (name, labels = {}) => {
      const found = samples.filter(
        (one) =>
          one.name === name && Object.entries(labels).every(([key, v]) => one.labels[key] === v),
      );
      if (found.length !== 1)
        throw new Error(`${found.length} of ${name} ${JSON.stringify(labels)}`);
      return found[0]!.value;
    },
  };
}

function parseSample(line: string): Sample {
  const [, name, inside = '', number] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let at = 0;
  while (at < inside.length) {
    LABEL.lastIndex = at;
    const match = LABEL.exec(inside);
    if (match === null) throw new Error(`no labels: ${line}`);
    labels[match[1]!] = match[2]!;
    at = LABEL.lastIndex;
  }
  const value = Number(number!.replace('Inf', 'Infinity'));
  return { name, labels, value };
}

/** A histogram's samples carry the name of their metric with an ending. */
function baseOf(name: string, types: ReadonlyMap<string, string>): string | undefined {
  if (types.has(name)) return name;
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return ['histogram', 'summary'].includes(types.get(base) ?? '') ? base : undefined;
}

function checkConventions(types: ReadonlyMap<string, string>, samples: readonly Sample[]): void {
  for (const [name, type] of types) {
    if ((type === 'counter') !== name.endsWith('_total') && name.startsWith('swarmplane_'))
      throw new Error(`${name} is a ${type}`);
    if (type === 'histogram') checkHistogram(name, samples);
  }
}

/** Each series of a histogram: its buckets grow, and the last one holds all. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  for (const count of samples.filter((one) => one.name === `${name}_count`)) {
    const buckets = samples.filter(
      (one) =>
        one.name === `${name}_bucket` &&
        Object.entries(count.labels).every(([key, value]) => one.labels[key] === value),
    );
    const grows = buckets.every((one, i) => i === 0 || one.value >= buckets[i - 1]!.value);
    const last = buckets.at(-1);
    if (!grows || last?.labels['le'] !== '+Inf' || last.value !== count.value)
      throw new Error(`${name} ${JSON.stringify(count.labels)} is no histogram`);
  }
}
