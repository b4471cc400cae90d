// SPDX-License-Identifier: AGPL-3.0-or-later
import { numbers } from './control.ts';

/** How many controls are below each number of a group. */
const CIS_GROUPS: Readonly<Record<string, number>> = {
  '1.1.1': 10,
  '1.1.2.1': 4,
  '1.1.2.2': 4,
  '1.1.2.3': 3,
  '1.1.2.4': 3,
  '1.1.2.5': 4,
  '1.1.2.6': 4,
  '1.1.2.7': 4,
  '1.2.1': 2,
  '1.2.2': 1,
  '1.3.1': 4,
  '1.4': 2,
  '1.5': 5,
  '1.6': 6,
  '1.7': 10,
  '2.1': 22,
  '2.2': 6,
  '2.3.1': 1,
  '2.3.2': 2,
  '2.3.3': 3,
  '2.4.1': 8,
  '2.4.2': 1,
  '3.1': 3,
  '3.2': 4,
  '3.3': 11,
  '4.1': 1,
  '4.2': 7,
  '4.3': 10,
  '4.4.1': 3,
  '4.4.2': 4,
  '4.4.3': 4,
  '5.1': 22,
  '5.2': 7,
  '5.3.1': 3,
  '5.3.2': 4,
  '5.3.3.1': 3,
  '5.3.3.2': 8,
  '5.3.3.3': 3,
  '5.3.3.4': 4,
  '5.4.1': 6,
  '5.4.2': 8,
  '5.4.3': 3,
  '6.1.1': 4,
  '6.1.2.1': 4,
  '6.1.3': 8,
  '6.1.4': 1,
  '6.2.1': 4,
  '6.2.2': 4,
  '6.2.3': 21,
  '6.2.4': 10,
  '6.3': 3,
  '7.1': 13,
  '7.2': 10,
};

/**
 * Every number of the CIS Benchmark for Debian Linux 12, version 1.1.0, levels 1 and 2 for servers. Source: the public
 * role ansible-lockdown/DEBIAN12-CIS (`benchmark_version: '1.1.0'`, defaults and tasks), compared with the draft
 * controls/cis_debian12.yml of ComplianceAsCode/content. Both number alike, but that the role has no 1.5.5.
 */
export const CIS_NUMBERS: readonly string[] = [
  ...Object.entries(CIS_GROUPS).flatMap(([group, count]) => numbers(`CIS ${group}`, 1, count)),
  // Beside the group 6.1.2.1.
  ...numbers('CIS 6.1.2', 2, 4),
];

/** Every number of ANSSI-BP-028, version 2.0. Source: controls/anssi.yml of ComplianceAsCode/content. */
export const ANSSI_NUMBERS: readonly string[] = Array.from({ length: 80 }, (_, index) => `ANSSI R${index + 1}`);
