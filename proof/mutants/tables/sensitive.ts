// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const SENSITIVE: Table = {
  'src/gateway/sensitive/conversations.ts': [
    ['if (end - start !== KEY) return undefined;', ''],
    ["conversation === undefined || conversation.stage === 'free'", 'conversation === undefined'],
    ['secretStandsAt(bytes, start, conversation.key) ? conversation : undefined', 'conversation'],
    ['|| place.expires > now) continue;', ') continue;'],
    ['i < 17; i += 1) if (this.asked', 'i < 2; i += 1) if (this.asked'],
    ['    this.ntHash.fill(0);\n', ''],
  ],
  'src/gateway/sensitive/eap.ts': [
    ['|| packet[value - 1] !== RESPONSE_VALUE', ''],
    ['length < value + RESPONSE_VALUE ||', ''],
    ['length < HEADER || length > received', 'length < HEADER'],
    ["packet[0] !== CODE.response) return 'other'", "false) return 'other'"],
  ],
  'src/gateway/sensitive/mschapv2.ts': [
    ['const right = secretStandsAt(response.bytes, response.ntResponse, expected);', 'const right = true;'],
    ['sha1.update(serverChallenge, 0, 16);', ''],
    [
      'const expected = new Uint8Array(new ArrayBuffer(24));',
      'const expected = new Uint8Array(new ArrayBuffer(24)).subarray(0, 16);',
    ],
  ],
  'src/gateway/sensitive/openvpn-environment.ts': [
    ['if (this.#passwordLength === 0) return undefined;', ''],
    ['|| hasControl(line, start, end)) return 0;', ') return 0;'],
    [
      'if (end - start > LONGEST || hasControl(line, start, end)) return 0;',
      'if (hasControl(line, start, end)) return 0;',
    ],
    ['end, AUTHENTICATED);', 'end, AUTHENTICATED) || true;'],
  ],
  'src/gateway/sensitive/openvpn.ts': [['if (cid < 0 || inner < 0) return false;', '']],
  'src/gateway/sensitive/radius-packet.ts': [
    ['if (size < 2 || at + size > length) return false;', 'if (size < 2) return false;'],
    ["return sound ? 'ok' : 'forged';", "return 'ok';"],
    ['end - start <= 128 &&', ''],
    ['|| this.length > received ||', '||'],
    ["if (at === 0) return 'unsigned';", ''],
    ['|| this.length > MAX_RADIUS_PACKET)', ')'],
    [
      'return this.code === CODE.accessRequest ? this.#verifyAccess() : this.#verifyAccounting();',
      "return this.code === CODE.accessRequest ? this.#verifyAccess() : 'ok';",
    ],
    ['return first && end - start === AUTHENTICATOR;', 'return end - start === AUTHENTICATOR;'],
    ['if (this.eapLength + end - start > MAX_EAP_PACKET) return false;', ''],
  ],
  'src/gateway/sensitive/uapi-reply.ts': [
    ['byte >= 0x41 && byte <= 0x46 ? -1 :', ''],
    ['if (end - start !== 2 * KEY) return false;', ''],
    ['|| this.#length === LONGEST_LINE)', ')'],
    ['if (this.#whole4 + this.#whole6 !== 2 || this.#others !== 0) return false;', ''],
  ],
};
