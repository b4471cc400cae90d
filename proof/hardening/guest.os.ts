// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OwnedFile } from '../../src/contracts/plan/files.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { cableMachine } from '../../src/host/machines/cabling.os.ts';
import { type Machine, startMachine } from '../../src/host/machines/machine.os.ts';
import { BLANK_VARIABLES } from '../../src/host/machines/qemu.ts';
import { joinByCable } from '../../src/host/namespaces/namespace.os.ts';
import { makeIso } from '../../src/image/build/iso.os.ts';
import { builtImage } from '../labs/image/built-image.os.ts';
import { TestNetwork } from '../labs/network/network.os.ts';
import { handPlacedFiles } from './hand-placed.ts';

/** A gateway in a virtual machine that no activator has admitted: a test gave it what it serves with. */
export interface Guest {
  readonly machine: Machine;
  /** What was placed below /run/lethe. */
  readonly files: readonly OwnedFile[];
  /** Output of a command run as root in the guest; throws unless it ends with 0. */
  text(command: string): Promise<string>;
  /** Asks until the output is as wanted, for as long as an emulated machine may take. */
  until(command: string, wanted: RegExp): Promise<string>;
  close(): Promise<void>;
}

/** Milliseconds. A machine without anything to do takes half a minute; three at once take ten times as long. */
const TIMEOUT = 600_000;

const ADDRESS = { machine: '198.51.100.10', router: '198.51.100.9', vmNamespace: '198.51.100.11' };

/** Takes the place of the activation, which has no activator to ask here. */
const STAND_IN = '[Unit]\\nAssertPathExists=\\n[Service]\\nExecStart=\\nExecStart=/usr/bin/true\\nAppArmorProfile=\\n';

/**
 * Boots this working tree's image for tests, gives it keys and configuration, and waits until its agent listens.
 * `beforeServing` is called in between, while the machine waits for its activation.
 */
export async function openGuest(beforeServing?: (machine: Machine) => Promise<void>): Promise<Guest> {
  await using opened = new AsyncDisposableStack();
  const { probe } = await builtImage();
  const directory = mkdtempSync(join(tmpdir(), 'lethe-guest-'));
  opened.defer(() => rmSync(directory, { recursive: true, force: true }));
  const iso = join(directory, 'probe.iso');
  await makeIso(probe, join(probe, 'uki.efi'), iso);

  const [world, vmNamespace] = await opened.use(new TestNetwork()).machines(2);
  await joinByCable(
    { namespace: world, name: 'gateway', addresses: [`${ADDRESS.router}/29`] },
    { namespace: vmNamespace, name: 'uplink', addresses: [] },
  );
  await joinByCable(
    { namespace: world, name: 'control', addresses: ['192.0.2.1/30'] },
    { namespace: vmNamespace, name: 'control', addresses: ['192.0.2.2/30'] },
  );
  const uplink = { address4: ADDRESS.machine, prefix: 29, router4: ADDRESS.router, namespace4: ADDRESS.vmNamespace };
  const service = { address4: '192.0.2.1', ports: [8443] };
  const { cards, dhcp } = await cableMachine(vmNamespace, { uplink, service });
  opened.defer(async () => void (await dhcp.stop()));

  const machine = await startMachine({
    variables: readFileSync(BLANK_VARIABLES),
    medium: { file: iso, as: 'cd' },
    processors: 1,
    cards,
    vmNamespace,
  });
  opened.defer(() => machine.close());
  const files = await handPlacedFiles(ADDRESS.machine);
  const guest = {
    machine,
    files,
    text: (command: string) => machine.probe.text(command),
    until: (command: string, wanted: RegExp) => until(machine, command, wanted),
  };
  await machine.probe.ready;
  await guest.until('systemctl is-system-running', /running|degraded/);
  await beforeServing?.(machine);
  await serve(guest);
  const kept = opened.move();
  return { ...guest, close: () => kept.disposeAsync() };
}

async function serve(guest: Omit<Guest, 'close'>): Promise<void> {
  for (const { path, content, owner, mode } of guest.files) {
    const bytes = Buffer.from(content).toString('base64');
    await guest.text(
      `echo ${bytes} | base64 -d >${path} && chown ${owner.uid}:${owner.gid} ${path} && chmod ${mode.toString(8)} ${path}`,
    );
  }
  const drop = '/run/systemd/system/lethe-activation.service.d';
  await guest.text(`mkdir -p ${drop} && printf '${STAND_IN}' >${drop}/90-test.conf && systemctl daemon-reload`);
  await guest.text('systemctl start --no-block lethe-gateway.target');
  await guest.until('cat /proc/net/tcp', /: 0100410A:20F8 /);
  await guest.until('systemctl is-active lethe-swanctl', /^active$/m);
  await guest.until('systemctl is-active lethe-modules', /^active$/m);
}

async function until(machine: Machine, command: string, wanted: RegExp): Promise<string> {
  let said = '';
  const says = async () => {
    said = (await machine.probe.run(command)).output.toString();
    return wanted.test(said) ? said : undefined;
  };
  return await waitUntil(`${command} says ${wanted}`, says, TIMEOUT, 500).catch((error: unknown) => {
    throw new Error(`${String(error)}; its last words: ${said}`, { cause: error });
  });
}
