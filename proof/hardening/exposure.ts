// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * What systemd may find open in each of the image's services: 0 is nothing, 10 everything (systemd-analyze(1),
 * "security"). The first four are promised; the others are what was reached, so that nothing is given away again.
 */
export const EXPOSURE_CEILINGS: Readonly<Record<string, number>> = {
  'lethe-openvpn-udp': 1.7,
  'lethe-openvpn-tcp': 1.7,
  'lethe-charon': 2.6,
  'lethe-resolver': 1.5,
  'lethe-agent': 1.4,
  'lethe-activation': 2.2,
  'lethe-apparmor': 1.8,
  'lethe-attestation': 1.8,
  'lethe-closed': 1.8,
  'lethe-firewall': 2,
  'lethe-integrity': 1.2,
  'lethe-keys': 0.5,
  'lethe-modules': 2,
  'lethe-reboot': 0.7,
  'lethe-renewal': 2.2,
  'lethe-renewed': 1.5,
  'lethe-swanctl': 1.5,
  'lethe-flows': 1.3,
  'lethe-wireguard': 1.3,
  'lethe-wireguard-link': 1.7,
};

/** The figure in the last line of what systemd-analyze says of one unit: `→ Overall exposure level for x.service: 1.7 OK` */
export function exposureOf(said: string): number {
  const figure = /Overall exposure level for \S+: (\d+\.\d+) /.exec(said)?.[1];
  if (figure === undefined) throw new SyntaxError('systemd-analyze names no exposure');
  return Number(figure);
}
