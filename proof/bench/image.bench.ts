// SPDX-License-Identifier: AGPL-3.0-or-later
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../src/host/machines/machine.os.ts';
import { Progress } from '../../src/host/terminal/terminal.ts';
import { buildProbe } from '../../src/image/build/build.os.ts';
import { availableLocks } from '../labs/image/built-image.os.ts';
import { type BenchContext, type Benchmark, inTurn, type Row, rowOf } from './bench.ts';
import { openAdmission } from './image-admission.os.ts';
import { proving, secondsToServe, servingRow } from './image-boot.os.ts';
import { bareSteps, secondsToBuild } from './image-build.os.ts';
import { evidenceRow } from './image-evidence.os.ts';
import { givenMedium } from './image-given.os.ts';
import { makeCrowd, type Scale } from './image-load.os.ts';
import { memoryRows } from './image-memory.os.ts';
import { prepareClients } from './image-session.os.ts';
import { type ImageSite, openSite } from './image-site.os.ts';

interface Size {
  /** Rounds of builds and of boots; each takes two minutes. */
  readonly rounds: number;
  /** Whether packages are installed anew each time, which is what a build is about. */
  readonly installs: boolean;
  /** The image that is timed from power-on. */
  readonly timed: 'release' | 'probe';
  readonly scale: Scale;
}

const SIZES: Readonly<Record<BenchContext['size'], Size>> = {
  full: { rounds: 3, installs: true, timed: 'release', scale: { credentials: 1_000_000, openvpn: 60, wireguard: 40 } },
  tiny: { rounds: 1, installs: false, timed: 'probe', scale: { credentials: 2000, openvpn: 1, wireguard: 1 } },
};

/**
 * What a reproducible, attested image costs those who build it, wait for it, and pay for its memory. Twelve files, because
 * each cost is compared with the same machine without what makes it: a build without locks, evidence without us, a boot
 * that proves nothing (image-given.os.ts); and because a machine serves only with a world, a control and customers.
 */
export const benchmark: Benchmark = {
  about: 'the gateway image: build, size, evidence, power-on to service, memory',
  run: async (context) => {
    await using opened = new AsyncDisposableStack();
    const rows = [await evidenceRow(context)];
    const site = await openSite(context, opened);
    return [...rows, ...(await measure(context, site, opened))];
  },
};

async function measure(context: BenchContext, site: ImageSite, opened: AsyncDisposableStack): Promise<Row[]> {
  const { timed, scale, rounds } = SIZES[context.size];
  const build = join(site.directory, 'build');
  const built = await buildRows(context, site, build);
  const probe = join(site.directory, 'probe');
  await buildProbe(build, {
    out: probe,
    progress: new Progress({ write: () => undefined, interactive: false }, context.clock),
  });
  const admit = await openAdmission(context, site, opened);
  const crowd = await makeCrowd(context, site, scale);
  await prepareClients(site);
  site.control.publish(crowd.few(1), 1);
  const timedBuild = timed === 'release' ? build : probe;
  const release = await admit(timedBuild);
  const given = await givenMedium(context, site, timedBuild);
  const memory: Row[] = [];
  const look = async (machine: Machine) => {
    memory.push(...(await memoryRows(context, site, { machine, crowd, scale })));
  };
  const { customer } = crowd;
  const parts = { release, given, customer, look: timed === 'probe' ? look : undefined };
  const serving = await servingRow({ ...context, rounds }, site, parts);
  // A release cannot be looked into; that takes a boot of its own, with the image for tests.
  if (timed === 'release')
    await secondsToServe(context, site, { firmware: proving(site, await admit(probe)), customer, look });
  return [...built.rows, sizeRow(release.iso, built.tree), serving, ...memory];
}

async function buildRows(context: BenchContext, { operator }: ImageSite, out: string) {
  const { rounds, installs } = SIZES[context.size];
  const locks = await availableLocks();
  let tree = 0;
  const samples = await inTurn(
    { ...context, rounds },
    {
      whole: () => secondsToBuild(context, { out, locks, operator, keepTree: !installs }),
      async bare() {
        const steps = await bareSteps(context, out, { install: installs });
        ({ tree } = steps);
        return steps.install + steps.pack;
      },
    },
  );
  const beyond = samples.whole.map((seconds, round) => seconds - (samples.bare[round] as number));
  const rows = [
    rowOf({
      name: 'image build, warm',
      unit: 's',
      samples: samples.whole,
      peer: { name: 'mmdebstrap and mksquashfs alone', samples: samples.bare },
      limit: { name: 'a minute', samples: [60], goal: { atMost: 1 } },
    }),
    rowOf({
      name: 'image build, beyond mmdebstrap and mksquashfs',
      unit: 's',
      samples: beyond,
      peer: { name: 'the whole build', samples: samples.whole, goal: { atMost: 0.3 } },
    }),
  ];
  return { rows, tree };
}

function sizeRow(iso: string, tree: number): Row {
  return rowOf({
    name: 'ISO of the image',
    unit: 'MB',
    samples: [statSync(iso).size / 1e6],
    peer: { name: 'its installed tree', samples: [tree] },
    limit: { name: '150 MB', samples: [150], goal: { atMost: 1 } },
  });
}
