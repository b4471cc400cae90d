// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestAuthority } from '../../../proof/labs/authority/authority.ts';
import type { GatewayConfigFile } from '../../contracts/plan/agent-config.ts';
import { makeRadiusSecret } from '../../contracts/plan/ikev2/secret.ts';
import { GATEWAY_FILES, type GatewayPlan, planGateway } from '../../contracts/plan/plan.ts';
import { renderGateway } from '../../contracts/plan/render.ts';
import { systemRandom } from '../../core/random/random.ts';
import { type Namespace, openNamespace } from '../../host/namespaces/namespace.os.ts';
import { outside, place } from '../../host/namespaces/place.os.ts';
import type { Child } from '../../host/processes/process.os.ts';
import { untilSays } from '../../host/processes/ready.os.ts';

const PROGRAM = fileURLToPath(new URL('../../../cmd/gateway.ts', import.meta.url));
const NOBODY = { uid: 65_534, gid: 65_534 };

let directory: string;
let namespace: Namespace;
let config: GatewayConfigFile;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-program-'));
  namespace = await openNamespace();
  const authority = await TestAuthority.create();
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as { x: string };
  const raw = Uint8Array.fromBase64(x, { alphabet: 'base64url' }).toBase64();
  writeFileSync(at('ca.crt'), authority.certificate);
  writeFileSync(at('server.crt'), (await authority.server('x')).certificate);
  writeFileSync(at('token'), `${'t'.repeat(43)}\n`, { mode: 0o600 });
  writeFileSync(at('junk'), 'junk', { mode: 0o600 });
  config = {
    plan: {
      ...planGateway({
        gateway: 'zrh-01',
        location: 'ch-zrh',
        name: 'x',
        address4: '192.0.2.1',
        address6: undefined,
        uplink: 'eth0',
      }),
      service4: '127.0.0.1',
    },
    controlUrl: 'https://127.0.0.1:1',
    caFile: at('ca.crt'),
    tokenFile: at('token'),
    authfileKey: raw,
    expectedKey: raw,
    geoip: {},
    user: NOBODY,
    release: '0.1.0',
  };
  await namespace.run(['mkdir', '-p', '-m', '755', `${GATEWAY_FILES.directory}/keys`]);
  await placeSecret(makeRadiusSecret(systemRandom));
  for (const file of [...renderGateway(config.plan as GatewayPlan), { name: 'agent.json', content: '{}' }]) {
    place(namespace, `${GATEWAY_FILES.directory}/${file.name}`, file.content);
  }
});

after(async () => {
  await namespace.close();
  rmSync(directory, { recursive: true });
});

const at = (name: string) => join(directory, name);

const placeSecret = (content: string) =>
  namespace.run(['sh', '-c', `umask 077 && cat > ${GATEWAY_FILES.radiusSecret}`], { stdin: content });

function started(change: Partial<GatewayConfigFile> = {}): Promise<Child> {
  writeFileSync(at('agent.json'), JSON.stringify({ ...config, ...change }));
  return namespace.spawn([process.execPath, PROGRAM, '--config', at('agent.json')]);
}

/** What it prints when it refuses to start. */
async function refusal(child: Promise<Child>): Promise<string> {
  const program = await child;
  assert.equal((await program.exited).code, 1);
  return program.output().trim();
}

function status(child: Child, field: string): string {
  const line = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    .split('\n')
    .find((one) => one.startsWith(field));
  return line?.slice(field.length + 1).trim() ?? '';
}

test('gives up root, says that it serves, survives without control and daemons, and ends when asked', async () => {
  const child = await started();
  await untilSays(child, 'gateway', /"code":"started"/);
  assert.equal(status(child, 'Uid:'), '65534\t65534\t65534\t65534');
  assert.equal(status(child, 'Gid:'), '65534\t65534\t65534\t65534');
  assert.equal(status(child, 'Groups:'), '');
  assert.deepEqual(await child.stop(), { code: 0, signal: null });
  const lines = child
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { code: string });
  assert.deepEqual(lines.at(-1), { code: 'stopped', program: 'gateway' });
  assert.ok(lines.some(({ code }) => code === 'control_lost'));
  assert.ok(lines.some(({ code }) => code === 'daemon_lost'));
});

test('an interrupt ends it as well', async () => {
  const child = await started();
  await untilSays(child, 'gateway', /"code":"started"/);
  child.signal('SIGINT');
  assert.deepEqual(await child.exited, { code: 0, signal: null });
});

test('on configuration that could log it does not serve, and says which file', async () => {
  const path = `${GATEWAY_FILES.directory}/wireguard.env`;
  const good = readFileSync(outside(namespace, path), 'utf8');
  place(namespace, path, good.replace('silent', 'verbose'));
  const said = await refusal(started());
  assert.equal(
    said,
    '{"code":"config_refused","file":"wireguard.env","line":1}\n' +
      '{"code":"failed","program":"gateway","failure":"configuration_may_log"}',
  );
  place(namespace, path, good);
});

test('an address that is taken is one clear line', async () => {
  const first = await started();
  await untilSays(first, 'gateway', /"code":"started"/);
  const said = await refusal(started());
  assert.match(said, /"failure":"heartbeat_address_taken"/);
  await first.stop();
});

test('whatever it cannot use is one sentence that repeats nothing of it', async () => {
  const junk = at('junk');
  const cases: [Partial<GatewayConfigFile> & Record<string, unknown>, RegExp][] = [
    [{ logFile: '/var/log/x' }, /agent\.json: line 1: logFile: unknown key$/],
    [{ caFile: junk }, /junk: not a certificate$/],
    [{ caFile: at('server.crt') }, /server\.crt: not the certificate of an authority$/],
    [{ caFile: at('missing') }, /missing: cannot be read$/],
    [{ tokenFile: junk }, /junk: not a token$/],
    [{ geoip: { country: junk } }, /geoip\.country: the file is not such a database$/],
    [{ geoip: { networks: junk } }, /geoip\.networks: the file is not such a database$/],
    [{ user: undefined }, /names no user to run as, and root is refused$/],
  ];
  for (const [change, sentence] of cases) assert.match(await refusal(started(change)), sentence);
  assert.match(await refusal(namespace.spawn([process.execPath, PROGRAM])), /^usage: gateway --config FILE$/);
  await placeSecret('junk');
  assert.match(await refusal(started()), /radius\.secret: not a RADIUS secret$/);
});
