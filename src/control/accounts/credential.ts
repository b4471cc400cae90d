// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Customer } from './account.ts';

/** Secrets for the tunnels, all random, 20 characters of base64url each. Shown once and kept nowhere. */
export interface VpnCredentials {
  readonly username: string;
  /** OpenVPN. */
  readonly password: string;
  /** IKEv2 has its own, because its verifier is worth as much as the password. */
  readonly ikePassword: string;
}

export interface Credentials {
  /** Makes new ones; the old ones stop working as soon as the gateways have the next auth file. */
  rotate(customer: Customer): Promise<VpnCredentials>;
}
