// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Marker, marked, markedAddress, patternsOf, randomAddress4 } from '../../../../proof/hunt/marker.ts';
import { Matcher } from '../../../../proof/hunt/matcher.ts';
import { searchMemory } from '../../../../proof/hunt/memory.os.ts';
import { Tally } from '../../../../proof/hunt/place.ts';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { below, systemRandom } from '../../../core/random/random.ts';
import { type Child, spawnChild } from '../../../host/processes/process.os.ts';
import { compileWipe, wiped } from '../../residue/wipe.os.ts';

const AGENT = fileURLToPath(new URL('../../../../proof/labs/openvpn/agent.main.ts', import.meta.url));
const [GATEWAY4, GATEWAY6] = ['198.51.100.1', '2001:db8::1'];

/** Copies of the markers in the memory of a process, in words. */
function copies({ pid }: Child, ...markers: readonly Marker[]): string[] {
  const tally = new Tally(new Matcher(markers.flatMap((marker) => patternsOf(marker))));
  assert.equal(searchMemory(pid, tally), 'searched');
  return tally.hits().map(({ marker, encoding, count, at }) => `${marker} as ${encoding}, ${count} times, in ${at}`);
}

/** An address of the customer's network that is as long as one can be in words. */
function longAddress6(): string {
  const group = () => (0x1000 + below(systemRandom, 0xefff)).toString(16);
  return `2001:db8:1:0:${group()}:${group()}:${group()}:${group()}`;
}

test('who speaks something else than OpenVPN to its port is forgotten within seconds', async () => {
  await using opened = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'lethe-knock-'));
  opened.defer(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const issuer = new AuthFileIssuer();
  const files = issuer.write(directory, issuer.seal([{ username: 'alice', password: 'secret' }]));
  const { env = {} } = wiped(await compileWipe(directory));
  const address4 = randomAddress4(systemRandom);
  const lab = await openOpenvpnLab({ addresses: [address4], env, server: { local: undefined } });
  opened.defer(() => lab.close());
  const [client = assert.fail()] = lab.clients;
  const address6 = longAddress6();
  await client.run(['ip', 'address', 'add', `${address6}/64`, 'dev', 'eth0', 'nodad']);
  const agent = spawnChild(['node', AGENT, lab.socket(), ...files]);
  await waitUntil('the agent is ready', () => agent.output().includes('ready') || !agent.running);
  const warning = marked('warning', 'Bad encapsulated packet length');
  const silent = copies(lab.server(), warning);

  for (const [from, to] of [
    [address4, GATEWAY4],
    [address6, GATEWAY6],
  ] as const) {
    agent.signal('SIGSTOP');
    const marker = markedAddress('address', from);
    const bind = `--bind-address=${from}`;
    await client
      .run(['timeout', '5', 'wget', '-q', '-t1', '-O-', bind, `http://${to.includes(':') ? `[${to}]` : to}:443/`])
      .catch(() => '');
    const kept = copies(lab.server(), marker);
    assert.match(kept.join('\n'), /address as ascii, 2 times, in \[heap\]/, 'before the agent says something else');
    agent.signal('SIGCONT');
    await waitUntil('the address is forgotten', () => copies(lab.server(), marker).length === 0, 15_000);
  }
  assert.deepEqual(copies(lab.server(), warning), silent, 'nor is there a line of the warning');
  assert.equal((await agent.stop()).code, 0);
});
