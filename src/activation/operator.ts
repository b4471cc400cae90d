// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { parseConfiguration } from '../configuration/configuration.ts';

const SCHEMA = z.strictObject({
  /** `https://activator.example:8450` */
  activator: z.url({ protocol: /^https$/ }),
  /** PEM: the one authority that may have signed the activator's certificate. */
  authority: z.string().regex(/^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/),
});

/** Whom an image asks for its secrets. It is part of the image, so it is measured with it. It holds no secret. */
export type OperatorFile = z.output<typeof SCHEMA>;

export function parseOperatorFile(text: string): OperatorFile | { readonly problem: string } {
  return parseConfiguration(SCHEMA, text);
}
