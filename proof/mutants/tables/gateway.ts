// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const GATEWAY: Table = {
  'src/gateway/agent/configuration-check.os.ts': [
    ["if (this.#expected === undefined) return 'drifted';", "if (this.#expected === undefined) return 'in_force';"],
  ],
  'src/gateway/agent/documents.ts': [
    ["&& this.#auth.offer(file.body) === 'in_force'", ''],
    ["&& this.#check.offer(document.body, document.signature) === 'in_force'", ''],
  ],
  'src/gateway/agent/exit.ts': [["if ('refused' in checked)", 'if (false)']],
  'src/gateway/agent/expected.ts': [
    ["if (typeof expected === 'string') return expected;", ''],
    ["if (expected.gateway !== context.gateway) return 'stranger';", ''],
    ['expected.serial < context.inForce.serial', 'false'],
    ["if (found.release !== expected.release) return 'release';", ''],
    ["if (found.location !== expected.location) return 'location';", ''],
    ['found.digestOf(name) !== digest', 'false'],
  ],
  'src/gateway/agent/outbox.ts': [
    ['if (!SENT_EVENT.safeParse(event).success)', 'if (false)'],
    ['const mixed = shuffled(this.#random, leaving);', 'const mixed = leaving;'],
    ['below(this.#random, 2) === 1', 'true'],
    ['while (this.size > this.#bound)', 'while (false)'],
    ["if ((await this.#send(batch)) === 'away') return;", 'await this.#send(batch);'],
  ],
  'src/gateway/agent/rounds.ts': [['this.#stopped = true;', '']],
  'src/gateway/authfile/current.ts': [
    ['file.version <= this.#current.version', 'file.version < this.#current.version'],
    ["return sameFile(file, this.#current) ? 'in_force' : this.#refuse('rollback');", "return 'in_force';"],
    ['&& Buffer.compare(offered.digest, inForce.digest) === 0', ''],
  ],
  'src/gateway/sessions/live.ts': [
    ["if (this.#closing) return 'closing';", ''],
    ["if (entitlement === undefined) return 'unknown';", "if (false) return 'unknown';"],
    ['today(this.#clock) > entitlement.expiresOn', 'today(this.#clock) >= entitlement.expiresOn'],
    ['seats.taken >= entitlement.seats', 'seats.taken > entitlement.seats'],
    ['if (!live.carried) return;', ''],
    ["live === undefined || live.state !== 'established'", 'live === undefined'],
    ["if (entitlement === undefined) this.#end(live, 'revoked');", 'if (entitlement === undefined) continue;'],
    ['now > live.deadline', 'false'],
    ['if (day > live.entitlement.expiresOn)', 'if (false)'],
    ["if (live.state !== 'ending') beats.push", 'beats.push'],
    ['random.bytes(8).toHex() as SessionId', 'random.bytes(8).fill(0).toHex() as SessionId'],
    ["    if (live.state === 'ending') return;\n    live.seats.taken -= 1;", '    live.seats.taken -= 1;'],
  ],
  'src/gateway/sessions/rests.ts': [
    ['if (this.#waiting.size <= MOST_RESTING) break;', 'break;'],
    ['if (until > now) return;', 'if (until >= now) return;'],
  ],
  'src/gateway/tunnels/firewall/nologging.ts': [
    ['|| Number(value) <= longest ? undefined', '|| true ? undefined'],
    ["if (phrase.includes('count') && chain !== COUNTING) continue;", ''],
  ],
  'src/gateway/tunnels/ikev2/nologging.ts': [
    ["if (top === 'secrets') return", 'if (false) return'],
    ["if (key === 'updown') return", 'if (false) return'],
    ["if (path.startsWith('charon.filelog.')) return 'a log file is set';", ''],
    ['UNPLAIN.test(text) ?', 'false ?'],
  ],
  'src/gateway/tunnels/openvpn/nologging.ts': [
    ['text.length > LONGEST_LINE ?', 'false ?'],
    ["HARMLESS.has(name) ? undefined : 'a directive", "true ? undefined : 'a directive"],
    ['if (/[#;]/.test(text)) return [text];', ''],
  ],
  'src/gateway/tunnels/wireguard/nologging.ts': [
    ['if (value !== wanted) found.push', 'if (value === undefined) found.push'],
  ],
};
