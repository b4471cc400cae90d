// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNamespace } from '../namespaces/namespace.os.ts';
import { run } from '../processes/process.os.ts';
import { type Machine, startMachine } from './machine.os.ts';
import { BLANK_VARIABLES } from './qemu.ts';
import { makeTpm, tpmFactory } from './swtpm.os.ts';

/** Milliseconds. */
const LIMIT = 400_000;

test('a machine with everything attached and nothing to boot says so, in a namespace, with its memory in a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-bare-'));
  const memoryFile = `/dev/shm/${directory.slice(-6)}`;
  const vmNamespace = await openNamespace();
  let machine: Machine | undefined;
  try {
    await vmNamespace.run(['ip', 'tuntap', 'add', 'tap0', 'mode', 'tap']);
    await vmNamespace.run(['ip', 'link', 'set', 'tap0', 'up']);
    await makeTpm(tpmFactory(join(directory, 'factory')), join(directory, 'tpm'), 'bare');
    await run(['truncate', '-s', '1M', join(directory, 'blank')]);
    machine = await startMachine({
      variables: readFileSync(BLANK_VARIABLES),
      tpm: join(directory, 'tpm'),
      memory: 512,
      processors: 1,
      memoryFile,
      disks: [join(directory, 'blank')],
      cards: [{ tap: 'tap0', mac: '52:4c:65:74:68:00' }],
      vmNamespace,
    });
    await machine.console.waitFor(/Start PXE over IPv4/, LIMIT);
    assert.ok((await vmNamespace.run(['ip', '-o', 'link', 'show', 'tap0'])).includes('LOWER_UP'));
    assert.ok(readFileSync(memoryFile).includes(Buffer.from('Boot0001', 'utf16le')));
    assert.equal(((await machine.monitor.execute('query-status')) as { status: string }).status, 'running');
    await machine.close();
    assert.equal(existsSync(`/proc/${machine.pid}`), false);
    await assert.rejects(machine.probe.ready, /the machine is off/);
    await assert.rejects(machine.console.waitFor(/never/, LIMIT), /the machine went off/);
  } finally {
    await machine?.close();
    await vmNamespace.close();
    rmSync(memoryFile, { force: true });
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a machine that cannot be started says why and leaves nothing behind', async () => {
  const variables = new Uint8Array(1000);
  await assert.rejects(startMachine({ variables }), /did not go on: .*pflash1 has invalid size/s);
});
