// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const CONTRACTS: Table = {
  'src/contracts/activation/messages.ts': [
    ['value.length <= maximum && value', 'value'],
    ['&& value.length >= minimum', ''],
    ['z.literal(true)', 'z.boolean()'],
  ],
  'src/contracts/activation/operator.ts': [
    ['{1,255}$/', '{1,255}/'],
    ['return new X509Certificate(text).ca;', 'return new X509Certificate(text) !== undefined;'],
    [
      'if (!/^-----BEGIN CERTIFICATE-----\\n[A-Za-z0-9+/=\\n]+\\n-----END CERTIFICATE-----\\n?$/.test(text)) return false;',
      '',
    ],
  ],
  'src/contracts/authfile/credential.ts': [
    [
      'if (salt.length !== SALT) throw new RangeError(`a salt has ${SALT} bytes`);',
      'if (false) throw new RangeError(`a salt has ${SALT} bytes`);',
    ],
    [
      'if (parts.some((part) => Buffer.byteLength(part) > LONGEST)) {',
      'if (parts.some((part) => Buffer.byteLength(part) >= LONGEST)) {',
    ],
  ],
  'src/contracts/authfile/entitlement.ts': [
    [
      "if (!/^[0-9a-f]{16}$/.test(usageTag)) throw new RangeError('a usage tag is 16 hex digits');",
      "if (false) throw new RangeError('a usage tag is 16 hex digits');",
    ],
    [
      'if (!Number.isInteger(value) || value < least || value > most) {',
      'if (!Number.isInteger(value) || value <= least || value > most) {',
    ],
    [
      'return high < 0x80 && (high | view.getUint32(at + 1)) !== 0 && view.getUint8(at + 7) !== 0;',
      'return high < 0x80 && (high | view.getUint32(at + 1)) === 0 && view.getUint8(at + 7) !== 0;',
    ],
  ],
  'src/contracts/authfile/layout.ts': [
    ["if (file.length < HEADER) return 'truncated';", "if (false) return 'truncated';"],
    [
      'const reserved = view.getUint16(34) !== 0 || file.subarray(76, SIGNED).some((byte) => byte !== 0);',
      'const reserved = view.getUint16(34) === 0 || file.subarray(76, SIGNED).some((byte) => byte !== 0);',
    ],
    [
      "if (view.getUint32(8) !== LAYOUT || reserved || !Number.isSafeInteger(version)) return 'format';",
      "if (false) return 'format';",
    ],
  ],
  'src/contracts/authfile/open.ts': [
    ["if (typeof header === 'string') return header;", 'if (false) return header;'],
    [
      "if (!verify(null, layout.signedPart(bytes), publicKey, layout.signaturePart(bytes))) return 'signature';",
      "if (false) return 'signature';",
    ],
    [
      "if (bytes.length !== length) return bytes.length < length ? 'truncated' : 'altered';",
      "if (false) return bytes.length < length ? 'truncated' : 'altered';",
    ],
    ["if (!digest.equals(header.digest)) return 'altered';", "if (false) return 'altered';"],
    [
      'for (let at = loginStart; at < nameStart; at += layout.LOGIN) {',
      'for (let at = loginStart; at <= nameStart; at += layout.LOGIN) {',
    ],
    ['if (!isEntitlement(view, at + layout.KEY)) return undefined;', 'if (false) return undefined;'],
    [
      'for (let at = nameStart; at < peerStart; at += layout.NAME) {',
      'for (let at = nameStart; at <= peerStart; at += layout.NAME) {',
    ],
    [
      'if (view.getUint32(at + layout.KEY + layout.NT_HASH) >= header.logins) return undefined;',
      'if (false) return undefined;',
    ],
    [
      'for (let at = peerStart; at < bytes.length; at += layout.PEER) {',
      'for (let at = peerStart; at <= bytes.length; at += layout.PEER) {',
    ],
    [
      'if (byLogin === undefined || byName === undefined || byPeer === undefined) return undefined;',
      'if (false) return undefined;',
    ],
    ['if (at < 0) return undefined;', 'if (false) return undefined;'],
    [
      'for (let at = this.#tables.peerStart; at < this.#bytes.length; at += layout.PEER) yield this.#peerAt(at);',
      'for (let at = this.#tables.peerStart; at <= this.#bytes.length; at += layout.PEER) yield this.#peerAt(at);',
    ],
    ['if (bytes.length - start < layout.PUBLIC_KEY) return undefined;', 'if (false) return undefined;'],
  ],
  'src/contracts/authfile/seal.ts': [
    [
      "if (!Number.isSafeInteger(version) || version < 0) throw new RangeError('a version is a whole number');",
      "if (false) throw new RangeError('a version is a whole number');",
    ],
    [
      "if (new Set(peers.map((peer) => peer.host)).size < peers.length) throw new RangeError('a host has one peer');",
      "if (false) throw new RangeError('a host has one peer');",
    ],
  ],
  'src/contracts/fleet/endpoints.ts': [
    ['Math.min(Number(seconds ?? 0), LONGEST_WAIT)', 'Number(seconds ?? 0)'],
    ['`^Bearer (${TOKEN})$`', '`^Bearer (${TOKEN})`'],
    ['{32,128}', '{1,128}'],
    ['LONGEST_MESSAGE = 8 *', 'LONGEST_MESSAGE = 800 *'],
  ],
  'src/contracts/fleet/expected.ts': [
    ["if (!verify(null, Buffer.concat([DOMAIN, body]), key, given)) return 'signature';", ''],
  ],
  'src/contracts/fleet/messages.ts': [
    ['isDeclared(store, value) &&', ''],
    ['&& schema.safeParse(value).success', ''],
    ['value < 2 ** 39', 'true'],
    ['.refine(namesEachOnce)', ''],
    ['.max(20_000)', ''],
    ['.max(MOST_BEATS)', ''],
    ['{ fatal: true }', '{ fatal: false }'],
  ],
  'src/contracts/usage/event.ts': [
    ['.refine((date) => parseIsoDate(date) !== undefined)', ''],
    ['Math.ceil(bytes', 'Math.floor(bytes'],
  ],
  'src/contracts/usage/isp.ts': [
    ["&& valueAllowed('isp', name) ?", '?'],
    ["valueAllowed('country', text) ? text", 'true ? text'],
  ],
};
