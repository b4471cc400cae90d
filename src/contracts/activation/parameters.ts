// SPDX-License-Identifier: AGPL-3.0-or-later
import { open, seal } from '../../bytes/formats/hpke.ts';
import type { Random } from '../../core/random/random.ts';
import { type BundleParameters, parseParameters } from './bundle.ts';

/** The store holds parameters of a gateway that cannot be read. */
export class ParametersError extends Error {
  override readonly name = 'ParametersError';
}

/** A row of one gateway says nothing in the place of another. */
function contextOf(gateway: string) {
  const encoder = new TextEncoder();
  return { info: encoder.encode('lethe parameters v1'), aad: encoder.encode(gateway) };
}

/** Enrolment needs only the activator's public key. */
export function sealParameters(recipient: Uint8Array, parameters: BundleParameters, random: Random): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(parameters));
  return seal(recipient, text, contextOf(parameters.plan.gateway), random.bytes(32));
}

export function openParameters(
  key: Uint8Array,
  { gateway, parameters }: { readonly gateway: string; readonly parameters: Uint8Array },
): BundleParameters {
  const text = open(key, parameters, contextOf(gateway));
  const parsed = text === undefined ? { problem: '' } : parseParameters(new TextDecoder().decode(text));
  if ('problem' in parsed) throw new ParametersError(`the parameters of ${gateway} cannot be read; enrol it again`);
  return parsed;
}
