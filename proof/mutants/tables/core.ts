// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const CORE: Table = {
  'src/bytes/formats/eventlog.ts': [
    ['if (size > MAXIMUM.data)', 'if (false)'],
    ['|| count > MAXIMUM.algorithms', ''],
    ['count < MAXIMUM.events ?', 'true ?'],
    ['pcr >= PCRS ||', ''],
  ],
  'src/bytes/formats/fingerprint.ts': [['a.length === b.length && timingSafeEqual(a, b)', 'a.length === b.length']],
  'src/bytes/formats/hpke.ts': [
    [
      "const publicKey = key.type === 'private' ? createPublicKey(key) : key;",
      "const publicKey = key.type !== 'private' ? createPublicKey(key) : key;",
    ],
    ['.setAAD(aad);\n    decipher', ';\n    decipher'],
    ["'info_hash', info", "'info_hash', NOTHING"],
  ],
  'src/bytes/formats/minisign.ts': [
    [
      "if (/[\\r\\n]/.test(trustedComment)) throw new RangeError('a trusted comment is one line');",
      "if (false) throw new RangeError('a trusted comment is one line');",
    ],
  ],
  'src/bytes/formats/tpm.ts': [
    ['if (count > 16)', 'if (false)'],
    ['safe > 1 ||', ''],
    ['if (reader.u32() !== GENERATED)', 'if (reader.u32() === 0)'],
  ],
  'src/core/clock/clock.ts': [['return isoDate(day) === text ? day : undefined;', 'return day;']],
  'src/core/configuration/judge.ts': [
    ['if (strange.length > 0) return strange;', ''],
    ["claims.length === 0 ? [asWhole(file.name, 'no judge knows this file')] :", ''],
    ["...unread.map(({ name }) => asWhole(name, 'the file cannot be read')),", ''],
    ["...unknown.map(({ name }) => asWhole(name, 'nobody knows what this is')),", ''],
    ["...missing.map((name) => asWhole(name, 'the file is not there')),", ''],
  ],
  'src/core/configuration/words.ts': [
    ["/^[a-z0-9][a-z0-9._-]*$/, 'must be lower", "/^[a-z0-9._-]*$/, 'must be lower"],
    ['uid: z.int().min(1)', 'uid: z.int().min(0)'],
    ["/^\\//, 'must be", "/\\//, 'must be"],
  ],
  'src/core/inventory/guard.ts': [
    ['&& value >= 0', ''],
    ['/^[^\\p{Cc}]*$/u.test(value) &&', ''],
    ['if (declaration === undefined) throw', 'if (false) throw'],
    ['if (!Object.hasOwn(record, field)) throw', 'if (false) throw'],
    ['Number.isSafeInteger(value) &&', ''],
    ['value.length <= longest &&', ''],
    ['if (!Object.hasOwn(declaration, field)) throw', 'if (false) throw'],
    ['if (!ALLOWS[kind](record[field])) throw', 'if (false) throw'],
  ],
  'src/core/journal/journal.ts': [['assertDeclared(`journal.${code}`, fields);\n      write', 'write']],
  'src/core/journal/reader.ts': [
    ['line.length > LONGEST ? undefined', 'false ? undefined'],
    ['&& isDeclared(`journal.${code}`, fields)', ''],
    ['.slice(0, LONGEST + 1)', ''],
  ],
  'src/core/random/random.ts': [
    ['if (value < fair) return', 'return'],
    ['below(random, last + 1)', 'last'],
  ],
};
