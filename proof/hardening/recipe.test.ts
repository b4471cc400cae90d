// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { test } from 'node:test';
import { IMAGE_USERS } from '../../src/contracts/plan/plan.ts';
import { knownEntries } from '../../src/core/configuration/judge.ts';
import { GATEWAY_JUDGES, isEntered } from '../../src/gateway/agent/judges.ts';
import { TUNNEL_PROTOCOLS } from '../../src/gateway/tunnels/protocols.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { EXPOSURE_CEILINGS, exposureOf } from './exposure.ts';
import { IMAGE, IMAGE_FILES, profileFile, profileNames, serviceNames, unitFiles } from './recipe.os.ts';

/** Units that do what another does, with its profile. */
const SHARED: Readonly<Record<string, string>> = {
  'lethe-closed': 'lethe-firewall',
  'lethe-keys': 'lethe-activation',
  'lethe-renewal': 'lethe-activation',
};

async function exposure(service: string): Promise<number> {
  const analyze = ['systemd-analyze', 'security', '--offline=true', `--root=${IMAGE_FILES}`, '--no-pager'];
  return exposureOf(await run([...analyze, `${service}.service`]));
}

test('systemd finds no more open than was promised, in every service', async () => {
  assert.deepEqual(serviceNames().toSorted(), Object.keys(EXPOSURE_CEILINGS).toSorted());
  for (const [service, ceiling] of Object.entries(EXPOSURE_CEILINGS)) {
    const found = await exposure(service);
    assert.ok(found <= ceiling, `${service}: ${found} is more than ${ceiling}`);
  }
  assert.throws(() => exposureOf('nothing'), SyntaxError);
});

test('every service but the one that loads them has a profile, of its own or shared with its kin', () => {
  const used = serviceNames().map((service) => {
    const profile = /^AppArmorProfile=(.*)$/m.exec(readFileSync(unitFiles(service).rights, 'utf8'))?.[1];
    return [service, profile] as const;
  });
  for (const [service, profile] of used) {
    const expected = SHARED[service] ?? service;
    assert.equal(profile, service === 'lethe-apparmor' ? undefined : expected, service);
  }
  assert.deepEqual(profileNames().toSorted(), [...new Set(used.flatMap(([, profile]) => profile ?? []))].toSorted());
});

test('the firewall knows the users of the image by their numbers', () => {
  const numbers = readFileSync(join(IMAGE, 'users.txt'), 'utf8');
  const names = {
    agent: 'gateway',
    resolver: 'resolver',
    openvpn: 'openvpn',
    charon: 'charon',
    activation: 'activation',
  };
  for (const [role, name] of Object.entries(names)) {
    const uid = Number(new RegExp(`^_lethe-${name} +(\\d+) `, 'm').exec(numbers)?.[1]);
    assert.equal(IMAGE_USERS[role as keyof typeof IMAGE_USERS], uid, role);
  }
  const closed = readFileSync(join(IMAGE_FILES, 'etc/lethe/closed.nft'), 'utf8');
  assert.deepEqual(closed.match(/meta skuid .*/g), [`meta skuid ${IMAGE_USERS.activation} meta l4proto tcp accept`]);
});

test('the image starts a daemon for each protocol', () => {
  for (const { name, program } of TUNNEL_PROTOCOLS) {
    const unit = [`lethe-${name}`, `lethe-${program}`].find((service) => serviceNames().includes(service));
    assert.notEqual(unit, undefined, name);
  }
});

test('the agent may list each directory and read each file that it judges before it serves', () => {
  const profile = readFileSync(profileFile('lethe-agent'), 'utf8');
  const lists = /^ {2}\/run\/lethe\/\{,(.*)\} r,$/m.exec(profile)?.[1]?.split(',');
  const directories = Object.entries(knownEntries(GATEWAY_JUDGES))
    .filter(([name, kind]) => kind === 'directory' && isEntered(name))
    .map(([name]) => `${name}/`);
  assert.deepEqual(lists?.toSorted(), directories.toSorted());
  const endings = /^ {2}\/run\/lethe\/\*\.\{(.*)\} r,$/m.exec(profile)?.[1]?.split(',') ?? [];
  for (const file of GATEWAY_JUDGES.flatMap(({ files }) => files))
    assert.ok(endings.includes(extname(file).slice(1)), file);
});

test('the loader loads every profile, and each is compiled to enforce', async () => {
  const loader = readFileSync(join(IMAGE_FILES, 'usr/lib/lethe/load-profiles'), 'utf8');
  assert.equal(/^expected='(.*)'$/m.exec(loader)?.[1], profileNames().toSorted().join(' '));
  const directory = mkdtempSync(join(tmpdir(), 'lethe-profiles-'));
  try {
    for (const name of profileNames()) {
      const source = readFileSync(profileFile(name), 'utf8');
      assert.match(source, new RegExp(`^profile ${name} flags=\\(attach_disconnected\\) \\{$`, 'm'));
      const options = ['-Q', '-K', '-b', '/etc/apparmor.d', '-I', dirname(profileFile(name))];
      const features = '/usr/share/apparmor-features/features';
      await run(['apparmor_parser', ...options, '-M', features, '-o', join(directory, name), profileFile(name)]);
      assert.ok(readFileSync(join(directory, name)).length > 1000, name);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** The right to read what others have mapped. Its profile gives it no more of them than that, nor does Yama. */
const LOOKS: Readonly<Record<string, RegExp>> = { 'lethe-integrity': /CAP_SYS_PTRACE/g };

test('no service but the loader may change policy, load modules, trace, or override owners', () => {
  const forbidden = /CAP_(?:SYS_\w+|MAC_\w+|DAC_\w+|SETUID|SETGID|SETPCAP|BPF|PERFMON|MKNOD)|CAP_SETFCAP/;
  for (const service of serviceNames()) {
    const rights = readFileSync(unitFiles(service).rights, 'utf8').replaceAll(LOOKS[service] ?? /$^/g, '');
    if (service !== 'lethe-apparmor') assert.doesNotMatch(rights, forbidden, service);
    assert.doesNotMatch(rights, /^(?:StandardOutput|StandardError|LimitCORE|NoNewPrivileges|LogNamespace)=/m, service);
  }
});

test('a boot that can do nothing more ends, and one that was tampered with ends at once', () => {
  for (const service of ['lethe-activation', 'lethe-renewal', 'lethe-attestation']) {
    const unit = readFileSync(unitFiles(service).unit, 'utf8');
    assert.match(unit, /^OnFailure=lethe-reboot\.service$[^]*^RestartPreventExitStatus=3$/m, service);
  }
  assert.match(readFileSync(unitFiles('lethe-modules').unit, 'utf8'), /^OnFailure=lethe-reboot\.service$/m);
  const target = unitFiles('lethe-modules').unit.replace('lethe-modules.service', 'lethe-gateway.target');
  assert.match(readFileSync(target, 'utf8'), /^Requires=.*\blethe-modules\.service\b/m);
  const reboot = readFileSync(unitFiles('lethe-reboot').unit, 'utf8');
  assert.match(reboot, /^FailureAction=reboot$[^]*^RuntimeMaxSec=1min$[^]*^RuntimeRandomizedExtraSec=4min$/m);
  assert.doesNotMatch(reboot, /^Restart=/m, 'what is started again has not failed');
  assert.match(readFileSync(unitFiles('lethe-integrity').unit, 'utf8'), /^FailureAction=reboot-immediate$/m);
  const profile = readFileSync(profileFile('lethe-integrity'), 'utf8');
  assert.deepEqual(profile.match(/^ {2}(?:capability|ptrace|network|signal|unix|\/.* [a-z]*w).*$/gm), [
    '  capability sys_ptrace,',
    '  ptrace read,',
  ]);
});
