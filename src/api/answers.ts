// SPDX-License-Identifier: AGPL-3.0-or-later
import { isoDate } from '../clock/clock.ts';
import type { VpnCredentials } from '../credentials/credential.ts';
import type { Licence } from '../licences/licence.ts';

export function licenceAnswer(licence: Licence) {
  return { expires_on: isoDate(licence.expiresOn), seats: licence.seats };
}

export function credentialsAnswer({ username, password, ikePassword }: VpnCredentials) {
  return { username, password, ike_password: ikePassword };
}
