// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const ONEBOX: Table = {
  'src/image/build/contents.ts': [
    [
      '(LOGIN.test(basename(entry.path)) && !isMask(entry)) || opensAccount(entry)',
      'LOGIN.test(basename(entry.path)) && !isMask(entry)',
    ],
    ['(entry.mode & 0o002) !== 0 &&', 'false &&'],
    ['(entry.mode & 0o6000) !== 0', '(entry.mode & 0o4000) !== 0'],
    ['if (DER_KEY.test(', 'if (false && DER_KEY.test('],
    ['&& !isSigned(entry)', '&& false'],
    ['!PUBLIC_CERTIFICATES.has(entry.path) &&', 'false &&'],
    ["'special file': (entry) => entry.kind === 'other'", "'special file': () => false"],
    ['return length > 64 && length < 4096;', 'return true;'],
    [
      'if (!marked || content.length < MODULE_MARK.length + 12) return false;',
      'if (content.length < MODULE_MARK.length + 12) return false;',
    ],
  ],
  'src/image/build/lockfile.ts': [
    ["&& !deb['path']?.includes('..')", ''],
    ['if (names.has(name)) throw', 'if (false) throw'],
    ['if (formatLock(lock) !== text) throw', 'if (false) throw'],
    ['(?<sha256>[0-9a-f]{64})', '(?<sha256>[0-9a-f]+)'],
  ],
  'src/image/build/sources.ts': [
    ["|| field('Enabled')[0] === 'no') continue;", ') continue;'],
    ["|| !components.includes('main')", ''],
  ],
};
