// SPDX-License-Identifier: AGPL-3.0-or-later
import { IKEV2_PLANNED } from '../../../contracts/plan/ikev2/protocol.ts';
import type { TunnelProtocol } from '../protocol.ts';
import { IKEV2_JUDGE } from './nologging.ts';

export const IKEV2: TunnelProtocol<'ikev2'> = {
  ...IKEV2_PLANNED,
  program: 'charon',
  user: 'charon',
  judge: IKEV2_JUDGE,
  async start({ namespace, directory, options }) {
    const { startCharon } = await import('./start.os.ts');
    return await startCharon(namespace, directory, options);
  },
  async adapter() {
    const { Ikev2Adapter } = await import('./adapter.os.ts');
    return ({ radiusSecret, ...parts }) => new Ikev2Adapter({ ...parts, secret: radiusSecret });
  },
};
