// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitUntil } from '../../src/core/clock/until.ts';
import { type Child, run, spawnChild } from '../../src/host/processes/process.os.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-enclosed-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const LETHE = [process.execPath, '--disable-warning=ExperimentalWarning', 'cmd/lethe.ts'];

/** How many daemons with the marker run, wherever below us; the launchers before them do not count. */
function daemons(marker: string): number {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map(argumentsOf)
    .filter((words) => words[0] === 'tail' && words.includes(marker)).length;
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    // It has ended since.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** `./lethe test` with three daemons that run, and the marker by which they are known. */
async function lingering(name: string): Promise<{ child: Child; marker: string; temporary: string }> {
  const marker = randomUUID();
  const temporary = mkdtempSync(join(directory, `${name}-`));
  const child = spawnChild([...LETHE, 'test', 'proof/runner/lingering.ts'], {
    env: { LETHE_LINGERING: marker, TMPDIR: temporary },
  });
  await waitUntil('three daemons run', () => daemons(marker) === 3 || !child.running);
  await waitUntil('its temporary directory is made', () => filesBelow(temporary) > 0 || !child.running);
  assert.ok(child.running, child.output());
  return { child, marker, temporary };
}

function filesBelow(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} to the one process ends everything it started before it ends itself`, async () => {
    const { child, marker, temporary } = await lingering(signal);
    child.signal(signal);
    assert.deepEqual(await child.exited, { code, signal: null }, child.output());
    assert.doesNotMatch(child.output(), /unshare/);
    assert.equal(daemons(marker), 0);
    assert.deepEqual(readdirSync(temporary), []);
    assert.equal(existsSync(`/dev/shm/${marker}`), false);
  });
}

test('kill -9 of the one process leaves nothing either', async () => {
  const { child, marker, temporary } = await lingering('SIGKILL');
  child.signal('SIGKILL');
  await waitUntil('its daemons are gone', () => daemons(marker) === 0);
  await waitUntil('its temporary files are gone', () => readdirSync(temporary).length === 0);
  assert.equal(existsSync(`/dev/shm/${marker}`), false);
});

test('the exit code is that of the program', async () => {
  const enclosed = (code: string) =>
    run([
      process.execPath,
      '-e',
      `import('./proof/runner/enclosed.ts').then(async ({ enclosed }) => process.exit(await enclosed(${code})))`,
    ]);
  await enclosed("['true']");
  await assert.rejects(enclosed("['sh', '-c', 'exit 7']"), /ended with code 7/);
  await assert.rejects(enclosed("['sh', '-c', 'kill -9 $$']"), /ended with code 137/);
  await assert.rejects(enclosed("['/absent/program']"), /ended with code 127/);
});

test('a device node works in its /dev/shm, as on the machine: images are built there', async () => {
  const node = `/dev/shm/${randomUUID()}`;
  const words = `import { enclosed } from ${JSON.stringify(join(import.meta.dirname, 'enclosed.ts'))};
    process.exit(await enclosed(['sh', '-c', 'mknod -m 666 ${node} c 1 3 && echo gone >${node}']));`;
  await run([process.execPath, '--input-type=module', '--eval', words]);
  assert.equal(existsSync(node), false);
});

test('without root there is a process table too', async () => {
  const script =
    "import('./proof/runner/enclosed.ts').then(async ({ enclosed }) => process.exit(await enclosed(['sh', '-c', 'echo $$ $(id -u)'])))";
  const said = await run([process.execPath, '-e', script], { user: { uid: 65_534, gid: 65_534 } });
  assert.match(said, /^\d 65534\n$/);
});

test('a file that is not there is named, and the exit code is not 0', async () => {
  await assert.rejects(run([...LETHE, 'test', 'test/nowhere.test.ts', 'proof/runner/enclosed.ts']), {
    message: /ended with code 2: There is no file test\/nowhere\.test\.ts\. /,
  });
});

test('a folder is no file, and a file that is not quick is not passed over with --quick', async () => {
  await assert.rejects(run([...LETHE, 'test', 'src/contracts/plan']), {
    message: /ended with code 2: There is no file src\/contracts\/plan\. /,
  });
  await assert.rejects(run([...LETHE, 'test', '--quick', 'src/gateway/tunnels/dns/dns.test.ts']), {
    message: /ended with code 2: Not quick, .*: src\/gateway\/tunnels\/dns\/dns\.test\.ts\. /,
  });
});
