// SPDX-License-Identifier: AGPL-3.0-or-later
import type { TunnelPlan } from '../../contracts/plan/plan.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { AccountLimiter } from '../accounts/account-limiter.ts';
import type { Accounts } from '../accounts/account-service.ts';
import type { Credentials } from '../accounts/credential-service.ts';
import type { Devices } from '../accounts/device-service.ts';
import type { Remembered } from '../accounts/remembered.ts';
import type { Locations } from '../fleet/signed-locations.ts';
import type { Activation } from '../installs/activation.store.ts';
import type { LiveSeats } from '../seats/seats.ts';

/** What the API works with. */
export interface ApiServices {
  readonly accounts: Accounts;
  readonly credentials: Credentials;
  readonly devices: Devices;
  readonly seats: Pick<LiveSeats, 'used'>;
  readonly locations: Locations;
  readonly remembered: Remembered;
  readonly changes: Pick<AccountLimiter, 'spend'>;
  readonly activate: (activation: Activation) => Promise<void>;
  /** Where devices have their addresses. */
  readonly wireguard: Pick<TunnelPlan, 'pool4' | 'pool6'>;
  readonly journal: Journal;
}
