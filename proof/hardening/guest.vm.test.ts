// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ESP_PROPOSALS } from '../../src/contracts/plan/ikev2/render.ts';
import { builtImage, unpackRoot } from '../labs/image/built-image.os.ts';
import { ATTACKS, attackLine } from './attacks.ts';
import { BASELINE, baselineScript, unmet } from './baseline/baseline.ts';
import { EXPOSURE_CEILINGS, exposureOf } from './exposure.ts';
import { type Guest, openGuest } from './guest.os.ts';
import { judgeListing, listingCommand } from './listing.ts';
import { auditTree } from './lynis.os.ts';
import { LYNIS_FLOOR, unanswered } from './lynis.ts';
import { profileNames } from './recipe.os.ts';

/** Long-running services, with the user that each runs as. */
const DAEMONS: Readonly<Record<string, number>> = {
  'lethe-resolver': 901,
  'lethe-openvpn-udp': 902,
  'lethe-openvpn-tcp': 902,
  'lethe-charon': 903,
  'lethe-wireguard': 904,
  'lethe-flows': 907,
  'lethe-agent': 900,
};

let guest: Guest;

/** A module of Debian's that is in the image and that no gateway asks for. */
const LOAD = '/usr/sbin/modprobe dummy';
/** What loading it said before the gateway served. */
let loaded: number;

before(async () => {
  guest = await openGuest(async ({ probe }) => {
    loaded = (await probe.run(`${LOAD} && /usr/sbin/modprobe --remove dummy`)).code;
  });
});

after(async () => {
  await guest?.close();
});

/** Output, whatever the command ends with. */
async function said(command: string): Promise<string> {
  return (await guest.machine.probe.run(command)).output.toString();
}

test('every daemon runs as its own user, confined, filtered, and with the library that wipes', async () => {
  for (const [service, uid] of Object.entries(DAEMONS)) {
    const pid = (await guest.text(`systemctl show -P MainPID ${service}`)).trim();
    assert.equal(await guest.text(`cat /proc/${pid}/attr/apparmor/current`), `${service} (enforce)\n`);
    const status = await guest.text(`cat /proc/${pid}/status`);
    assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'), service);
    assert.match(status, /^NoNewPrivs:\t1$/m, service);
    assert.match(status, /^Seccomp:\t2$/m, service);
    assert.match(await guest.text(`cat /proc/${pid}/maps`), / \/usr\/lib\/lethe\/wipe\.so$/m, service);
  }
  assert.equal(await said('systemctl --failed --no-legend --plain'), '');
});

/** Ports that are open to any sender: they have no remote end yet. */
async function openPorts(protocol: 'udp' | 'tcp'): Promise<number[]> {
  const table = await guest.text(`cat /proc/net/${protocol} /proc/net/${protocol}6`);
  const found = table.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) 0+:0000 /gm);
  const ports = new Set(Array.from(found, ([, port]) => Number(`0x${port}`)));
  return Array.from(ports).toSorted((a, b) => a - b);
}

test('each tunnel listens, and nothing else does', async () => {
  // 53 and 8440 are inside the tunnels, 68 is where addresses come from. Without an auth file the agent answers no charon.
  assert.deepEqual(await openPorts('udp'), [53, 68, 500, 1194, 4500, 51_820]);
  assert.deepEqual(await openPorts('tcp'), [53, 443, 8440]);
  assert.match(await guest.text('ip address show wg0'), /100\.64\.0\.1\/10/);
});

test('what a daemon that was taken over would do is denied, and works without the profile', async () => {
  assert.ok(ATTACKS.length >= 12);
  for (const attack of ATTACKS) {
    const confined = await said(attackLine(attack, true));
    assert.doesNotMatch(confined, attack.succeeded, `${attack.name}: ${confined.slice(0, 500)}`);
    const free = await said(attackLine(attack, false));
    assert.match(free, attack.succeeded, `the control of: ${attack.name}`);
  }
  const attacked = new Set(ATTACKS.map(({ profile }) => profile));
  for (const profile of attacked) assert.ok(profileNames().includes(profile));
});

test('the baseline holds', async () => {
  const said = (await guest.machine.probe.run(baselineScript(BASELINE))).output.toString();
  assert.deepEqual(unmet(BASELINE, said), []);
});

test('once the gateway serves, root loads no module, not even one that Debian signed', async () => {
  assert.equal(loaded, 0, 'the control: it could be loaded before');
  assert.match(await said(LOAD), /could not insert 'dummy': Operation not permitted/);
  assert.match(await said('echo 0 >/proc/sys/kernel/modules_disabled'), /Invalid argument/);
  assert.equal(await guest.text('cat /proc/sys/kernel/modules_disabled'), '1\n');
});

/** What the kernel carries ESP with, for a proposal that the gateway offers. */
function kernelCipher(proposal: string): string {
  const key = (bytes: number) => `0x${'a5'.repeat(bytes)}`;
  // 32 bytes of key; GCM has 4 of salt, the hash a key of its own, cut to 16 bytes (RFC 4868).
  if (proposal.startsWith('aes256gcm16')) return `aead "rfc4106(gcm(aes))" ${key(36)} 128`;
  assert.match(proposal, /^aes256-sha256(?!\d)/, `the kernel's words for ${proposal}`);
  return `enc "cbc(aes)" ${key(32)} auth-trunc "hmac(sha256)" ${key(32)} 128`;
}

test('without another module the kernel carries every cipher that IKEv2 offers, and a new WireGuard', async () => {
  const ciphers = [...new Set(ESP_PROPOSALS.map(kernelCipher))];
  assert.equal(ciphers.length, 2);
  const ends = ['src 192.0.2.10 dst 192.0.2.11', 'src 2001:db8::10 dst 2001:db8::11'];
  const nat = 'encap espinudp 4500 4500 0.0.0.0';
  for (const [index, state] of ends.flatMap((end) => ciphers.map((cipher) => [end, cipher] as const)).entries()) {
    const [end, cipher] = state;
    for (const [way, spi] of [
      ['', 4096 + 2 * index],
      [nat, 4097 + 2 * index],
    ] as const) {
      const add = `/usr/bin/ip xfrm state add ${end} proto esp spi ${spi} mode tunnel ${cipher} ${way}`;
      assert.equal(await said(add), '', `${end} ${cipher} ${way}`);
      await guest.text(`/usr/bin/ip xfrm state delete ${end} proto esp spi ${spi}`);
    }
  }
  await guest.text('/usr/bin/ip link add wg9 type wireguard && /usr/bin/ip link delete wg9');
});

test('Lynis, asked about the image with the kernel of this guest, finds nothing that has no answer', async (t) => {
  const work = mkdtempSync(join(tmpdir(), 'lethe-lynis-'));
  try {
    const kernel = {
      settings: await guest.text('/usr/sbin/sysctl --all 2>/dev/null'),
      ruleset: await guest.text('/usr/sbin/nft list ruleset'),
    };
    const root = await unpackRoot(await builtImage(), work);
    const report = await auditTree(root, kernel, join(work, 'lynis'));
    t.diagnostic(`Lynis: hardening index ${report.index} of 100 after ${report.tests} tests`);
    assert.deepEqual(unanswered(report), { open: [], idle: [] });
    assert.ok(report.index >= LYNIS_FLOOR, `the hardening index is ${report.index}`);
    assert.ok(report.tests >= 200, `${report.tests} tests were carried out`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

test('systemd finds no more open in the guest than was promised', async () => {
  for (const [service, ceiling] of Object.entries(EXPOSURE_CEILINGS)) {
    const found = exposureOf(await guest.text(`systemd-analyze security --no-pager ${service}.service`));
    assert.ok(found <= ceiling, `${service}: ${found} is more than ${ceiling}`);
  }
});

test('the configuration in the guest keeps silent, and no other is there', async () => {
  const listing = await guest.text(listingCommand('/run/lethe'));
  const read = async (name: string) => (await guest.machine.probe.file(`/run/lethe/${name}`)).toString();
  assert.deepEqual(await judgeListing(listing, read), []);
  const others = '/etc/openvpn /etc/unbound /etc/strongswan.d /etc/strongswan.conf /etc/swanctl /etc/ipsec.conf';
  assert.equal(await said(`ls -d ${others} /etc/wireguard /etc/nftables.conf /var/lib/unbound/* 2>/dev/null`), '');
  assert.equal(
    await said('systemctl is-active systemd-journald.service systemd-journald.socket | sort -u'),
    'inactive\n',
  );
});

test('a service whose profile is missing does not start', async () => {
  const drop = '/run/systemd/system/lethe-resolver.service.d';
  await guest.text(`mkdir -p ${drop} && printf '[Service]\\nAppArmorProfile=lethe-nobody\\n' >${drop}/90-test.conf`);
  await guest.text('systemctl daemon-reload && systemctl restart --no-block lethe-resolver');
  await guest.until('systemctl show -P ExecMainStatus lethe-resolver', /^231$/m);
  assert.notEqual((await said('systemctl is-active lethe-resolver')).trim(), 'active');
  await guest.text(`rm ${drop}/90-test.conf && systemctl daemon-reload && systemctl restart --no-block lethe-resolver`);
  await guest.until('systemctl is-active lethe-resolver', /^active$/m);
});

test("peers are carried to the kernel's WireGuard and back", async () => {
  const key = 'c7'.repeat(32);
  const ask = (request: string) => guest.text(`printf '${request}\\n\\n' | /usr/lib/lethe/wireguard wg0`);
  const peer = `public_key=${key}\\nreplace_allowed_ips=true\\nallowed_ip=100.64.0.9/32\\nallowed_ip=fd6c:6574:6865:4::9/128`;
  assert.equal(await ask(`set=1\\n${peer}`), 'errno=0\n\n');
  assert.match(
    await ask('get=1'),
    new RegExp(`^public_key=${key}\nlast_handshake_time_sec=0\n[^]*allowed_ip=100.64.0.9/32\n[^]*errno=0\n\n$`),
  );
  // The agent has no auth file that names it, so it may take it away at any time; both are as they should be.
  assert.equal(await ask(`set=1\\npublic_key=${key}\\nremove=true`), 'errno=0\n\n');
  assert.equal(await ask('get=1'), 'errno=0\n\n');
  assert.equal(await ask('set=1\\nprivate_key=00'), 'errno=-22\n\n');
});

test('the daemons that show a certificate read the next one', async () => {
  const command = 'systemctl show -P MainPID lethe-openvpn-udp; systemctl show -P MainPID lethe-openvpn-tcp';
  const before = (await guest.text(command)).trim().split('\n').filter(Boolean);
  const loaded = 'systemctl show -P ExecMainStartTimestampMonotonic lethe-swanctl';
  const first = (await guest.text(loaded)).trim();
  await guest.text('systemctl start lethe-renewed');
  await guest.until(command, new RegExp(`^(?![^]*\\b(?:0|${before.join('|')})\\b)`));
  await guest.until(loaded, new RegExp(`^(?!0$|${first}$)\\d+$`, 'm'));
  await guest.until('systemctl is-active lethe-swanctl', /^active$/m);
});

test('a daemon that dies is started again, and charon has its connections again', async () => {
  const pidOf = async (service: string) => (await said(`systemctl show -P MainPID ${service}`)).trim();
  for (const service of Object.keys(DAEMONS)) {
    const pid = await pidOf(service);
    await guest.text(`kill -9 ${pid}`);
    await guest.until(`systemctl show -P MainPID ${service}`, new RegExp(`^(?!0$|${pid}$)\\d+$`, 'm'));
  }
  await guest.until('systemctl is-active lethe-swanctl', /^active$/m);
  await guest.until('cat /proc/net/udp', /:01F4 /);
  await guest.until('cat /proc/net/tcp', /: 0100410A:20F8 /);
});
