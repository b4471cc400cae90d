// SPDX-License-Identifier: AGPL-3.0-or-later
import type { PlannedProtocol } from '../protocol.ts';
import { render } from './render.ts';

export const WIREGUARD_PLANNED: PlannedProtocol<'wireguard'> = {
  name: 'wireguard',
  ports: ({ port }) => ({ udp: [port], tcp: [] }),
  render,
};
