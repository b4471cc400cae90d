// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  openTestTpms,
  sampleParameters,
  samplePolicy,
  sampleRelease,
  type TestMachine,
  type TestTpms,
} from '../../proof/labs/activator/tpms.os.ts';
import { sampleEvents, sampleImage, sampleTrust } from '../../proof/labs/attestation/sample.ts';
import type { ActivatorConfigFile } from '../../src/activator/config.ts';
import type { GatewayChoiceFile } from '../../src/activator/enrol.ts';
import { sha256 } from '../../src/bytes/formats/fingerprint.ts';
import { parseOperator } from '../../src/contracts/activation/operator.ts';
import { parseGatewayConfig } from '../../src/contracts/plan/agent-config.ts';
import { AGENT_FILES } from '../../src/contracts/plan/files.ts';
import { GATEWAY_FILES } from '../../src/contracts/plan/plan.ts';
import { renderGateway } from '../../src/contracts/plan/render.ts';
import { type Clock, systemClock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { RecordingJournal } from '../../src/core/journal/journal.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { attest, type Guest, renew } from '../../src/gateway/boot/guest.os.ts';
import { type Child, run, spawnChild } from '../../src/host/processes/process.os.ts';

const program = (name: string) => new URL(`../../cmd/${name}.ts`, import.meta.url).pathname;
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];
const NOBODY = { uid: 65_534, gid: 65_534 };
const EVENTS = sampleEvents(sampleImage(), sampleTrust());

let tpms: TestTpms;
let machine: TestMachine;
let activator: Child;
let url: string;
let config: string;
const at = (name: string) => join(tpms.directory, name);

before(async () => {
  tpms = openTestTpms();
  machine = await tpms.machine('tpm-1');
  config = at('activator.json');
  const settings: ActivatorConfigFile = {
    listen: { address: '127.0.0.1', port: 0 },
    name: 'activator.example',
    addresses: ['127.0.0.1'],
    directory: at('activator'),
    policy: at('policy.json'),
    gatewayDomain: 'example',
    user: NOBODY,
  };
  writeFileSync(config, JSON.stringify(settings));
  writeFileSync(at('policy.json'), JSON.stringify(samplePolicy(tpms)));
  await startActivator();
});
after(async () => {
  await activator?.stop();
  await tpms.close();
});

async function startActivator(): Promise<void> {
  activator = spawnChild([...NODE, program('activator'), '--config', config]);
  await waitUntil('the activator is ready', () => !activator.running || activator.output().includes('"started"'));
  const ready = JSON.parse(activator.output().split('\n')[0] ?? '') as { url: string };
  url = ready.url;
}

/** What an image is told of the activator. */
async function operatorFile(): Promise<string> {
  const printed = await run([...NODE, program('activator'), '--config', config, '--operator-file']);
  const { authority } = JSON.parse(printed) as { authority: string };
  writeFileSync(at('operator.json'), JSON.stringify({ activator: url, authority }));
  return at('operator.json');
}

function choose(gateway: string): string {
  const { controlUrl, controlAuthority, tlsCryptKey, authfileKey, expectedKey } = sampleParameters(gateway);
  writeFileSync(at('control.pem'), controlAuthority);
  writeFileSync(at('tls-crypt.key'), tlsCryptKey);
  const choice: GatewayChoiceFile = {
    location: 'ch-zrh',
    name: `${gateway}.example`,
    address4: '192.0.2.7',
    address6: '2001:db8::7',
    forwarders: ['192.0.2.53'],
    controlUrl,
    controlAuthority: at('control.pem'),
    tlsCryptKey: at('tls-crypt.key'),
    authfileKey,
    expectedKey,
    intervals: { fetch: 1000 },
  };
  writeFileSync(at(`${gateway}.json`), JSON.stringify(choice));
  return at(`${gateway}.json`);
}

function lethe(...argv: string[]): Promise<string> {
  return run([...NODE, program('lethe'), ...argv, '--activator', config]);
}

/** The guest's program, as it runs in the image, on a root of its own. */
function startGuest(root: string, operator: string, ...more: string[]): Child {
  const argv = ['--operator', operator, '--root', root, '--log', at('log'), ...more];
  return spawnChild([...NODE, program('activation'), ...argv], { env: { TPM2TOOLS_TCTI: machine.tcti } });
}

async function boot(root: string): Promise<void> {
  writeFileSync(at('log'), await machine.boot(EVENTS));
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
}

async function said(child: Child, text: string): Promise<void> {
  await waitUntil(`somebody says ${text}: ${child.output()}`, () => child.output().includes(text));
}

test('from a TPM to a gateway: enrolled, refused before, activated, renewed, and after the next boot again', async () => {
  const root = at('root');
  const operator = await operatorFile();
  await boot(root);
  // Without a resource manager, only one at a time can use the TPM.
  const ek = at('ek.crt');
  writeFileSync(ek, await machine.tpm.endorsementCertificate());
  const guest = startGuest(root, operator);
  await said(guest, '{"code":"activation_refused","reason":"ek_unknown"}');
  assert.deepEqual(readdirSync(join(root, 'run/lethe')), ['activation'], 'nothing is there before');

  const enrolled = await lethe('gateway', 'enrol', 'zrh-01', '--ek', ek, '--parameters', choose('zrh-01'));
  assert.deepEqual(await guest.exited, { code: 0, signal: null }, guest.output());
  assert.match(guest.output(), /\{"code":"activated","release":"1\.2\.3"\}\n$/);

  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const agent = parseGatewayConfig(read(AGENT_FILES.config));
  assert.ok(!('problem' in agent));
  assert.deepEqual(
    [agent.plan.gateway, agent.plan.uplink, agent.release, agent.intervals.fetch],
    ['zrh-01', 'eth0', '1.2.3', 1000],
  );
  for (const { name, content } of renderGateway(agent.plan)) assert.equal(read(`/run/lethe/${name}`), content, name);
  assert.match(enrolled, new RegExp(`"tokenHash": "${sha256(read(AGENT_FILES.token)).toHex()}"`));
  assertOwners(root);

  const list = await lethe('gateway', 'list');
  const privateKey = read(GATEWAY_FILES.wireguardKey);
  const published = (await run(['wg', 'pubkey'], { stdin: privateKey })).trim();
  assert.ok(list.includes(`WireGuard key ${published}`), list);
  assert.ok(!existsSync(join(root, 'run/lethe/activation/fresh.json')), 'no private key lies where nobody uses it');

  const first = new X509Certificate(read(GATEWAY_FILES.serverCertificate));
  const renewal = startGuest(root, operator, '--renew');
  assert.deepEqual(await renewal.exited, { code: 0, signal: null }, renewal.output());
  const second = new X509Certificate(read(GATEWAY_FILES.serverCertificate));
  assert.notEqual(first.serialNumber, second.serialNumber);
  assert.ok(second.verify(new X509Certificate(read(GATEWAY_FILES.caCertificate)).publicKey));

  const attesting = startGuest(root, operator, '--attest');
  assert.deepEqual(await attesting.exited, { code: 0, signal: null }, attesting.output());
  assert.equal(attesting.output(), '{"code":"attested"}\n');
  assert.match(activator.output(), /\{"code":"machine_attested","gateway":"zrh-01"\}/);
  assert.equal(read(GATEWAY_FILES.serverCertificate), second.toString(), 'a proof on schedule changes nothing');
  assert.match(await lethe('gateway', 'list'), /^ {2}proved itself (?:within the hour|1 h ago)$/m);

  const again = startGuest(at('elsewhere'), operator);
  assert.deepEqual(await again.exited, { code: 3, signal: null });
  assert.match(again.output(), /already_activated/);

  await boot(root);
  const next = startGuest(root, operator);
  assert.deepEqual(await next.exited, { code: 0, signal: null }, next.output());
  assert.notEqual(read(GATEWAY_FILES.wireguardKey), privateKey, 'each boot has keys of its own');
  for (const line of [activator.output(), guest.output(), renewal.output(), next.output()].join('').split('\n'))
    assert.ok(line === '' || line.startsWith('{'), line);
});

/** Owners and modes, as the image's users need them. */
function assertOwners(root: string): void {
  const expected: Record<string, readonly [mode: number, uid: number, gid: number]> = {
    [GATEWAY_FILES.caCertificate]: [0o644, 0, 0],
    [GATEWAY_FILES.serverCertificate]: [0o644, 0, 0],
    [GATEWAY_FILES.serverKey]: [0o640, 0, 910],
    [GATEWAY_FILES.tlsCryptKey]: [0o640, 0, 910],
    [GATEWAY_FILES.authTokenKey]: [0o640, 0, 910],
    [GATEWAY_FILES.wireguardKey]: [0o600, 904, 904],
    [GATEWAY_FILES.radiusSecret]: [0o440, 900, 910],
    [AGENT_FILES.token]: [0o600, 900, 900],
    [AGENT_FILES.config]: [0o644, 0, 0],
    '/run/lethe': [0o755, 0, 0],
    '/run/lethe/activation': [0o700, 0, 0],
    '/run/lethe/keys': [0o755, 0, 0],
  };
  for (const [path, owners] of Object.entries(expected)) {
    const { mode, uid, gid } = statSync(join(root, path));
    assert.deepEqual([mode & 0o777, uid, gid], owners, path);
  }
}

test('the guest waits for an activator that is away, and an activator that comes back remembers', async () => {
  const root = at('patient');
  const operator = await operatorFile();
  await boot(root);
  const prepared = startGuest(root, operator, '--prepare');
  assert.deepEqual(await prepared.exited, { code: 0, signal: null });
  const made = readFileSync(join(root, 'run/lethe/activation/fresh.json'), 'utf8');
  await activator.stop();
  const guest = startGuest(root, operator);
  await said(guest, '{"code":"activator_lost"}');
  const port = Number(new URL(url).port);
  const settings = JSON.parse(readFileSync(config, 'utf8')) as ActivatorConfigFile;
  writeFileSync(config, JSON.stringify({ ...settings, listen: { ...settings.listen, port } }));
  await startActivator();
  assert.deepEqual(await guest.exited, { code: 0, signal: null }, guest.output());
  const key = readFileSync(join(root, GATEWAY_FILES.serverKey), 'utf8');
  assert.equal((JSON.parse(made) as { server: string }).server, key, 'keys that were made ahead of time are used');
});

test('a machine that serves and is not believed any more has to boot anew, and so has one without a certificate', async () => {
  const root = at('doubted');
  const file = await operatorFile();
  const operator = parseOperator(readFileSync(file, 'utf8'));
  if ('problem' in operator) assert.fail(operator.problem);
  await boot(root);
  const activated = startGuest(root, file);
  assert.deepEqual(await activated.exited, { code: 0, signal: null }, activated.output());
  const all = readFileSync(at('policy.json'), 'utf8');
  const believe = (text: string) => writeFileSync(at('policy.json'), text);
  try {
    believe(JSON.stringify(samplePolicy(tpms, { releases: [sampleRelease({ revoked: true })] })));
    for (const flag of ['--attest', '--renew']) {
      const doubted = startGuest(root, file, flag);
      assert.deepEqual(await doubted.exited, { code: 3, signal: null }, flag);
      assert.match(doubted.output(), /"release_revoked"/);
    }
    // What is wrong with the activator alone is no judgment: the machine asks again.
    believe('{}');
    const patient = startGuest(root, file, '--attest');
    await said(patient, '{"code":"activation_refused","reason":"policy_unusable"}');
    believe(all);
    assert.deepEqual(await patient.exited, { code: 0, signal: null }, patient.output());
  } finally {
    believe(all);
  }

  const journal = new RecordingJournal();
  let elapsed = 0;
  const start = Date.now();
  // Each look at it takes it seven minutes further.
  const look = () => (elapsed += 420_000);
  // Somebody who has the machine sets its clock back a year.
  const booted = systemClock.elapsed();
  const clock: Clock = { elapsed: () => booted + look(), wall: () => start - 365 * 86_400_000 };
  const away = { ...operator, activator: 'https://127.0.0.1:1' };
  const common = { tcti: machine.tcti, log: at('log'), root, journal, clock, random: systemRandom, pause: 1 };
  const guest: Guest = { ...common, operator: away };
  assert.equal(await attest(guest), 'done', 'that nobody answers is no reason to end');
  assert.equal(await renew(guest), 'reboot');
  // No certificate lives longer; there were some attempts before.
  assert.ok(elapsed > 22 * 3_600_000);
  assert.deepEqual(journal.codes(), ['activator_lost', 'activator_lost', 'certificate_expired']);
});

test('an activator that is somebody else is not asked', async () => {
  const root = at('careful');
  await boot(root);
  const operator = JSON.parse(readFileSync(await operatorFile(), 'utf8')) as { activator: string };
  writeFileSync(at('other.json'), JSON.stringify({ ...operator, authority: tpms.factory.roots() }));
  const guest = startGuest(root, at('other.json'));
  await said(guest, 'activator_lost');
  await guest.stop();
  assert.ok(!activator.output().includes('zrh-02'));
});

test('keys and store are the activator’s alone', () => {
  for (const name of ['activator', 'activator/keys.json', 'activator/activator.sqlite']) {
    const { mode, uid } = statSync(at(name));
    assert.equal(mode & 0o077, 0, name);
    assert.equal(uid, NOBODY.uid, name);
  }
});

test('a release is allowed and revoked without a restart', async () => {
  const root = at('policy');
  const policy = ['--policy', at('policy.json')];
  const all = readFileSync(at('policy.json'), 'utf8');
  const { pcrs } = sampleRelease();
  const published = { version: '1.2.3', variant: 'release', authenticode: '00'.repeat(32), pcrs };
  writeFileSync(at('pcrs.json'), JSON.stringify(published));
  writeFileSync(at('probe.json'), JSON.stringify({ ...published, variant: 'probe' }));
  writeFileSync(at('policy.json'), JSON.stringify({ ...samplePolicy(tpms), releases: [] }));
  const command = (...argv: string[]) => run([...NODE, program('lethe'), 'policy', ...argv, ...policy]);
  try {
    assert.match(await command('allow', at('pcrs.json'), '--until', '2099-01-01'), /^1\.2\.3 is allowed/);
    await command('revoke', '1.2.3');
    const operator = await operatorFile();
    await boot(root);
    const guest = startGuest(root, operator);
    await said(guest, 'release_revoked');
    await command('allow', at('pcrs.json'), '--until', '2099-01-01', '--from', '2020-01-01');
    assert.deepEqual(await guest.exited, { code: 0, signal: null }, guest.output());
    await assert.rejects(command('allow', at('probe.json'), '--until', '2099-01-01'), /for tests/);
    await assert.rejects(command('allow', at('pcrs.json'), '--until', 'soon'), /two dates/);
    await assert.rejects(command('allow', config, '--until', '2099-01-01'), /line 1/);
    await assert.rejects(command('allow', at('nowhere'), '--until', '2099-01-01'), /cannot be read/);
    await assert.rejects(command('revoke', '9.9.9'), /knows no release/);
    writeFileSync(at('policy.json'), '{}');
    await assert.rejects(command('revoke', '1.2.3'), /policy\.json: line 1: tpms: missing/);
  } finally {
    writeFileSync(at('policy.json'), all);
  }
});

test('what an operator gets wrong is said in one sentence', async () => {
  const parameters = choose('zrh-09');
  const ek = at('ek.crt');
  const refused = async (said: RegExp, ...argv: string[]) => assert.rejects(lethe('gateway', ...argv), said);
  await refused(/enrolled already/, 'enrol', 'zrh-09', '--ek', ek, '--parameters', parameters);
  await refused(/give --ek or --ek-hash/, 'enrol', 'zrh-09', '--parameters', parameters);
  await refused(/64 hexadecimal/, 'enrol', 'zrh-09', '--ek-hash', 'abc', '--parameters', parameters);
  await refused(/not a certificate/, 'enrol', 'zrh-09', '--ek', parameters, '--parameters', parameters);
  await refused(/both --pcr0/, 'enrol', 'zrh-09', '--ek', ek, '--parameters', parameters, '--pcr0', 'ab');
  await refused(/cannot be read/, 'enrol', 'zrh-09', '--ek', at('nowhere'), '--parameters', parameters);
  await refused(/plan\.gateway/, 'enrol', 'Zürich', '--ek-hash', '00'.repeat(32), '--parameters', parameters);
  writeFileSync(at('bad.json'), '{"colour":"blue"}');
  await refused(/bad\.json: line 1: /, 'enrol', 'zrh-09', '--ek', ek, '--parameters', at('bad.json'));
  await refused(/not enrolled/, 'forget', 'zrh-77');
  const known = ['--pcr0', '00'.repeat(32), '--pcr2', '11'.repeat(32)];
  await lethe('gateway', 'enrol', 'zrh-10', '--ek-hash', 'AB'.repeat(32), '--parameters', parameters, ...known);
  assert.match(await lethe('gateway', 'list'), /zrh-10\n {2}TPM (ab){32}\n {2}never activated, PCR 0 0000/);
  await lethe('gateway', 'forget', 'zrh-10', '--firmware');
  await lethe('gateway', 'forget', 'zrh-10');
  await assert.rejects(run([...NODE, program('activator')]), /usage: activator/);
  await assert.rejects(run([...NODE, program('activator'), '--config', at('nowhere')]), /cannot be read/);
  await assert.rejects(run([...NODE, program('activator'), '--config', at('bad.json')]), /line 1/);
  await assert.rejects(run([...NODE, program('activator'), '--config', config]), /Cannot listen/);
  await assert.rejects(run([...NODE, program('activation'), '--operator', at('bad.json')]), /bad\.json: line 1/);
});
