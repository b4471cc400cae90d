// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../src/core/clock/until.ts';
import { below, type Random } from '../../src/core/random/random.ts';
import type { Machine } from '../../src/host/machines/machine.os.ts';
import { Hunt } from '../hunt/hunt.os.ts';
import { type Marker, marked, markedAddress, randomWord } from '../hunt/marker.ts';
import { PAGE_SIZE, usesOfPages } from '../hunt/pages.os.ts';
import { type Occurrence, RamLooks } from '../hunt/ram.ts';
import type { ControlResult, HuntReport, Owner, Phase, Sighting } from '../hunt/verdict.ts';
import { visit } from '../labs/clients/client.os.ts';
import { visitorAt } from '../labs/customers/visitor.ts';
import { ALLOWED_IN_MACHINE, EXPECTED_IN_MACHINE } from './residue.ts';
import { openScene, type Scene, type SceneDeps } from './scene.os.ts';
import { connect, type Device, makeDevices, markersOf, portMarkers, takeProfiles, use } from './sessions.os.ts';
import { hold } from './steps.ts';

export interface ResidueDeps extends SceneDeps {
  /** Of an image for tests: only that one says what its memory is used for. */
  readonly image: string;
  readonly memoryFile: string;
  /** Seconds after the disconnect at which the machine's memory is searched. */
  readonly after: readonly number[];
}

export interface Residue {
  readonly sightings: readonly Sighting[];
  readonly report: HuntReport;
  /** Places that held the four bytes of an address before anybody had it. */
  readonly chance: number;
}

/** An emulated machine with much to do. Milliseconds. */
const TIMEOUT = 400_000;

/**
 * Three stock clients come to a gateway's machine, look a name up, fetch two pages, and leave. Its whole memory, kernel
 * included, is searched before, meanwhile and after. Nothing of what is searched for reaches the machine by another way
 * than theirs.
 */
export async function residueOf(deps: ResidueDeps): Promise<Residue> {
  const scene = await openScene({ ...deps, hardware: { memoryFile: deps.memoryFile } });
  try {
    const machine = machineOf(scene);
    await waitUntil('the machine serves', () => serves(machine), TIMEOUT);
    const looks = new RamLooks();
    const hunt = new Hunt([Buffer.from(scene.service.identity.usageKey, 'base64')]);
    await play(scene, deps, hunt, (phase) => look(machine, deps.memoryFile, hunt, looks, phase));
    hunt.note(looks.sightings(ownerOf));
    const controls = [await findLeak(machine, deps)];
    const report = hunt.verdict({ expected: EXPECTED_IN_MACHINE, allowed: ALLOWED_IN_MACHINE, controls });
    return { sightings: hunt.sightings, report, chance: looks.chance };
  } finally {
    await scene.close();
  }
}

function machineOf({ service }: Scene): Machine {
  const machine = service.gateway?.machine?.image.machine;
  hold(machine !== undefined, 'the gateway has no machine of its own');
  return machine;
}

async function serves({ probe }: Machine): Promise<boolean> {
  const units = 'lethe-agent lethe-openvpn-udp lethe-swanctl lethe-wireguard.socket lethe-resolver';
  const { output } = await probe.run(`systemctl is-active ${units}`);
  return output.toString() === 'active\n'.repeat(5);
}

async function play(scene: Scene, deps: ResidueDeps, hunt: Hunt, take: (phase: Phase) => Promise<void>): Promise<void> {
  const { random } = deps;
  const { plan } = scene.service.gateway as NonNullable<Scene['service']['gateway']>;
  const customer = visitorAt(scene.service.portal);
  const welcome = await customer.signUp();
  const profiles = await takeProfiles(customer, plan);
  const devices = await makeDevices(scene.world, plan, random);
  const sites = await makeSites(scene, devices, random);
  hunt.plant(...markersOf(devices, welcome, profiles), ...sites.map(({ marker }) => marker));
  await take('before');

  for (const device of devices) {
    device.client = await connect(device, profiles, welcome);
    await use(device, plan);
    const site = sites.find(({ protocol }) => protocol === device.protocol)?.address ?? '';
    await visit(device.machine.namespace, site, device.path, plan.service4);
  }
  hunt.plant(...(await portMarkers(devices)));
  await take('connected');

  for (const { client } of devices) await client?.disconnect();
  // While it is searched, the machine is paused, and its clocks with it.
  let passed = 0;
  for (const seconds of deps.after) {
    await delay((seconds - passed) * 1000);
    passed = seconds;
    await take(`+${seconds} s`);
  }
}

interface Site {
  readonly protocol: Device['protocol'];
  readonly address: string;
  readonly marker: Marker;
}

/** For each device a place on the Internet that no other device visits. It is random, so it marks the visit. */
async function makeSites({ world }: Scene, devices: readonly Device[], random: Random): Promise<Site[]> {
  const sites: Site[] = [];
  for (const { protocol } of devices) {
    const address = `151.101.${below(random, 256)}.${1 + below(random, 254)}`;
    await world.router.run(['ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']);
    sites.push({ protocol, address, marker: markedAddress(`${protocol} destination`, address) });
  }
  return sites;
}

async function look(machine: Machine, file: string, hunt: Hunt, looks: RamLooks, phase: Phase): Promise<void> {
  const { found, held } = await standingStill(machine, async () => {
    const search = await hunt.ram(file);
    return { found: search, held: search.occurrences.map((occurrence) => bytesAt(file, occurrence)) };
  });
  const pageOf = ({ address }: Occurrence) => Math.floor(address / PAGE_SIZE);
  const uses = await usesOfPages(machine.probe, [...new Set(found.occurrences.map(pageOf))]);
  const placeOf = (occurrence: Occurrence, index: number): string => {
    const use = uses.get(pageOf(occurrence)) as string;
    // Until the guest has answered, a page may have gone to a service that never saw its content.
    const isTheirs = !use.endsWith(' memory') || bytesAt(file, occurrence).equals(held[index] as Buffer);
    return isTheirs ? use : 'pages that changed hands';
  };
  const places = new Map(found.occurrences.map((occurrence, index) => [occurrence, placeOf(occurrence, index)]));
  looks.add(phase, found, (occurrence) => places.get(occurrence) as string);
}

function bytesAt(path: string, { address, length }: Occurrence): Buffer {
  const bytes = Buffer.alloc(length);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, length, address);
  } finally {
    closeSync(file);
  }
  return bytes;
}

async function standingStill<T>({ monitor }: Machine, work: () => Promise<T>): Promise<T> {
  await monitor.execute('stop');
  try {
    return await work();
  } finally {
    await monitor.execute('cont');
  }
}

/** Our own program must never hold a marker; whatever else is there cannot work without knowing who is connected. */
function ownerOf(place: string): Owner {
  return place === 'lethe-agent memory' ? 'own' : 'daemon';
}

/** A word that is put into the machine on purpose, when everything else is done. */
async function findLeak(machine: Machine, { memoryFile, random }: ResidueDeps): Promise<ControlResult> {
  const word = randomWord(random);
  const control = new Hunt();
  control.plant(marked('a leak made on purpose', word));
  await machine.probe.text(`echo ${word} >/run/leak`);
  const { occurrences } = await standingStill(machine, () => control.ram(memoryFile));
  return { name: 'a file in the memory of the machine', found: occurrences.length > 0 };
}
