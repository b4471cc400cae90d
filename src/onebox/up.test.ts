// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TimedOut, waitUntil } from '../core/clock/until.ts';
import { type Child, childrenOf, run, spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { EXIT } from '../host/terminal/exit.ts';
import { askStatus } from './status.os.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const LETHE = fileURLToPath(new URL('../../cmd/lethe.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lethe-up-'));

function startUp(...flags: readonly string[]): Child {
  return spawnChild([process.execPath, LETHE, 'up', '--data', directory, ...flags]);
}

/** Another service of this machine has its cables, and may come and go. */
function belongsToOther(table: string): boolean {
  const name = /^table inet (lethe\d+)$/.exec(table)?.[1];
  return name !== undefined && networkInterfaces()[`${name}c`] !== undefined;
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
    tables: (await run(['nft', 'list', 'tables'])).split('\n').filter((table) => !belongsToOther(table)),
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

/** Changes the resolver's configuration in the memory of the gateway of the service that this test started. */
function changeResolver(up: number): void {
  for (const pid of familyOf(up)) {
    const file = `/proc/${pid}/root/run/lethe/unbound.conf`;
    if (!existsSync(file)) continue;
    appendFileSync(file, '\n');
    return;
  }
  assert.fail('no gateway was found');
}

/** A process and all that it has started. */
function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

/** The same from a checkout below a directory that only root may enter, as /root is. */
function startUpBelowRoot(...flags: readonly string[]): Child {
  const closed = join(directory, 'closed');
  const checkout = join(closed, 'lethe');
  mkdirSync(checkout, { recursive: true });
  chmodSync(closed, 0o700);
  const script =
    'mount --bind "$1" "$2" && cd / && at=$2 && shift 2 && exec "$at/node_modules/.bin/node" "$at/cmd/lethe.ts" "$@"';
  const words = ['unshare', '--mount', 'sh', '-c', script, 'sh', CHECKOUT, checkout];
  return spawnChild([...words, 'up', '--data', directory, ...flags]);
}

test('up serves the portal below /root too, refuses a second start, and leaves nothing after SIGTERM', async () => {
  const service = startUpBelowRoot('--listen', '127.0.0.1:0');
  let cables: string[] = [];
  try {
    const [, portal = ''] = await untilSays(service, 'up', PORTAL);
    const page = await fetch(portal);
    assert.equal(page.status, 200);
    const place = /Gateway {2}10\.66\.(\d+)\.10: OpenVPN 1194\/udp and 443\/tcp/.exec(service.output())?.[1];
    cables = [`lethe${place}c`, `lethe${place}u`];
    for (const cable of cables) assert.ok(networkInterfaces()[cable] !== undefined, cable);
    assert.match(await run(['nft', 'list', 'tables']), new RegExp(`^table inet lethe${place}$`, 'm'));

    await waitUntil('all parts are well', async () => (await askStatus(directory))?.service === 'serving');
    assert.match(service.output(), /"level":"info","from":"agent","code":"started","program":"gateway"/);
    changeResolver(service.pid);
    await untilSays(service, 'up', /"level":"error","from":"agent","code":"config_drifted","file":"unbound\.conf"/);
    const drifted = (await askStatus(directory))?.parts.find(({ part }) => part === 'configuration');
    assert.deepEqual(drifted, { part: 'configuration', state: 'drifted', file: 'unbound.conf' });

    const second = startUp('--listen', '127.0.0.1:0');
    assert.equal((await second.exited).code, EXIT.machine);
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
  const flags = ['--data', join(directory, 'killed'), '--no-gateway', '--listen', '127.0.0.1:0'];
  const first = startUp(...flags, '--origin', 'https://vpn.example');
  const [, portal = ''] = await untilSays(first, 'up', PORTAL);
  await untilSays(first, 'up', /Origin {3}https:\/\/vpn\.example, from a proxy/);
  const list = async (url: string) => await (await fetch(`${url}/openapi.json`)).text();
  const before = await list(portal);
  first.signal('SIGKILL');
  await first.exited;
  await untilTraces(clean);

  const service = startUp(...flags);
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
  assert.match(service.output(), /Stopped before it was up\. Keys and database are in .*, and nothing else is left\./);
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
    assert.equal((await service.exited).code, EXIT.machine);
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
  const service = startUp('--data', join(directory, 'image'), '--listen', '127.0.0.1:0', '--image', '/nonexistent');
  assert.equal((await service.exited).code, EXIT.machine);
  assert.match(
    service.output(),
    /\/nonexistent\/pcrs\.json is not there\. '\.\/lethe image sign' makes a release directory\./,
  );
  assert.doesNotMatch(service.output(), /Starting/);
  await untilTraces(clean);
});

/** What a start prints, and with what it ends. It must end by itself. */
async function ended(...flags: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const said = { stdout: '', stderr: '' };
  const child = spawnChild([process.execPath, LETHE, 'up', ...flags], {
    onOutput: (text, stream) => {
      said[stream] += text;
    },
  });
  const { code } = await child.exited;
  return { code, out: said.stdout, err: said.stderr };
}

test('a flag that makes no sense is refused by its name, on standard error, before anything starts', async () => {
  const data = join(directory, 'refused');
  for (const [flag, word, sentence] of [
    ['--listen', 'localhost:8080', "--listen: 'localhost:8080' is not ADDRESS:PORT. Write 127.0.0.1:8080"],
    ['--name', '', "--name: '' is not a name"],
    ['--location', 'Zürich', "--location: 'Zürich' is not a location"],
    ['--public', 'notanip', "--public: 'notanip' is not an IPv4 address"],
    ['--forwarder', 'nonsense', "--forwarder: 'nonsense' is not an address of a resolver"],
    ['--config', join(directory, 'absent.json'), 'absent.json cannot be read (ENOENT).'],
    ['--nonsense', 'x', "unknown option '--nonsense'"],
  ] as const) {
    const { code, out, err } = await ended('--data', data, flag, word);
    assert.deepEqual({ code, out }, { code: EXIT.usage, out: '' }, flag);
    assert.ok(err.includes(sentence), err);
  }
  assert.equal(existsSync(data), false);
});

test('what a start is told is remembered, and what customers would lose has to be confirmed', async () => {
  const data = join(directory, 'remembered');
  const flags = ['--data', data, '--no-gateway'];
  const first = startUp(...flags, '--listen', '127.0.0.1:0', '--name', 'Nordlicht');
  const [, portal = ''] = await untilSays(first, 'up', PORTAL);
  assert.match(await (await fetch(portal)).text(), /Nordlicht/);
  await first.stop(120_000);

  const renamed = await ended('--data', data, '--name', 'Other');
  assert.equal(renamed.code, EXIT.unconfirmed);
  assert.match(renamed.err, /name: Nordlicht → Other\n.*authority, keep the old one/);
  assert.equal(renamed.out, '');

  const again = startUp('--data', data);
  try {
    const [, same = ''] = await untilSays(again, 'up', PORTAL);
    assert.match(await (await fetch(same)).text(), /Nordlicht/);
    assert.doesNotMatch(again.output(), /Gateway/);
  } finally {
    await again.stop(120_000);
  }
});
