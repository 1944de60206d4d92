/**
 * The numbers of agent and hub as Prometheus metrics. docs/operating.md has the table of them.
 * The registry of a scrape is made of one snapshot, so that its numbers fit each other.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from 'prom-client';
import type { AgentFigures, HistogramFigures } from '../agent/index.ts';
import type { HubFigures } from '../hub/index.ts';

export interface FiguresSource {
  agent(): AgentFigures;
  /** Undefined where no hub runs in this process, or not yet. */
  hub(): Promise<HubFigures | undefined>;
}

export class Metrics {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #source: FiguresSource;
  /** Event-loop lag, memory, open files: what any Node process tells. */
  readonly #process = new Registry();

  constructor(source: FiguresSource) {
    this.#source = source;
    // The default of 10 ms would wake an idle agent a hundred times a second.
    collectDefaultMetrics({ register: this.#process, eventLoopMonitoringPrecision: 100 });
  }

  /** The text of one scrape. */
  async text(): Promise<string> {
    const scrape = new Scrape();
    const hub = await this.#source.hub();
    addAgent(scrape, this.#source.agent());
    if (hub !== undefined) addHub(scrape, hub);
    return `${await scrape.registry.metrics()}\n${await this.#process.metrics()}`;
  }
}

function addAgent(scrape: Scrape, figures: AgentFigures): void {
  scrape.gauge('build_info', 'Version of the agent, always 1.', 'version', [[figures.version, 1]]);
  scrape.gauge('epoch', 'Epoch of the swarm that this host is at.', figures.epoch);
  scrape.gauge('members', 'Hosts of the swarm by state.', 'state', Object.entries(figures.members));
  scrape.gauge('links', 'Links to other hosts that are up.', figures.links);
  scrape.counter('link_received_bytes_total', 'Bytes from other hosts.', figures.bytesIn);
  scrape.counter('link_sent_bytes_total', 'Bytes to other hosts.', figures.bytesOut);
  scrape.gauge('unproven_connections', 'Connections within a handshake.', figures.unproven);
  scrape.gauge('join_queue', 'Strangers that wait for their J-PAKE run.', figures.joinsQueued);
  scrape.counter(
    'joins_refused_total',
    'Joins turned away because the budget for J-PAKE was used up.',
    figures.joinsRefused,
  );
  scrape.gauge('alarms', 'Open alarms of this host by kind.', 'kind', figures.alarms);
  scrape.counter(
    'requests_run_total',
    'Requests carried out here, by kind and outcome.',
    ['kind', 'outcome'],
    figures.ran.map(({ kind, outcome, count }) => [[kind, outcome], count] as const),
  );
  scrape.counter('requests_refused_total', 'Requests refused here.', 'code', figures.refused);
  scrape.histogram('request_run_seconds', 'Time a request took on this host.', figures.runSeconds);
  scrape.counter(
    'answers_total',
    'Hosts in accounts of requests asked here.',
    'state',
    figures.answers,
  );
  scrape.histogram(
    'request_account_seconds',
    'Time from asking to the account of every host.',
    figures.askSeconds,
  );
  if (figures.certificateEnds !== undefined) {
    scrape.gauge(
      'certificate_end_timestamp_seconds',
      'When the first role certificate of this host ends.',
      figures.certificateEnds,
    );
  }
}

function addHub(scrape: Scrape, figures: HubFigures): void {
  scrape.gauge('hub_connected', '1 while the database answers.', figures.connected ? 1 : 0);
  scrape.gauge('hub_requests_at_work', 'Requests that are being asked.', figures.atWork);
  scrape.counter('hub_claims_total', 'Claims of work.', figures.claims);
  scrape.counter('hub_claimed_deliveries_total', 'Deliveries claimed.', figures.claimedDeliveries);
  scrape.counter(
    'hub_retried_deliveries_total',
    'Deliveries claimed that had been tried before.',
    figures.retriedDeliveries,
  );
  scrape.counter('hub_outcomes_total', 'What deliveries became.', 'outcome', figures.outcomes);
  scrape.counter('hub_leases_lost_total', 'Leases taken over by others.', figures.leasesLost);
  scrape.counter('hub_wakeups_total', 'What made the hub look.', 'reason', figures.wakeups);
  const of = (value: (part: HubFigures['parts'][number]) => number) =>
    figures.parts.map((each) => [each.part, value(each)] as const);
  scrape.gauge(
    'hub_stalled',
    '1 for a part of the hub that stands still.',
    'part',
    of(({ stalled }) => (stalled ? 1 : 0)),
  );
  scrape.gauge(
    'hub_went_well_seconds',
    'Since a part of the hub last went well.',
    'part',
    of(({ ageSeconds }) => ageSeconds),
  );
  const { queue } = figures;
  if (queue === undefined) return;
  scrape.gauge('queue_deliveries', 'Open deliveries.', 'state', Object.entries(queue.deliveries));
  scrape.gauge(
    'queue_oldest_due_seconds',
    'How long the oldest delivery that is due has waited.',
    queue.oldest_due_seconds,
  );
  scrape.gauge('queue_open_requests', 'Requests that have not ended.', queue.open_requests);
  scrape.gauge('queue_leases', 'Claims that are at work, of all hubs.', queue.leases);
  scrape.gauge('nodes', 'Hosts in the database by state.', 'state', Object.entries(queue.hosts));
  scrape.gauge('alerts', 'Open alerts.', 'severity', Object.entries(queue.alerts));
  scrape.gauge('hubs', 'Hubs at work on the database.', queue.hubs.length);
  scrape.gauge(
    'alert_untold_seconds',
    'How long the oldest opening or resolution of an alert waits to be told to a webhook.',
    queue.untold_seconds,
  );
}

type Labelled = Iterable<readonly [label: string | readonly string[], value: number]>;

/** One scrape: metrics with the prefix of ours, by prom-client's own classes where they can be set. */
class Scrape {
  readonly registry = new Registry();

  gauge(name: string, help: string, value: number): void;
  gauge(name: string, help: string, labels: string | readonly string[], values: Labelled): void;
  gauge(
    name: string,
    help: string,
    first: number | string | readonly string[],
    values?: Labelled,
  ): void {
    const { labelNames, readings } = normalise(first, values);
    const gauge = new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
    for (const [labels, value] of readings) gauge.set(labels, value);
  }

  counter(name: string, help: string, value: number): void;
  counter(name: string, help: string, labels: string | readonly string[], values: Labelled): void;
  counter(
    name: string,
    help: string,
    first: number | string | readonly string[],
    values?: Labelled,
  ): void {
    const { labelNames, readings } = normalise(first, values);
    const counter = new Counter({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [this.registry],
    });
    for (const [labels, value] of readings) counter.inc(labels, value);
  }

  /** prom-client's histogram takes single observations only; this one was counted elsewhere. */
  histogram(name: string, help: string, { buckets, count, sum }: HistogramFigures): void {
    const whole = PREFIX + name;
    const values = [
      ...[...buckets, [Infinity, count] as const].map(([bound, value]) => ({
        metricName: `${whole}_bucket`,
        labels: { le: bound === Infinity ? '+Inf' : bound },
        value,
      })),
      { metricName: `${whole}_sum`, labels: {}, value: sum },
      { metricName: `${whole}_count`, labels: {}, value: count },
    ];
    const metric = { name: whole, help, type: 'histogram', aggregator: 'sum', values };
    const readable = { name: whole, get: () => Promise.resolve(metric) };
    this.registry.registerMetric(readable as unknown as Metric);
  }
}

const PREFIX = 'swarmplane_';

function normalise(
  first: number | string | readonly string[],
  values: Labelled = [],
): { labelNames: string[]; readings: [Record<string, string>, number][] } {
  if (typeof first === 'number') return { labelNames: [], readings: [[{}, first]] };
  const labelNames = typeof first === 'string' ? [first] : [...first];
  const readings = [...values].map(([label, value]): [Record<string, string>, number] => {
    const texts = typeof label === 'string' ? [label] : label;
    return [Object.fromEntries(labelNames.map((name, i) => [name, texts[i]!])), value];
  });
  return { labelNames, readings };
}
