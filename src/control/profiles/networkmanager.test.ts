// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EXAMPLE_LOCATIONS, exampleMaterial } from '../../../proof/labs/profiles/example.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { type Namespace, openNamespace } from '../../host/namespaces/namespace.os.ts';
import { untilReady } from '../../host/processes/ready.os.ts';
import { openvpnProfile } from './openvpn.ts';
import { PRIVATE_KEY_PLACEHOLDER, wireguardProfile } from './wireguard.ts';

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=/run/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>`;

/** It manages no device, and knows nothing of the machine's own connections. */
const MANAGER = `[main]
plugins=keyfile
auth-polkit=false
dns=none
rc-manager=unmanaged
[keyfile]
unmanaged-devices=*
`;

/** Its environment keeps it from the machine's bus and from the home directory, where it puts keys on import. */
const ENV = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/run/bus', HOME: '/run/home', LC_ALL: 'C.UTF-8' };

function place(namespace: Namespace, path: string, content: string): void {
  writeFileSync(`/proc/${namespace.pid}/root${path}`, content, { mode: 0o600 });
}

/** A NetworkManager of its own over empty directories. */
async function startNetworkManager(namespace: Namespace): Promise<void> {
  for (const directory of ['/etc/NetworkManager', '/var/lib/NetworkManager']) {
    await namespace.run(['mount', '-t', 'tmpfs', 'tmpfs', directory]);
  }
  for (const directory of ['home', 'NetworkManager', 'none']) mkdirSync(`/proc/${namespace.pid}/root/run/${directory}`);
  place(namespace, '/run/bus.conf', BUS);
  place(namespace, '/run/manager.conf', MANAGER);
  const files = ['--config', '/run/manager.conf', '--config-dir', '/run/none', '--state-file', '/run/state'];
  const bus = await namespace.spawn(['dbus-daemon', '--config-file=/run/bus.conf', '--nofork', '--nopidfile']);
  await untilReady(bus, 'dbus-daemon', () => existsSync(`/proc/${namespace.pid}/root/run/bus`));
  const manager = await namespace.spawn(['NetworkManager', '--no-daemon', ...files], { env: ENV });
  const answers = () =>
    namespace.run(['nmcli', 'general', 'status'], { env: ENV }).then(
      () => true,
      () => false,
    );
  await untilReady(manager, 'NetworkManager', answers);
}

test('NetworkManager imports OpenVPN and WireGuard files', async () => {
  const material = await exampleMaterial({ clock: systemClock, random: systemRandom });
  const [zurich] = EXAMPLE_LOCATIONS;
  const gateway = zurich.gateways[0] as (typeof zurich.gateways)[number];
  const namespace = await openNamespace();
  const nmcli = (...argv: string[]) => namespace.run(['nmcli', ...argv], { env: ENV });
  try {
    await startNetworkManager(namespace);
    for (const transport of ['udp', 'tcp'] as const) {
      const { fileName, content } = openvpnProfile(material, zurich, transport);
      place(namespace, `/run/${fileName}`, content);
      await nmcli('connection', 'import', 'type', 'openvpn', 'file', `/run/${fileName}`);
    }
    const shown = await nmcli('connection', 'show', 'lethe-ch-zrh-udp');
    assert.match(shown, /remote = 192\.0\.2\.1:1194:udp\\?, 192\.0\.2\.2:1194:udp/);
    assert.match(shown, /verify-x509-name = name-prefix:zrh-0/);
    assert.match(shown, /data-ciphers = AES-256-GCM:CHACHA20-POLY1305/);
    assert.match(shown, /connection-type = password/);
    assert.match(await nmcli('connection', 'show', 'lethe-ch-zrh-tcp'), /proto-tcp = yes|:443:tcp/);

    const { fileName, content } = wireguardProfile(material, zurich, gateway, 2);
    const key = (await namespace.run(['wg', 'genkey'])).trim();
    place(namespace, `/run/${fileName}`, content.replace(PRIVATE_KEY_PLACEHOLDER, key));
    await nmcli('connection', 'import', 'type', 'wireguard', 'file', `/run/${fileName}`);
    const wireguard = await nmcli('connection', 'show', 'zrh-01');
    assert.match(wireguard, /ipv4\.addresses: +100\.64\.0\.2\/32/);
    assert.match(wireguard, /ipv6\.dns: +fd6c:6574:6865:ff::1/);
  } finally {
    await namespace.close();
  }
});
