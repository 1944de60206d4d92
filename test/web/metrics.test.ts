/** The HTTP endpoint, scraped for real: the text is the format of Prometheus, and nothing else is served. */
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentCounters, type AgentFigures } from '../../src/agent/requests/figures.ts';
import type { RunOutcome } from '../../src/swarm/index.ts';
import type { HubFigures } from '../../src/hub/index.ts';
import { silentLog } from '../../src/hub/log.ts';
import { WebServer, type FiguresSource } from '../../src/web/index.ts';
import { parsePrometheus } from '../helpers/prometheus.ts';

const outcome = (status: RunOutcome['status'], code?: string): RunOutcome => ({
  status,
  rowCount: 0,
  truncated: false,
  tookMs: 1,
  payload: new Uint8Array(),
  ...(code === undefined ? {} : { code }),
});

const MEMBERS = { alive: 3, suspect: 0, dead: 1, left: 0, forgotten: 0, expelled: 0 };

function agentFigures(counters = new AgentCounters()): AgentFigures {
  return {
    ...counters.figures(),
    version: '1.2.3',
    epoch: 2,
    members: MEMBERS,
    links: 2,
    bytesIn: 1_000,
    bytesOut: 2_000,
    unproven: 1,
    joinsQueued: 0,
    joinsRefused: 4,
    alarms: new Map([['clone', 2]]),
    certificateEnds: 1_800_000_000,
  };
}

const HUB: HubFigures = {
  connected: true,
  atWork: 1,
  claims: 5,
  claimedDeliveries: 50,
  retriedDeliveries: 3,
  outcomes: new Map([['ok', 47]]),
  leasesLost: 1,
  wakeups: new Map([['notify', 5] as const]),
  parts: [
    { part: 'claims', ageSeconds: 2, stalled: false },
    { part: 'history retention', ageSeconds: 90, stalled: true },
  ],
  queue: {
    deliveries: { pending: 1, parked: 2, running: 3 },
    oldest_due_seconds: 0.25,
    open_requests: 4,
    leases: 1,
    untold_seconds: 0,
    hosts: { alive: 3, suspect: 0, dead: 1, left: 0 },
    alerts: { info: 0, warning: 2, critical: 1 },
    hubs: ['hub1', 'hub2'],
  },
};

async function serve(source: Partial<FiguresSource> = {}): Promise<string> {
  const whole = { agent: () => agentFigures(), hub: async () => HUB, ...source };
  const listen = { host: '127.0.0.1', port: 0 };
  const server = await WebServer.start({ listen, source: whole, log: silentLog as never });
  onTestFinished(() => server.stop());
  return `http://127.0.0.1:${server.address.port}`;
}

describe('the metrics', () => {
  it('count each kind of request that a host carries out under its name', async () => {
    const counters = new AgentCounters();
    const kinds = ['query', 'action', 'certificate', 'track', 'fetch'];
    for (const kind of kinds) counters.ran(kind, outcome('ok'), 1);
    const url = await serve({ agent: () => agentFigures(counters) });
    const { value } = parsePrometheus(await (await fetch(`${url}/metrics`)).text());
    for (const kind of kinds)
      expect(value('swarmplane_requests_run_total', { kind, outcome: 'ok' }), kind).toBe(1);
  });

  it('of agent and hub are valid text, with what was counted', async () => {
    const counters = new AgentCounters();
    counters.ran('query', outcome('ok'), 2);
    counters.ran('query', outcome('refused', 'busy'), 0.1);
    counters.ran('a kind that a peer "made" up\n', outcome('error'), 70_000);
    counters.asked(
      {
        requestId: 'x',
        unexpected: [],
        hosts: ['ok', 'ok', 'timeout'].map((state, i) => ({
          nodeId: `${i}`,
          name: `h${i}`,
          state: state as 'ok',
          rowCount: 0,
          truncated: false,
        })),
      },
      40,
    );
    const url = await serve({ agent: () => agentFigures(counters) });
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const { value, types } = parsePrometheus(await response.text());
    expect(value('swarmplane_build_info', { version: '1.2.3' })).toBe(1);
    expect(value('swarmplane_members', { state: 'dead' })).toBe(1);
    expect(value('swarmplane_link_sent_bytes_total')).toBe(2_000);
    expect(value('swarmplane_joins_refused_total')).toBe(4);
    expect(value('swarmplane_alarms', { kind: 'clone' })).toBe(2);
    expect(value('swarmplane_requests_run_total', { kind: 'query', outcome: 'ok' })).toBe(1);
    expect(value('swarmplane_requests_run_total', { kind: 'other', outcome: 'error' })).toBe(1);
    expect(value('swarmplane_requests_refused_total', { code: 'busy' })).toBe(1);
    expect(value('swarmplane_request_run_seconds_bucket', { le: '0.0025' })).toBe(2);
    expect(value('swarmplane_request_run_seconds_bucket', { le: '60' })).toBe(2);
    expect(value('swarmplane_request_run_seconds_count')).toBe(3);
    expect(value('swarmplane_answers_total', { state: 'ok' })).toBe(2);
    expect(value('swarmplane_request_account_seconds_sum')).toBeCloseTo(0.04);
    expect(value('swarmplane_queue_deliveries', { state: 'parked' })).toBe(2);
    expect(value('swarmplane_queue_oldest_due_seconds')).toBe(0.25);
    expect(value('swarmplane_hub_outcomes_total', { outcome: 'ok' })).toBe(47);
    expect(value('swarmplane_hub_wakeups_total', { reason: 'notify' })).toBe(5);
    expect(value('swarmplane_hub_stalled', { part: 'history retention' })).toBe(1);
    expect(value('swarmplane_hub_stalled', { part: 'claims' })).toBe(0);
    expect(value('swarmplane_hub_went_well_seconds', { part: 'claims' })).toBe(2);
    expect(value('swarmplane_hubs')).toBe(2);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect([...types.keys()]).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  it('leave out what is not known: no hub, a database that is away', async () => {
    const without = await serve({ hub: async () => undefined });
    expect(await (await fetch(`${without}/metrics`)).text()).not.toContain('swarmplane_hub_');
    const away = await serve({ hub: async () => ({ ...HUB, connected: false, queue: undefined }) });
    const { value, types } = parsePrometheus(await (await fetch(`${away}/metrics`)).text());
    expect(value('swarmplane_hub_connected')).toBe(0);
    expect([...types.keys()]).not.toContain('swarmplane_queue_deliveries');
  });

  it('are read again and again, also at once', async () => {
    const url = await serve();
    const texts = await Promise.all(
      Array.from({ length: 8 }, async () => (await fetch(`${url}/metrics`)).text()),
    );
    for (const text of texts) expect(parsePrometheus(text).value('swarmplane_links')).toBe(2);
  });

  it('keep the number of series bounded, whatever codes come', () => {
    const counters = new AgentCounters();
    for (let i = 0; i < 1_000; i++) counters.ran(`kind${i}`, outcome('refused', `code${i}`), 1);
    const { ran, refused } = counters.figures();
    expect(ran).toEqual([{ kind: 'other', outcome: 'refused', count: 1_000 }]);
    expect(refused.size).toBeLessThanOrEqual(101);
  });
});

describe('the endpoint', () => {
  it('serves /metrics and /healthz and nothing else', async () => {
    const url = await serve();
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics/..%2f`)).status).toBe(404);
    const posted = await fetch(`${url}/metrics`, { method: 'POST', body: 'x'.repeat(1e5) });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = httpRequest(`${url}/metrics`, { method: 'HEAD' }).end();
    const [response] = (await once(head, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(200);
  });

  it('answers 500 where the numbers fail, and goes on', async () => {
    let fails = true;
    const agent = (): AgentFigures => {
      if (fails) throw new Error('no numbers');
      return agentFigures();
    };
    const url = await serve({ agent });
    expect((await fetch(`${url}/metrics`)).status).toBe(500);
    fails = false;
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it('says which address is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const listen = { host: '127.0.0.1', port };
    const source = { agent: () => agentFigures(), hub: async () => undefined };
    await expect(
      WebServer.start({ listen, source, log: silentLog as never }),
    ).rejects.toMatchObject({
      code: 'port_in_use',
      message: `127.0.0.1:${port}, where metrics are to be served, is in use`,
    });
  });
});
