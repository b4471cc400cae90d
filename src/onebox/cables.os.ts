// SPDX-License-Identifier: AGPL-3.0-or-later

import type { Uplink } from '../host/machines/cabling.os.ts';
import { joinByCable, type Namespace } from '../host/namespaces/namespace.os.ts';
import { CommandError } from '../host/processes/process.os.ts';
import { CannotStart } from './machine.os.ts';
import { cableNames, type MachineCables } from './publish.ts';

/** Two short cables between the machine and a gateway: one for what gateway and control say, one to the world. */
export interface Cables extends MachineCables {
  /** What a virtual machine in the gateway's place has to know about the second cable. */
  readonly uplink: Omit<Uplink, 'address4'>;
}

/**
 * TCP ports on the first cable, which the machine's rules keep for it alone. They are fixed, so that a program that was
 * started again is found.
 */
export const FLEET_PORT = 8443;
export const ACTIVATOR_PORT = 8444;

/** Services that run side by side on one machine; each takes the first free place. */
const PLACES = 64;
/** Room for the two ends, and for the namespace around a virtual machine. */
const UPLINK_PREFIX = 29;

/**
 * Lays the first cable always, the second unless the gateway is cabled to somewhere else. The machine's ends are named
 * after the place, and the kernel removes them with the gateway's namespace.
 */
export async function layCables(gateway: Namespace, uplink: boolean): Promise<Cables> {
  for (let place = 0; place < PLACES; place += 1) {
    const at = (host: number) => `10.66.${place}.${host}`;
    const name = `lethe${place}`;
    try {
      await joinByCable(
        { namespace: undefined, name: cableNames(name).control, addresses: [`${at(1)}/30`] },
        { namespace: gateway, name: 'control', addresses: [`${at(2)}/30`] },
      );
    } catch (error) {
      if (error instanceof CommandError && error.output.includes('File exists')) continue;
      throw error;
    }
    const cables: Cables = {
      name,
      network: `${at(0)}/24`,
      controlAddress: at(1),
      gatewayAddress: at(10),
      uplink: { router4: at(9), prefix: UPLINK_PREFIX, namespace4: at(11) },
    };
    if (uplink) await layUplink(gateway, cableNames(name).uplink, cables);
    return cables;
  }
  throw new CannotStart(`${PLACES} services run on this machine already.`);
}

async function layUplink(gateway: Namespace, name: string, { gatewayAddress, uplink }: Cables): Promise<void> {
  await joinByCable(
    { namespace: undefined, name, addresses: [`${uplink.router4}/${uplink.prefix}`] },
    { namespace: gateway, name: 'uplink', addresses: [`${gatewayAddress}/${uplink.prefix}`] },
  );
  await gateway.run(['ip', 'route', 'add', 'default', 'via', uplink.router4]);
}

/** Whether this kernel carries ESP; if not, charon does it itself, more slowly. */
export async function kernelCarriesEsp(namespace: Pick<Namespace, 'run'>): Promise<boolean> {
  const state = ['src', '192.0.2.1', 'dst', '192.0.2.2', 'proto', 'esp', 'spi', '0x100', 'mode', 'tunnel'];
  try {
    await namespace.run([
      'ip',
      'xfrm',
      'state',
      'add',
      ...state,
      'aead',
      'rfc4106(gcm(aes))',
      `0x${'00'.repeat(20)}`,
      '128',
    ]);
    await namespace.run(['ip', 'xfrm', 'state', 'flush']);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
