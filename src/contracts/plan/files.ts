// SPDX-License-Identifier: AGPL-3.0-or-later

import type { GatewayConfigFile } from './agent-config.ts';
import { GATEWAY_FILES, type GatewayPlan } from './plan.ts';
import { renderGateway } from './render.ts';

/** A file of a gateway with its owner, which exists before any of its programs does. */
export interface OwnedFile {
  /** Absolute, as the gateway sees it. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly owner: Owner;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose a gateway's secrets are. All else is root's, and readable. */
export interface Owners {
  readonly agent: Owner;
  /** Who sets up WireGuard. */
  readonly wireguard: Owner;
  /** Group of the daemons that present the gateway's certificate. */
  readonly tunnels: number;
  /** Group of charon, which shares a secret with the agent. */
  readonly charon: number;
}

/** What the agent is told, but for the plan and what follows from where it lives. */
export type AgentChoice = Omit<GatewayConfigFile, 'plan' | 'user' | 'caFile' | 'tokenFile'>;

export interface GatewayContent {
  readonly plan: GatewayPlan;
  /** Keys and certificates, each at its place of {@link GATEWAY_FILES}. */
  readonly keys: readonly { readonly path: string; readonly content: string }[];
  readonly radiusSecret: string;
  /** Bearer token for control. */
  readonly token: string;
  /** PEM: signs control's certificate. */
  readonly controlAuthority: string;
  readonly agent: AgentChoice;
  readonly owners: Owners;
}

/** Fixed places of the agent's own files. */
export const AGENT_FILES = {
  config: `${GATEWAY_FILES.directory}/agent.json`,
  token: `${GATEWAY_FILES.directory}/keys/agent.token`,
  controlAuthority: `${GATEWAY_FILES.directory}/keys/control-ca.crt`,
} as const;

const ROOT: Owner = { uid: 0, gid: 0 };

/** Everything below a gateway's /run/lethe when its daemons start. */
export function gatewayFiles(content: GatewayContent): OwnedFile[] {
  const { plan, radiusSecret, token, controlAuthority, agent, owners } = content;
  const open = (path: string, text: string): OwnedFile => ({ path, content: text, mode: 0o644, owner: ROOT });
  const config: Omit<GatewayConfigFile, 'plan'> & { readonly plan: GatewayPlan } = {
    ...agent,
    plan,
    user: owners.agent,
    caFile: AGENT_FILES.controlAuthority,
    tokenFile: AGENT_FILES.token,
  };
  const shared = { uid: owners.agent.uid, gid: owners.charon };
  return [
    ...renderGateway(plan).map((file) => open(`${GATEWAY_FILES.directory}/${file.name}`, file.content)),
    ...content.keys.filter(({ path }) => path !== GATEWAY_FILES.radiusSecret).map((key) => keyFile(key, owners)),
    { path: GATEWAY_FILES.radiusSecret, content: radiusSecret, mode: 0o440, owner: shared },
    { path: AGENT_FILES.token, content: token, mode: 0o600, owner: owners.agent },
    open(AGENT_FILES.controlAuthority, controlAuthority),
    open(AGENT_FILES.config, JSON.stringify(config, null, 2)),
  ];
}

function keyFile({ path, content }: { path: string; content: string }, owners: Owners): OwnedFile {
  if (path === GATEWAY_FILES.wireguardKey) return { path, content, mode: 0o600, owner: owners.wireguard };
  if (path.endsWith('.crt')) return { path, content, mode: 0o644, owner: ROOT };
  return { path, content, mode: 0o640, owner: { uid: 0, gid: owners.tunnels } };
}
