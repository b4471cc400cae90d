// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../core/clock/clock.ts';
import { TimedOut, waitUntil } from '../core/clock/until.ts';
import { systemRandom } from '../core/random/random.ts';
import { type Child, run, spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { rememberedOrigin } from './control.os.ts';
import { CannotStart, ownAddresses } from './machine.os.ts';
import {
  behindProxy as behindProxyLines,
  parseLocation,
  parseOrigin,
  serviceOptions,
  UP_DEFAULTS,
  type UpFlags,
  up,
} from './up.cli.ts';

const LETHE = fileURLToPath(new URL('../../cmd/lethe.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lethe-up-'));

function startUp(...flags: readonly string[]): Child {
  return spawnChild([process.execPath, LETHE, 'up', '--data', directory, ...flags]);
}

/** What must be as before once the service is gone. */
async function traces(): Promise<object> {
  const ours: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const command = await run(['sh', '-c', 'tr "\\0" " " < /proc/$0/cmdline 2>/dev/null || true', pid]);
    if (command.includes(directory) && !command.includes('/proc/$0')) ours.push(command);
  }
  return {
    ours,
    tables: await run(['nft', 'list', 'tables']),
    forwarding: await run(['sysctl', '-n', 'net.ipv4.ip_forward']),
    namespaces: await run(['ip', 'netns', 'list']),
  };
}

async function untilTraces(expected: object): Promise<void> {
  let found: object = {};
  await waitUntil('all traces are gone', async () => {
    found = await traces();
    return JSON.stringify(found) === JSON.stringify(expected);
  }).catch((error: unknown) => {
    if (error instanceof TimedOut) assert.deepEqual(found, expected);
    throw error;
  });
}

let clean: object;
before(async () => {
  clean = await traces();
});
after(() => rmSync(directory, { recursive: true, force: true }));

const PORTAL = /Portal {3}(http:\/\/127\.0\.0\.1:\d+)/;

test('up serves the portal, refuses a second start, and leaves nothing after SIGTERM', async () => {
  const service = startUp('--listen', '127.0.0.1:0');
  let cables: string[] = [];
  try {
    const [, portal = ''] = await untilSays(service, 'up', PORTAL);
    const page = await fetch(portal);
    assert.equal(page.status, 200);
    const place = /Gateway {2}10\.66\.(\d+)\.10: OpenVPN 1194\/udp and 443\/tcp/.exec(service.output())?.[1];
    cables = [`lethe${place}c`, `lethe${place}u`];
    for (const cable of cables) assert.ok(networkInterfaces()[cable] !== undefined, cable);

    const second = startUp('--listen', '127.0.0.1:0');
    assert.equal((await second.exited).code, 1);
    assert.match(second.output(), /The service already runs with the data in/);
  } finally {
    assert.equal((await service.stop(120_000)).code, 0, service.output());
  }
  for (const cable of cables) assert.equal(networkInterfaces()[cable], undefined, cable);
  await untilTraces(clean);
});

/** What a browser behind the proxy is told, whose TLS the portal does not see. */
async function behindProxy(portal: string): Promise<Headers> {
  const headers = { origin: 'https://vpn.example' };
  const answer = await fetch(`${portal}/sign-up`, { method: 'POST', headers });
  assert.equal(answer.status, 200);
  return answer.headers;
}

test('kill -9 leaves nothing either, and the next start finds the same keys, and what browsers ask', async () => {
  const first = startUp('--listen', '127.0.0.1:0', '--no-gateway', '--origin', 'https://vpn.example');
  const [, portal = ''] = await untilSays(first, 'up', PORTAL);
  await untilSays(first, 'up', /Origin {3}https:\/\/vpn\.example, from a proxy/);
  const list = async (url: string) => await (await fetch(`${url}/openapi.json`)).text();
  const before = await list(portal);
  first.signal('SIGKILL');
  await first.exited;
  await untilTraces(clean);

  const service = startUp('--listen', '127.0.0.1:0', '--no-gateway');
  try {
    const [, again = ''] = await untilSays(service, 'up', PORTAL);
    assert.equal(await list(again), before);
    const headers = await behindProxy(again);
    assert.match(headers.get('set-cookie') ?? '', /^__Host-lethe=[\w-]{43}; .*Secure/);
    assert.equal(headers.get('strict-transport-security'), 'max-age=63072000');
  } finally {
    await service.stop(120_000);
  }
  await untilTraces(clean);
});

test('SIGTERM while it starts is obeyed', async () => {
  const service = startUp('--listen', '127.0.0.1:0');
  await untilSays(service, 'up', /Starting the database/);
  assert.equal((await service.stop(120_000)).code, 1);
  assert.match(service.output(), /Stopped before it was up/);
  await untilTraces(clean);
});

test('a taken port is one sentence and a non-zero exit', async () => {
  const taken = spawnChild([
    process.execPath,
    '-e',
    "const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log('taken', server.address().port))",
  ]);
  try {
    const [, port = ''] = await untilSays(taken, 'listener', /taken (\d+)/);
    const service = startUp('--listen', `127.0.0.1:${port}`);
    assert.equal((await service.exited).code, 1);
    assert.ok(
      service
        .output()
        .includes(`Port ${port} on 127.0.0.1 is taken by another program. Choose another one with --listen.`),
      service.output(),
    );
  } finally {
    await taken.stop();
  }
});

test('a directory without a release is refused before anything starts', async () => {
  const service = startUp('--listen', '127.0.0.1:0', '--image', '/nonexistent');
  assert.equal((await service.exited).code, 1);
  assert.match(
    service.output(),
    /\/nonexistent\/pcrs\.json is not there\. '\.\/lethe image sign' makes a release directory\./,
  );
  assert.doesNotMatch(service.output(), /Starting/);
  await untilTraces(clean);
});

test('words that make no sense are refused with an example', async () => {
  const flags = { ...UP_DEFAULTS, gateway: true };
  assert.deepEqual(parseLocation('ch-zrh:Zürich, Switzerland:CH'), {
    id: 'ch-zrh',
    name: 'Zürich, Switzerland',
    country: 'CH',
  });
  for (const text of ['', 'x', 'CH:Zürich:CH', 'ch-zrh:Zürich', 'ch-zrh::CH']) {
    assert.throws(() => parseLocation(text), CannotStart, text);
  }
  assert.equal(serviceOptions(flags, 0).directory, '/var/lib/lethe');
  assert.match(serviceOptions({ ...flags, gateway: false }, 1000).directory, /\.local\/share\/lethe$/);
  for (const text of ['https://vpn.example', 'https://vpn.example/', 'https://VPN.example:443']) {
    assert.equal(parseOrigin(text), 'https://vpn.example');
  }
  assert.equal(serviceOptions({ ...flags, origin: 'none' }, 0).origin, 'none');
  for (const text of ['', 'vpn.example', 'http://vpn.example', 'https://vpn.example/portal', 'https://u@vpn.example']) {
    assert.throws(() => parseOrigin(text), CannotStart, text);
  }
  const own = ['127.0.0.1', '203.0.113.7'];
  const published = serviceOptions({ ...flags, public: '203.0.113.7', forwarder: ['9.9.9.9'] }, 0, own);
  assert.equal(published.gateway?.publicAddress, '203.0.113.7');
  assert.equal(published.gateway.keep443, false);
  assert.deepEqual(published.gateway.forwarders, ['9.9.9.9']);

  const written: string[] = [];
  const code = await up(
    { ...flags, listen: 'nonsense' },
    {
      terminal: { write: (text) => written.push(text), interactive: false },
      clock: systemClock,
      random: systemRandom,
      release: '0.0.0',
      stopRequested: new Promise(() => undefined),
    },
  );
  assert.equal(code, 1);
  assert.match(written.join(''), /'nonsense' is not an address with a port/);
});

test('an address for the world is checked before anything starts', () => {
  const own = ['127.0.0.1', '203.0.113.7', '10.0.0.5'];
  const refused = (flags: Partial<UpFlags>, message: RegExp) => {
    const asked = { ...UP_DEFAULTS, gateway: true, ...flags };
    assert.throws(() => serviceOptions(asked, 0, own), { name: 'CannotStart', message });
  };
  for (const text of ['notanip', '', '203.0.113', '2001:db8::1', '203.0.113.7:443', '203.0.113.7/32']) {
    refused({ public: text }, /is not an IPv4 address\. Write it as/);
  }
  const foreign = /does not have the address 203\.0\.113\.8\. It has: 203\.0\.113\.7, 10\.0\.0\.5\.$/;
  refused({ public: '203.0.113.8' }, foreign);
  refused({ public: '127.0.0.1' }, /does not have the address/);
  refused({ public: '203.0.113.7', gateway: false }, /--no-gateway starts none/);
  refused({ keep443: true }, /belongs to --public/);
  assert.equal(ownAddresses().includes('127.0.0.1'), true);
});

test('an origin is remembered until it is given up', () => {
  const data = mkdtempSync(join(tmpdir(), 'lethe-origin-'));
  try {
    const options = { ...serviceOptions({ ...UP_DEFAULTS, gateway: false }, 0), directory: data };
    assert.equal(rememberedOrigin(options), undefined);
    mkdirSync(join(data, 'control'));
    writeFileSync(join(data, 'control', 'control.json'), JSON.stringify({ publicOrigin: 'https://vpn.example' }));
    assert.equal(rememberedOrigin(options), 'https://vpn.example');
    assert.equal(rememberedOrigin({ ...options, origin: 'https://other.example' }), 'https://other.example');
    assert.equal(rememberedOrigin({ ...options, origin: 'none' }), undefined);
  } finally {
    rmSync(data, { recursive: true });
  }
});

test('who lets others ask the portal in clear is warned', () => {
  const at = (listen: string, origin?: string) => behindProxyLines({ origin }, { listen }).join('\n');
  assert.match(at('0.0.0.0:8080'), /WARNING: account numbers and passwords travel in clear to 0\.0\.0\.0:8080/);
  for (const listen of ['127.0.0.1:8080', '[::1]:8080', 'localhost:8080']) assert.equal(at(listen), '');
  assert.match(at('0.0.0.0:8080', 'https://vpn.example'), /^ {2}Origin {3}https:\/\/vpn\.example/);
});
