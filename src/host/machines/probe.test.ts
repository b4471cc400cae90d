// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Monitor } from './monitor.os.ts';
import { Probe } from './probe.os.ts';

/** QEMU's end of the two sockets. The guest's half of the probe and QEMU's monitor themselves are in machine.vm.test.ts. */
let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-probe-'));
});
after(() => rmSync(directory, { recursive: true }));

async function listen(name: string): Promise<{ path: string; server: Server; accepted: Promise<Socket> }> {
  const path = join(directory, name);
  const server = createServer().listen(path);
  await once(server, 'listening');
  return { path, server, accepted: once(server, 'connection').then(([socket]) => socket as Socket) };
}

/** A guest that answers each command with what `answer` makes of it. */
async function guest(name: string, answer: (number: string, command: string) => string) {
  const { path, server, accepted } = await listen(name);
  const probe = await Probe.open(path);
  const socket = await accepted;
  createInterface({ input: socket }).on('line', (line) => {
    const [number = '', , command = ''] = line.split(' ');
    socket.write(answer(number, Buffer.from(command, 'base64').toString()));
  });
  return { probe, socket, close: () => server.close() && socket.destroy() };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('commands wait for the guest, go one at a time, and fail when they should', async () => {
  const { probe, socket, close } = await guest('good', (number, command) =>
    command === 'false\n' ? `${number} 1 ${base64('why')}\n` : `junk\n99 0 \n${number} 0 ${base64(command)}\n`,
  );
  const outcomes = Promise.all([probe.text('one'), probe.text('two'), probe.file('/a')]);
  socket.write('0 0 \n');
  await probe.ready;
  assert.deepEqual(await outcomes, ['one\n', 'two\n', Buffer.from("cat '/a'\n")]);
  await assert.rejects(probe.text('false'), /in the guest, false ended with 1: why/);
  assert.deepEqual(await probe.run('false'), { code: 1, output: Buffer.from('why') });
  close();
});

test('a command whose guest goes away fails, and so does each later one', async () => {
  const restarted = await guest('restarted', () => '0 0 \n');
  restarted.socket.write('0 0 \n');
  await assert.rejects(restarted.probe.text('x'), /lost: it was started anew/);
  restarted.close();

  const off = await guest('off', () => '');
  const early = off.probe.text('x');
  off.close();
  await assert.rejects(off.probe.ready, /the machine is off/);
  await assert.rejects(early, /the machine is off/);
  await assert.rejects(off.probe.text('y'), /the machine is off/);
});

test('a monitor passes on what QEMU says, and fails with it', async () => {
  const { path, server, accepted } = await listen('monitor');
  const opening = Monitor.open(path);
  const socket = await accepted;
  socket.write('{"QMP": {}}\n');
  createInterface({ input: socket }).on('line', (line) => {
    const { execute, id } = JSON.parse(line) as { execute: string; id: number };
    if (execute === 'hang') socket.destroy();
    else if (execute === 'bad') socket.write(`{"error": {"desc": "no such thing"}, "id": ${id}}\n`);
    else socket.write(`{"event": "RTC_CHANGE"}\n{"return": {"did": "${execute}"}, "id": ${id}}\n`);
  });
  const monitor = await opening;
  assert.deepEqual(await monitor.execute('stop'), { did: 'stop' });
  await assert.rejects(monitor.execute('bad'), /no such thing/);
  await assert.rejects(monitor.execute('hang'), /the machine is off/);
  await assert.rejects(monitor.execute('stop'), /the machine is off/);
  monitor.close();
  server.close();
});
