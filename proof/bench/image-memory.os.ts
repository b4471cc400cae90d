// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { waitUntil } from '../../src/core/clock/until.ts';
import type { Machine } from '../../src/host/machines/machine.os.ts';
import { type BenchContext, type Row, rowOf } from './bench.ts';
import { type Crowd, connectAll, fetchAll, type GuestMemory, memoryOf, type Scale } from './image-load.os.ts';
import type { Session } from './image-session.os.ts';
import type { ImageSite } from './image-site.os.ts';

/** Milliseconds until the gateway has noticed that a client left. */
const TIMEOUT = 300_000;

interface Taken {
  readonly idle: GuestMemory;
  readonly loaded: GuestMemory;
  readonly busy: GuestMemory;
  /** Seconds until all were connected and had a page. */
  readonly connecting: number;
  /** Megabytes. */
  readonly file: number;
}

export interface MemoryParts {
  /** Of 1 GiB, attested, with an image for tests because it is looked into; it serves the crowd's few. */
  readonly machine: Machine;
  readonly crowd: Crowd;
  readonly scale: Scale;
}

/**
 * The machine with an auth file that knows only those who connect, with everybody's, with sessions, and once more with
 * everybody's as the next version, while all are connected. Each session must get a page before and after, and the
 * kernel must not have killed anything.
 */
export async function memoryRows(
  context: BenchContext,
  site: ImageSite,
  { machine, crowd, scale }: MemoryParts,
): Promise<Row[]> {
  const { control } = site;
  const sessions: Session[] = [];
  try {
    const ahead = (await machine.probe.text('systemctl is-active lethe-keys')).trim();
    assert.equal(ahead, 'active', 'the keys of this boot were not made ahead');
    await waitUntil('the first client is gone', () => control.sessions === 0, TIMEOUT);
    const idle = await memoryOf(machine);
    context.say(`${scale.credentials} credentials`);
    const file = crowd.all(2);
    control.publish(file, 2);
    await control.inForce(2);
    const loaded = await memoryOf(machine);
    context.say(`${scale.openvpn} OpenVPN clients, ${scale.wireguard} WireGuard clients`);
    const began = context.clock.elapsed();
    sessions.push(...(await connectAll(site, scale, crowd)));
    const connecting = (context.clock.elapsed() - began) / 1000;
    context.say('the next auth file, and a page for everybody');
    control.publish(crowd.all(3), 3);
    await control.inForce(3);
    await fetchAll(site, sessions);
    const busy = await memoryOf(machine);
    return rowsOf({ idle, loaded, busy, connecting, file: file.length / 1e6 }, scale);
  } finally {
    for (const session of sessions) await session.close();
  }
}

function rowsOf({ idle, loaded, busy, connecting, file }: Taken, { credentials, openvpn, wireguard }: Scale): Row[] {
  const many = `${credentials} credentials`;
  const all = openvpn + wireguard;
  return [
    rowOf({
      name: `image of 1 GiB in use, ${many}, ${all} sessions`,
      unit: 'MB',
      samples: [busy.used],
      peer: { name: 'nobody', samples: [idle.used] },
      limit: { name: 'what the kernel has', samples: [busy.total], goal: { atMost: 0.9 } },
    }),
    rowOf({
      name: `image of 1 GiB in use, ${many}`,
      unit: 'MB',
      samples: [loaded.used],
      peer: { name: 'nobody', samples: [idle.used] },
    }),
    rowOf({
      name: `its agent, ${many}, ${all} sessions`,
      unit: 'MB',
      samples: [busy.agent],
      peer: { name: 'the auth file', samples: [file] },
    }),
    rowOf({
      name: 'its agent at its most, two auth files at once',
      unit: 'MB',
      samples: [busy.peak],
      peer: { name: 'two auth files', samples: [2 * file] },
    }),
    rowOf({ name: `${openvpn} OpenVPN and ${wireguard} WireGuard sessions connect`, unit: 's', samples: [connecting] }),
  ];
}
