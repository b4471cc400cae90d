// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../core/clock/clock.ts';
import { writingJournal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { EXIT, type ExitCode } from '../host/terminal/exit.ts';
import { Progress, type Terminal } from '../host/terminal/terminal.ts';
import { serviceOperator } from './hosted.os.ts';
import { GATEWAY_DOMAIN } from './identity.os.ts';
import { CannotStart, ownAddresses, publicAddress, swapsTo } from './machine.os.ts';
import type { GatewayOptions, ServiceOptions } from './options.ts';
import { remember, type SettingFlags, type Settled, settle } from './remembered.os.ts';
import { type Service, startService } from './service.os.ts';
import type { Change, Settings } from './settings.ts';
import { serveStatus } from './status.os.ts';
import { Watch } from './watch.ts';

/** The words of `./lethe up`, as the command line gives them. */
export interface UpFlags extends Omit<SettingFlags, 'keep-443' | 'operator-name' | 'source-url'> {
  readonly keep443?: boolean;
  readonly operatorName?: string | false;
  readonly sourceUrl?: string | false;
  /** Only write what an image has to be built with. */
  readonly operatorFile?: boolean;
  /** Only look at the flags, and print what of Debian the service needs. */
  readonly needs?: boolean;
}

export interface UpDeps {
  readonly stdout: Terminal;
  /** Problems, and the journal. */
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  readonly release: string;
  /** Resolves when the person or the machine wants the service to stop. */
  readonly stopRequested: Promise<void>;
}

/** Throws {@link CannotStart} when `own`, the IPv4 addresses of this machine, lack the public one. */
export function serviceOptions(
  { directory, settings }: Pick<Settled, 'directory' | 'settings'>,
  own: readonly string[] = ownAddresses(),
): ServiceOptions {
  const {
    name,
    listen,
    origin,
    accounts,
    location,
    public: address,
    'keep-443': keep443,
    forwarder: forwarders,
    image,
  } = settings;
  const gateway: GatewayOptions = {
    gateway: `${location.id}-01`,
    location,
    name: `${location.id}-01.${GATEWAY_DOMAIN}`,
    ...(address === undefined || !settings.gateway ? {} : { publicAddress: publicAddress(address, own), keep443 }),
    ...(forwarders === undefined ? {} : { forwarders }),
    ...(image === undefined ? {} : { image }),
  };
  const { 'operator-name': operator, price, contact, 'source-url': source } = settings;
  const about = { operator, price, contact, source };
  return { directory, listen, name, about, origin, accounts, gateway: settings.gateway ? gateway : undefined };
}

/** Flags under the names of the settings. */
function named({ keep443, operatorName, sourceUrl, ...flags }: Omit<UpFlags, 'operatorFile' | 'needs'>): SettingFlags {
  return { ...flags, 'keep-443': keep443, 'operator-name': operatorName, 'source-url': sourceUrl };
}

/** Settings are checked before anything else happens, and kept once the data directory is ours. */
export async function up(flags: UpFlags, deps: UpDeps): Promise<ExitCode> {
  try {
    const { operatorFile, needs, ...said } = flags;
    const settled = settle(named(said), process.getuid?.());
    const options = serviceOptions(settled);
    if (needs === true) return printNeeds(settled.settings, deps.stdout);
    for (const line of announced(settled.changes)) deps.stdout.write(line);
    return operatorFile === true ? await writeOperatorFile(options, deps) : await run(settled, options, deps);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    deps.stderr.write(`lethe: ${error.message}\n`);
    return error instanceof CannotStart ? error.exit : EXIT.failed;
  }
}

/** What the entry script installs before the service starts: one word a line. */
function printNeeds({ gateway, image }: Settings, stdout: Terminal): ExitCode {
  if (gateway) stdout.write('gateway\n');
  if (gateway && image !== undefined) stdout.write('image\n');
  return EXIT.done;
}

function announced(changes: readonly Change[]): string[] {
  return changes.map(({ setting, from, to }) => `  ${setting}: ${from} → ${to}, from now on\n`);
}

async function writeOperatorFile(options: ServiceOptions, deps: UpDeps): Promise<ExitCode> {
  const journal = writingJournal((line) => deps.stderr.write(line));
  const { file } = await serviceOperator(options, { ...deps, journal });
  deps.stdout.write(`${file}\n\nBuild an image for this service: ./lethe image build --operator ${file}\n`);
  return EXIT.done;
}

/** Runs the service in the foreground until it is asked to stop. */
async function run(settled: Settled, options: ServiceOptions, deps: UpDeps): Promise<ExitCode> {
  const { stdout, clock } = deps;
  const started = clock.elapsed();
  const { directory, words, settings } = settled;
  const givenUp = deps.stopRequested.then((): never => {
    throw new CannotStart(
      `Stopped before it was up. Keys and database are in ${directory}, and nothing else is left.`,
      EXIT.failed,
    );
  });
  givenUp.catch(() => undefined);
  const watch = new Watch(deps);
  await using opened = new AsyncDisposableStack();
  const service = await startService(options, {
    ...deps,
    journal: watch.journal,
    heard: watch.heard,
    progress: new Progress(stdout, clock),
    givenUp,
    async claimed() {
      remember(directory, words);
      opened.defer(
        await serveStatus(
          directory,
          () => watch.report(),
          settings.health,
          () => watch.changed(),
        ),
      );
    },
  });
  watch.serves(service);
  stdout.write(welcome(service, settled, (clock.elapsed() - started) / 1000));
  await deps.stopRequested;
  stdout.write('\nStopping.\n');
  watch.stops();
  await service.stop();
  return EXIT.done;
}

function welcome(service: Service, { settings, directory }: Settled, seconds: number): string {
  const lines = [
    '',
    `Lethe is up after ${seconds.toFixed(1)} s.`,
    '',
    `  Portal   ${service.portal}`,
    `  API      ${service.portal}/openapi.json`,
    ...behindProxy(settings),
  ];
  if (service.gateway !== undefined) {
    const { plan } = service.gateway;
    const { tunnels } = plan;
    lines.push(
      `  Gateway  ${plan.address4}: OpenVPN ${tunnels['openvpn-udp'].port}/udp and ${tunnels['openvpn-tcp'].port}/tcp, IKEv2, WireGuard ${tunnels.wireguard.port}/udp`,
    );
    if (service.gateway.machine !== undefined) {
      const { boot } = service.gateway.machine.image;
      lines.push(`  Image    release ${boot.release}, proven by its TPM in boot ${boot.resets}`);
    }
    lines.push(...onDisk(swapsTo()));
    if (settings.public === undefined) {
      lines.push('', '  Only this machine reaches the gateway. To serve others: ./lethe up --public ADDRESS');
    } else lines.push(...unsaid(settings));
  }
  return `${lines.join('\n')}\n\nCtrl-C stops it and leaves nothing behind but ${directory}.\n`;
}

/** What strangers want to know before they trust a service, as far as the operator keeps it back. */
export function unsaid(settings: Pick<Settings, 'operator-name' | 'price' | 'contact'>): string[] {
  const flags = (['operator-name', 'price', 'contact'] as const).filter((name) => settings[name] === undefined);
  if (flags.length === 0) return [];
  return ['', `  Customers are told that you have not said: ${flags.map((name) => `--${name}`).join(', ')}`];
}

/** A gateway's memory is the machine's, whether in a namespace or in a virtual machine. */
export function onDisk(swaps: readonly string[]): string[] {
  if (swaps.length === 0) return [];
  return [
    '',
    `  WARNING: this machine swaps to ${swaps.join(' and ')}: what the gateway holds in memory may reach that disk. Turn swap`,
    '  off (swapoff -a, and its line in /etc/fstab), unless it is encrypted under a key that is gone after each boot.',
  ];
}

/** What browsers ask where a proxy ends TLS, or a warning where nothing does and others can listen in. */
export function behindProxy({ origin, listen }: Pick<Settings, 'origin' | 'listen'>): string[] {
  if (origin !== undefined) return [`  Origin   ${origin}, from a proxy that ends TLS and passes on to the portal`];
  const { host, port } = listen;
  if (isLoopback(host)) return [];
  return [
    '',
    `  WARNING: account numbers and passwords travel in clear to ${host} port ${port}. Listen on 127.0.0.1, put a proxy in`,
    '  front that ends TLS and keeps no logs, and say what browsers ask: ./lethe up --origin https://vpn.example',
  ];
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
