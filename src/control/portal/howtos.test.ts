// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOWTOS } from './howtos.ts';

/** What is typed, by way to connect: text between backquotes. */
function typed(): string[][] {
  return HOWTOS.linux.methods.map(({ steps }) =>
    steps.flatMap((step) => [...step.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)),
  );
}

/** Debian packages without which a program that is typed does not do what the files ask of it. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'nmcli connection import type openvpn': ['network-manager-openvpn'],
  // The files name a resolver: wg-quick hands it to a program of a package that wireguard-tools only suggests.
  'wg-quick': ['wireguard-tools', 'openresolv'],
  // The gateway asks for the identity by EAP: that is one of the extra plugins, which nothing recommends.
  swanctl: ['strongswan-swanctl', 'charon-systemd', 'libcharon-extra-plugins', 'libcharon-extauth-plugins'],
};

test('each way on Linux installs what its commands need on a bare Debian', () => {
  const met = new Set<string>();
  for (const commands of typed()) {
    const packages = commands.flatMap((command) => /^apt install (.+)$/.exec(command)?.[1]?.split(' ') ?? []);
    const installed = new Set(packages);
    for (const [program, needed] of Object.entries(NEEDED)) {
      if (!commands.some((command) => command.startsWith(program))) continue;
      met.add(program);
      for (const name of needed) assert.ok(installed.has(name), `${program} needs ${name}`);
    }
  }
  assert.deepEqual([...met].toSorted(), Object.keys(NEEDED).toSorted());
});
