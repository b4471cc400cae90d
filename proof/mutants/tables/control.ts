// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const CONTROL: Table = {
  'src/control/accounts/account-limiter.ts': [
    ['if (fullAt - now > this.#limits.burst * each) return false;', ''],
    ['Math.max(this.#fullAt[bucket] as number, now) + each', 'now + each'],
  ],
  'src/control/accounts/credential.ts': [['LENGTH = 20', 'LENGTH = 8']],
  'src/control/accounts/device-key.ts': [
    ['SMALL_ORDER.has(point.toString', 'false && SMALL_ORDER.has(point.toString'],
    ['point.readUInt8(31) & 0x7f', 'point.readUInt8(31)'],
    ["    `ed${'ff'.repeat(30)}7f`,\n", ''],
    ["if (key.toString('base64') !== text) return undefined;", ''],
  ],
  'src/control/accounts/failure-limiter.ts': [
    ['if (wait > longest) return false;', ''],
    ['if (wait > 0) await this.#wait(wait);', ''],
  ],
  'src/control/accounts/forms.ts': [
    ['if (!sameBytes(bytes.subarray(BODY), this.#digest(`field ${purpose}`, body, MAC))) return undefined;', ''],
    ['age < 0 || age > 1', 'age < 0'],
    ['age < 0 ||', ''],
    ['if (at > CHANCE) throw', 'if (false) throw'],
    ['if (!FIELD.test(field)) return undefined;', ''],
  ],
  'src/control/accounts/number.ts': [
    ["if (typed.length > LONGEST) return 'malformed';", ''],
    ['if (high !== digits[RANDOM_CHARACTERS] || low', 'if (low'],
  ],
  'src/control/accounts/trial-keys.ts': [['if (emptyAt - now > BURST * this.#each) return false;', '']],
};
