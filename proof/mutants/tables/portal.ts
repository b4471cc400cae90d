// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Table } from '../mutant.ts';

export const PORTAL: Table = {
  'src/control/portal/form.http.ts': [
    ["site === 'same-origin' || site === 'none' ? 'ours'", "site !== 'cross-site' ? 'ours'"],
    ['origin === (publicOrigin ?? new URL(c.req.url).origin)', 'true'],
    ["if (origin === 'null') return 'untold';", "if (origin === 'null') return 'ours';"],
    ["if (body !== '' && type !== 'application/x-www-form-urlencoded') return 'malformed';", ''],
    ['FORM_LIMIT = 16_384', 'FORM_LIMIT = 16_384_000'],
  ],
  'src/control/portal/headers.http.ts': [
    ['  "script-src \'self\'",\n', "  \"script-src 'self' 'unsafe-inline'\",\n"],
    ['  "form-action \'self\'",\n', ''],
    ['  "frame-ancestors \'none\'",\n', ''],
    ['  "base-uri \'none\'",\n', ''],
    ["if (secure(c.req.url)) c.header('strict", "c.header('strict"],
    ["c.header('strict-transport-security', 'max-age=63072000');", 'void 0;'],
    ["  'cross-origin-opener-policy': 'same-origin',\n", ''],
  ],
  'src/control/portal/session.http.ts': [
    ["httpOnly: true, sameSite: 'Strict', secure", "httpOnly: false, sameSite: 'Strict', secure"],
    ["sameSite: 'Strict', secure }", "sameSite: 'Lax', secure }"],
    ["secure ? { ...shape, secure: true, prefix: 'host' } : shape", 'shape'],
    ['expected.length === actual.length && timingSafeEqual(expected, actual)', 'expected.length === actual.length'],
    ["createHmac('sha256', token)", "createHmac('sha256', '')"],
  ],
  'src/control/surface/headers.http.ts': [
    ["  'x-frame-options': 'DENY',\n", ''],
    ["'referrer-policy': 'same-origin'", "'referrer-policy': 'unsafe-url'"],
    ["  'x-content-type-options': 'nosniff',\n", ''],
    ["context.header('cache-control', 'no-store');", 'void 0;'],
    ["'cross-origin-resource-policy': 'same-origin'", "'cross-origin-resource-policy': 'cross-origin'"],
  ],
  'src/control/surface/record.ts': [
    ['if (!schema.safeParse(answer).success) throw', 'if (false) throw'],
    ['  check(schema, answer);\n  return', '  return'],
    ['if (!Object.hasOwn(declaration, field)) throw', 'if (false) throw'],
  ],
};
