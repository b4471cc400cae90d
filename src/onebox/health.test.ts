// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '../core/clock/clock.ts';
import type { JournalEvent } from '../core/inventory/journal.ts';
import { EXIT } from '../host/terminal/exit.ts';
import { type Facts, Health, type StatusReport } from './health.ts';
import { heardFrom, journalLine, type Speaker } from './relay.ts';
import { type StatusFlags, status } from './status.cli.ts';
import { askStatus, serveStatus } from './status.os.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-health-'));
after(() => rmSync(directory, { recursive: true }));

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FACTS: Facts = {
  release: '0.1.0',
  phase: 'serving',
  programs: [{ name: 'control', running: true }],
  gateways: ['zrh-01'],
  certificateEnds: 100 * DAY,
};

/** The state of each part after these events, with the time given in milliseconds after the last. */
function stateAfter(events: readonly (readonly [Speaker, JournalEvent])[], wait = 0, facts: Partial<Facts> = {}) {
  const clock = new ManualClock(0);
  const health = new Health(clock);
  for (const [from, event] of events) health.note(from, event);
  clock.advance(wait);
  const { service, parts } = health.report({ ...FACTS, ...facts });
  return { service, ...Object.fromEntries(parts.map(({ part, state }) => [part, state])) } as Record<string, string>;
}

test('each part follows what the programs say, and one that is not well is seen in the whole', () => {
  const well = {
    service: 'serving',
    control: 'serving',
    gateway: 'reporting',
    configuration: 'in_force',
    usage_events: 'moving',
    certificate: 'valid',
  };
  assert.deepEqual(stateAfter([]), well);
  const cases: readonly (readonly [
    Speaker,
    bad: JournalEvent,
    part: string,
    state: string,
    good: JournalEvent | undefined,
  ])[] = [
    [
      'control',
      { code: 'gateway_lost', gateway: 'zrh-01' },
      'gateway',
      'lost',
      { code: 'gateway_found', gateway: 'zrh-01' },
    ],
    [
      'agent',
      { code: 'config_drifted', file: 'unbound.conf' },
      'configuration',
      'drifted',
      { code: 'config_in_force' },
    ],
    [
      'control',
      { code: 'gateway_drifted', gateway: 'zrh-01' },
      'configuration',
      'drifted',
      { code: 'gateway_in_force', gateway: 'zrh-01' },
    ],
    ['agent', { code: 'outbox_filling' }, 'usage_events', 'filling', { code: 'outbox_emptied' }],
    ['agent', { code: 'outbox_overflowed', dropped: 3 }, 'usage_events', 'overflowed', undefined],
    ['lethe', { code: 'daemon_lost', daemon: 'control' }, 'control', 'restarted', undefined],
  ];
  for (const [from, bad, part, state, good] of cases) {
    assert.deepEqual(stateAfter([[from, bad]]), { ...well, service: 'attention', [part]: state }, bad.code);
    if (good !== undefined)
      assert.deepEqual(
        stateAfter([
          [from, bad],
          [from, good],
        ]),
        well,
        good.code,
      );
  }
  const lost = [['lethe', { code: 'daemon_lost', daemon: 'control' }]] as const;
  assert.equal(stateAfter(lost, 60_000)['service'], 'serving', 'a minute later it has settled');
  assert.equal(stateAfter(lost, 60_000, { programs: [{ name: 'control', running: false }] })['control'], 'lost');
  assert.deepEqual(
    stateAfter([['agent', { code: 'daemon_lost', daemon: 'control' }]]),
    well,
    'the agent speaks of its contact',
  );
});

test('auth file and certificate say for how long', () => {
  const authfile = ['agent', { code: 'authfile_in_force', version: 7 }] as const;
  assert.equal(stateAfter([authfile])['authfile'], 'in_force');
  assert.equal(stateAfter([authfile, ['agent', { code: 'control_lost' }]])['authfile'], 'control_lost');
  assert.equal(
    stateAfter([['agent', { code: 'control_lost' }], ['agent', { code: 'control_found' }], authfile])['service'],
    'serving',
  );
  const clock = new ManualClock(0);
  const health = new Health(clock);
  health.note(...authfile);
  clock.advance(61_500);
  assert.deepEqual(health.report(FACTS).parts[1], { part: 'authfile', state: 'in_force', version: 7, seconds: 61 });
  assert.deepEqual(health.report(FACTS).parts.at(-1), { part: 'certificate', state: 'valid', ends_on: '1970-04-11' });
  assert.equal(stateAfter([], 71 * DAY)['certificate'], 'ending');
  assert.equal(stateAfter([], 100 * DAY)['certificate'], 'ended');
  assert.equal(stateAfter([], 0, { certificateEnds: undefined })['certificate'], undefined);
  assert.equal(stateAfter([], 0, { phase: 'starting' })['service'], 'starting');
});

test('a gateway in a machine is known by what it tells control, and its activator', () => {
  const facts = { certificateEnds: undefined };
  assert.equal(stateAfter([], 0, facts)['authfile'], undefined);
  const told = ['control', { code: 'gateway_authfile', gateway: 'zrh-01', version: 9 }] as const;
  const given = ['activator', { code: 'machine_activated', gateway: 'zrh-01', release: '0.2.0' }] as const;
  const known = stateAfter([told, given], 0, facts);
  assert.deepEqual([known['authfile'], known['certificate'], known['service']], ['in_force', 'valid', 'serving']);
  assert.equal(stateAfter([given], 20 * HOUR, facts)['certificate'], 'valid');
  assert.equal(stateAfter([given], 22 * HOUR, facts)['certificate'], 'ending', 'it was not renewed');
  assert.equal(stateAfter([given], 23 * HOUR, facts)['certificate'], 'ended');
  const clock = new ManualClock(0);
  const health = new Health(clock);
  health.note(...given);
  clock.advance(20 * HOUR);
  health.note('activator', { code: 'machine_renewed', gateway: 'zrh-01' });
  clock.advance(20 * HOUR);
  assert.equal(health.report({ ...FACTS, ...facts }).parts.at(-1)?.state, 'valid');
  health.note('agent', { code: 'authfile_in_force', version: 10 });
  health.note(...told);
  const { parts } = health.report(FACTS);
  assert.deepEqual(parts[1], { part: 'authfile', state: 'in_force', version: 10, seconds: 0 });
});

test('room for accounts is spoken of when it is scarce, until it is not or control counts anew', () => {
  const filling = ['control', { code: 'accounts_filling', accounts: 90, most: 100 }] as const;
  const full = ['control', { code: 'accounts_full', accounts: 100, most: 100 }] as const;
  assert.equal(stateAfter([])['accounts'], undefined);
  assert.equal(stateAfter([filling])['accounts'], 'filling');
  assert.deepEqual([stateAfter([filling, full])['accounts'], stateAfter([full])['service']], ['full', 'attention']);
  assert.equal(stateAfter([full, ['control', { code: 'accounts_freed' }]])['accounts'], undefined);
  assert.equal(stateAfter([full, ['lethe', { code: 'daemon_lost', daemon: 'control' }]])['accounts'], undefined);
});

test('only declared events of a program are heard, as a line for people or for programs', () => {
  const heard: string[] = [];
  const { alsoTo } = heardFrom('control', (from, event) => heard.push(journalLine(from, event, true)));
  alsoTo?.('{"code":"gateway_lost","gateway":"zrh-01"}\nfrom 198.51.100.7\n');
  assert.deepEqual(heard, ['error    control    gateway_lost gateway=zrh-01\n']);
  assert.deepEqual(heardFrom('control', undefined), {});
  assert.equal(
    journalLine('agent', { code: 'started', program: 'gateway' }, false),
    '{"level":"info","from":"agent","code":"started","program":"gateway"}\n',
  );
});

/** What a look at the service in a directory prints, and with what it ends. */
async function look(flags: StatusFlags, stop: Promise<void> = Promise.resolve(), interactive = false) {
  const written: string[] = [];
  const terminal = { write: (text: string) => void written.push(text), interactive };
  const code = await status({ data: directory, ...flags }, { stdout: terminal, stderr: terminal, stopRequested: stop });
  return { code, written };
}

test('a look at the service says its parts, or that it does not run, and ends accordingly', async () => {
  assert.deepEqual(await look({ json: true }), { code: EXIT.notRunning, written: ['{"service":"stopped"}\n'] });
  const stopped = await look({});
  assert.match(stopped.written.join(''), /does not run\. '\.\/lethe up' starts it/);

  const clock = new ManualClock(0);
  const health = new Health(clock);
  const report = (): StatusReport => health.report(FACTS);
  const close = await serveStatus(directory, report, { host: '127.0.0.1', port: 0 });
  try {
    const { code, written } = await look({});
    assert.equal(code, EXIT.done);
    assert.match(
      written.join(''),
      /^Lethe 0\.1\.0 serves\.\n\n {2}● control +serving\n {2}● gateway +reporting +gateway zrh-01\n/,
    );
    health.note('agent', { code: 'config_drifted', file: 'unbound.conf' });
    const drifted = await look({});
    assert.equal(drifted.code, EXIT.attention);
    assert.match(drifted.written.join(''), /✕ configuration +drifted +file unbound\.conf/);
    assert.deepEqual(JSON.parse((await look({ json: true })).written.join('')), report());
  } finally {
    await close();
  }
  assert.equal(await askStatus(directory), undefined);
});

test('who watches sees each change, until it is enough', async () => {
  const health = new Health(new ManualClock(0));
  const close = await serveStatus(directory, () => health.report(FACTS), undefined);
  try {
    const stop = Promise.withResolvers<undefined>();
    const looking = look({ watch: true }, stop.promise, true);
    setTimeout(() => health.note('agent', { code: 'outbox_filling' }), 500);
    setTimeout(() => stop.resolve(undefined), 2500);
    const { code, written } = await looking;
    assert.equal(code, EXIT.attention);
    assert.equal(written.length, 2);
    assert.ok(written[1]?.startsWith('\u001b[H\u001b[JLethe 0.1.0 serves, and a part of it needs attention.'));
  } finally {
    await close();
  }
});

test('the health of the service is asked on a loopback port too, and nothing else is', async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const health = new Health(new ManualClock(0));
  const close = await serveStatus(directory, () => health.report(FACTS), { host: '127.0.0.1', port });
  try {
    const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
    const well = await ask('/healthz');
    assert.equal(well.status, 200);
    assert.equal(((await well.json()) as StatusReport).service, 'serving');
    health.note('agent', { code: 'config_drifted', file: 'unbound.conf' });
    assert.equal((await ask('/healthz')).status, 503);
    assert.equal((await ask('/')).status, 404);
    assert.equal((await ask('/healthz', 'POST')).status, 404);
  } finally {
    await close();
  }
});

test('a configuration file that cannot be read is a mistake', async () => {
  const closed = join(directory, 'closed');
  const { code, written } = await look({ config: closed });
  assert.equal(code, EXIT.usage);
  assert.match(written.join(''), /closed cannot be read/);
});
