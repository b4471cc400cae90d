// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const VERIFY: Table = {
  'src/verify/attestation/continuity.ts': [
    ['last !== undefined && hasGoneBack(last, now.clock)', 'false'],
    ['resets < last.resets', 'resets <= last.resets - 2'],
    ['restarts < last.restarts ||', 'false ||'],
    ['|| milliseconds < last.milliseconds', ''],
    ['if (clock.resets === last?.resets)', 'if (false)'],
    ['return sameBytes(handover, new Uint8Array(PCR_LENGTH)) ?', 'return true ?'],
    ["if (last === undefined) return 'not_activated';", 'if (last === undefined) return undefined;'],
    ['resets !== last.resets || restarts !== last.restarts', 'resets !== last.resets'],
    ['if (!sameBytes(now.attestationKey, last.attestationKey))', 'if (false)'],
    ['if (!sameBytes(now.keys, last.keys))', 'if (false)'],
    ['sameBytes(now.handover, handedOver(last.secrets))', 'true'],
  ],
  'src/verify/attestation/evidence.ts': [
    ['wrapped(nonce), keysDigest(keys)', 'keysDigest(keys)'],
    ['${purpose}\\0', '\\0'],
    ['[server, wireguard, handover]', '[server, wireguard]'],
    ['only?.bank === ALGORITHM.sha256 &&', ''],
    ['more.length === 0 &&', ''],
  ],
  'src/verify/attestation/judge.ts': [
    ['evidence.quote.length > MAXIMUM.quote ?', 'false ?'],
    ["|| !verify('sha256', evidence.quote, key, signature)", ''],
    ['if (!sameBytes(quote.qualifiedSigner', 'if (false && !sameBytes(quote.qualifiedSigner'],
    ['if (!sameBytes(evidence.nonce, nonce))', 'if (false)'],
    ['if (!sameBytes(quote.extraData,', 'if (false && !sameBytes(quote.extraData,'],
    ['if (!isAgreedSelection(quote.selections))', 'if (false)'],
    ['|| !sameBytes(sha256(pcrs), quote.pcrDigest))', ')'],
    ['if (!eventsHold(log.events))', 'if (false)'],
    ['measured.every((pcr)', 'measured.some((pcr)'],
    ['if (!sameBytes(values[12], ZERO))', 'if (false)'],
    ['sameBytes(known.code, firmware.code) &&', ''],
    ['bytes.length > MAXIMUM.log ?', 'false ?'],
    ['&& sameBytes(known.drivers, firmware.drivers)', ''],
  ],
  'src/verify/attestation/policy.ts': [
    ["if (!policy.releases.some((release) => sameBytes(release.pcrs[7], pcrs[7]))) return refused('secure_boot');", ''],
    ['if (shown.some((release) => release.revoked))', 'if (false)'],
    ['now < release.notBefore', 'false'],
    ['now >= release.notAfter', 'now > release.notAfter'],
    ['compareVersions(release.version, policy.minimum) < 0', 'compareVersions(release.version, policy.minimum) < -9'],
    ["[left[4] ?? '~', right[4] ?? '~']", "[left[4] ?? '', right[4] ?? '']"],
    ['([4, 7, 9, 11] as const)', '([4, 7, 11] as const)'],
  ],
  'src/verify/attestation/replay.ts': [
    ['events.every(', 'events.some('],
    ['if (pcr === 0) value', 'if (false) value'],
    ['  EVENT.variableAuthority,\n]);', ']);'],
  ],
};
