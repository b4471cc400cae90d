// SPDX-License-Identifier: AGPL-3.0-or-later

import type { GatewayPlan } from '../../contracts/plan/plan.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { Accounts } from '../accounts/account.ts';
import type { Credentials } from '../accounts/credential.ts';
import type { Devices } from '../accounts/device.ts';
import type { Remembered } from '../accounts/remembered.ts';
import type { Locations } from '../fleet/location.ts';
import type { Activation } from '../installs/activation.store.ts';

export type { Licence } from '../../core/licences/licence.ts';
export type {
  AccountId,
  AccountNumber,
  Accounts,
  Customer,
  SignIn,
  SignInRefusal,
  SignInToken,
  SignUp,
} from '../accounts/account.ts';
export type { Credentials, VpnCredentials } from '../accounts/credential.ts';
export type { Device, DeviceRefusal, Devices } from '../accounts/device.ts';
export type { Remembered, RememberedRow } from '../accounts/remembered.ts';
export type { Locations } from '../fleet/location.ts';

export interface SeatsInUse {
  /** How many sessions of the licence are live now. Known from memory only. */
  used(licence: LicenceId): number;
}

/** What is the same for every customer and goes into the profiles that the portal hands out. */
export interface ServiceProfile {
  /** The operator's name for the service, up to 60 characters. */
  readonly name: string;
  /** PEM. Signs the gateways' server certificates. */
  readonly caCertificate: string;
  /** OpenVPN static key file, the whole text. */
  readonly tlsCryptKey: string;
  /** Pools, ports and inner service addresses; the same on every gateway. */
  readonly inside: Pick<GatewayPlan, 'service4' | 'service6' | 'heartbeatPort' | 'tunnels'>;
}

/** Everything that a surface (portal or API) may do. */
export interface PortalServices {
  readonly profile: ServiceProfile;
  readonly accounts: Accounts;
  readonly credentials: Credentials;
  readonly devices: Devices;
  readonly seats: SeatsInUse;
  readonly locations: Locations;
  readonly remembered: Remembered;
  readonly activate: (activation: Activation) => Promise<void>;
}
