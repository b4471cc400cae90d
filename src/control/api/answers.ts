// SPDX-License-Identifier: AGPL-3.0-or-later
import { isoDate } from '../../core/clock/clock.ts';
import type { Licence } from '../../core/licences/licence.ts';
import type { VpnCredentials } from '../accounts/credential.ts';

export function licenceAnswer(licence: Licence) {
  return { expires_on: isoDate(licence.expiresOn), seats: licence.seats, trial: licence.trial };
}

export function credentialsAnswer({ username, password, ikePassword }: VpnCredentials) {
  return { username, password, ike_password: ikePassword };
}
