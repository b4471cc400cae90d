// SPDX-License-Identifier: AGPL-3.0-or-later

import { innerAddresses } from '../../contracts/plan/pool.ts';
import type { Device as CustomerDevice, DeviceRefusal } from '../accounts/device.ts';
import type { Door } from './door.ts';
import type { ApiProblem } from './problem.ts';
import { Device, DeviceRequest, Devices } from './schemas.ts';
import type { ApiServices } from './services.ts';

const DEVICE_REFUSALS = {
  malformed: 'key_malformed',
  taken: 'key_taken',
  too_many: 'too_many_keys',
  no_room: 'no_room',
} as const satisfies Record<DeviceRefusal, ApiProblem>;

/** WireGuard keys. The server never sees a private one. */
export function serveDevices(door: Door, { changes, devices, wireguard }: ApiServices): void {
  const answer = ({ publicKey, host }: CustomerDevice) => {
    const [address4, address6] = innerAddresses(wireguard, host);
    return { public_key: publicKey, address4, address6 };
  };
  door.serve(
    {
      method: 'get',
      path: '/api/v1/devices',
      summary: 'Your WireGuard keys, each with its addresses inside the tunnel.',
      signedIn: true,
      body: undefined,
      status: 200,
      answer: Devices,
      refusals: [],
    },
    async ({ customer }) => ({ devices: (await devices.list(customer)).map(answer) }),
  );
  door.serve(
    {
      method: 'post',
      path: '/api/v1/devices',
      summary: 'Adds a WireGuard public key. The private key stays with you.',
      signedIn: true,
      body: DeviceRequest,
      status: 201,
      answer: Device,
      refusals: [...Object.values(DEVICE_REFUSALS), 'busy'],
    },
    async ({ customer, body }) => {
      if (!changes.spend(customer.account)) return 'busy';
      const device = await devices.add(customer, body.public_key);
      return typeof device === 'string' ? DEVICE_REFUSALS[device] : answer(device);
    },
  );
  door.serve(
    {
      method: 'delete',
      path: '/api/v1/devices/{public_key}',
      summary:
        'Removes a WireGuard public key, written in the path as it was given (percent-encoded), or as base64url.',
      signedIn: true,
      body: undefined,
      status: 204,
      answer: undefined,
      refusals: ['not_found', 'busy'],
    },
    async ({ customer, parameter }) => {
      if (!changes.spend(customer.account)) return 'busy';
      const key = base64Of(parameter('public_key'));
      return (await devices.remove(customer, key)) ? undefined : 'not_found';
    },
  );
}

/** Hostile input: any text. Base64 and base64url, with or without what fills them up, are one key. */
function base64Of(text: string): string {
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return plain.padEnd(Math.ceil(plain.length / 4) * 4, '=');
}
