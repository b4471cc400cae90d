// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from './mutant.ts';
import { ACTIVATOR } from './tables/activator.ts';
import { CONTRACTS } from './tables/contracts.ts';
import { CONTROL } from './tables/control.ts';
import { CORE } from './tables/core.ts';
import { GATEWAY } from './tables/gateway.ts';
import { HOST } from './tables/host.ts';
import { ONEBOX } from './tables/onebox.ts';
import { PLAN } from './tables/plan.ts';
import { PORTAL } from './tables/portal.ts';
import { SENSITIVE } from './tables/sensitive.ts';
import { VERIFY } from './tables/verify.ts';

/** Each was seen to be noticed before it was written down here, or says why none can notice it. */
export const MUTANTS: Table = {
  ...ACTIVATOR,
  ...CONTRACTS,
  ...CONTROL,
  ...CORE,
  ...GATEWAY,
  ...HOST,
  ...ONEBOX,
  ...PLAN,
  ...PORTAL,
  ...SENSITIVE,
  ...VERIFY,
};
