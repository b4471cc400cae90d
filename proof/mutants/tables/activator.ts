// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const ACTIVATOR: Table = {
  'src/activator/config.ts': [['|| config.issuer !== undefined || config.gatewayDomain !== undefined', '|| true']],
  'src/activator/releases.cli.ts': [
    ["if (variant !== 'release') return", 'if (false) return'],
    ['|| until <= from', ''],
    ['{ ...release, revoked: true }', '{ ...release }'],
  ],
  'src/activator/serve.os.ts': [['if (length > LONGEST.toActivator) return undefined;', '']],
};
