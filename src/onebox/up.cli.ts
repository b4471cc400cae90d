// SPDX-License-Identifier: AGPL-3.0-or-later
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Clock } from '../core/clock/clock.ts';
import { writingJournal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { Progress, type Terminal } from '../host/terminal/terminal.ts';
import { serviceOperator } from './hosted.os.ts';
import { CannotStart, ownAddresses, parseAddress, publicAddress } from './machine.os.ts';
import type { GatewayOptions, ServiceOptions } from './options.ts';
import { type Service, startService } from './service.os.ts';

/** The words of `./lethe up`, as the command line gives them. */
export interface UpFlags {
  readonly data?: string;
  readonly listen: string;
  /** `https://vpn.example`, or `none` to forget it. */
  readonly origin?: string;
  readonly name: string;
  readonly public?: string;
  /** 443/tcp stays with a web server of this machine. */
  readonly keep443?: boolean;
  readonly location: string;
  readonly forwarder?: readonly string[];
  /** False for `--no-gateway`. */
  readonly gateway: boolean;
  /** Directory of a signed release of the gateway image. */
  readonly image?: string;
  /** Only write what an image has to be built with. */
  readonly operatorFile?: boolean;
}

export interface UpDeps {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  readonly release: string;
  /** Resolves when the person or the machine wants the service to stop. */
  readonly stopRequested: Promise<void>;
}

export const UP_DEFAULTS = { listen: '127.0.0.1:8080', name: 'Lethe', location: 'xx-home:This machine:XX' } as const;

/** Root's data belong to the machine, anybody else's to themselves. */
function defaultDirectory(uid: number | undefined): string {
  return uid === 0 ? '/var/lib/lethe' : join(homedir(), '.local', 'share', 'lethe');
}

/** `ch-zrh:Zürich, Switzerland:CH` */
export function parseLocation(text: string): GatewayOptions['location'] {
  const match = /^([a-z0-9][a-z0-9-]{0,62}):([^:]{1,120}):([A-Z]{2})$/.exec(text);
  if (match === null)
    throw new CannotStart(`'${text}' is not a location. Write it as 'ch-zrh:Zürich, Switzerland:CH'.`);
  return { id: match[1] ?? '', name: match[2] ?? '', country: match[3] ?? '' };
}

/** `https://vpn.example`, or `none`: what browsers ask, without a path. */
export function parseOrigin(text: string): string {
  if (text === 'none') return text;
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' || url.href !== `${url.origin}/`)
    throw new CannotStart(`'${text}' is not where browsers find the portal. Write it as https://vpn.example.`);
  return url.origin;
}

/** What `--public` and the flags that belong to it ask for. */
function publication(flags: UpFlags, own: readonly string[]): Pick<GatewayOptions, 'publicAddress' | 'keep443'> {
  if (flags.public === undefined) {
    if (flags.keep443 === true) throw new CannotStart('--keep-443 belongs to --public: nothing else takes port 443.');
    return {};
  }
  if (!flags.gateway) throw new CannotStart('--public opens the gateway to the world, and --no-gateway starts none.');
  return { publicAddress: publicAddress(flags.public, own), keep443: flags.keep443 === true };
}

/** Throws a {@link CannotStart} for what makes no sense. `own` are the machine's IPv4 addresses. */
export function serviceOptions(
  flags: UpFlags,
  uid: number | undefined,
  own: readonly string[] = ownAddresses(),
): ServiceOptions {
  const location = parseLocation(flags.location);
  const gateway: GatewayOptions = {
    gateway: `${location.id}-01`,
    location,
    name: `${location.id}-01.lethe.internal`,
    ...publication(flags, own),
    ...(flags.forwarder === undefined ? {} : { forwarders: flags.forwarder }),
    ...(flags.image === undefined ? {} : { image: resolve(flags.image) }),
  };
  return {
    directory: flags.data ?? defaultDirectory(uid),
    listen: parseAddress(flags.listen),
    name: flags.name,
    origin: flags.origin === undefined ? undefined : parseOrigin(flags.origin),
    gateway: flags.gateway ? gateway : undefined,
  };
}

/** Runs the service in the foreground until it is asked to stop. Gives the exit code. */
export async function up(flags: UpFlags, deps: UpDeps): Promise<number> {
  const { terminal } = deps;
  const started = deps.clock.elapsed();
  const journal = writingJournal((line) => terminal.write(line));
  try {
    const options = serviceOptions(flags, process.getuid?.());
    if (flags.operatorFile === true) {
      const { file } = await serviceOperator(options, { ...deps, journal });
      terminal.write(`${file}\n\nBuild an image for this service: ./lethe image build --operator ${file}\n`);
      return 0;
    }
    const givenUp = deps.stopRequested.then((): never => {
      throw new CannotStart('Stopped before it was up. Nothing is left behind.');
    });
    givenUp.catch(() => undefined);
    const progress = new Progress(terminal, deps.clock);
    const service = await startService(options, { ...deps, journal, progress, givenUp });
    terminal.write(welcome(service, flags, (deps.clock.elapsed() - started) / 1000));
    await deps.stopRequested;
    terminal.write('\nStopping.\n');
    await service.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    terminal.write(`\n${error.message}\n`);
    return 1;
  }
}

function welcome(service: Service, flags: UpFlags, seconds: number): string {
  const lines = [
    '',
    `Lethe is up after ${seconds.toFixed(1)} s.`,
    '',
    `  Portal   ${service.portal}`,
    `  API      ${service.portal}/openapi.json`,
    ...behindProxy(service, flags),
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
    if (flags.public === undefined) {
      lines.push('', '  Only this machine reaches the gateway. To serve others: ./lethe up --public ADDRESS');
    }
  }
  return `${lines.join('\n')}\n\nCtrl-C stops it and leaves nothing behind but the data directory.\n`;
}

/** What browsers ask where a proxy ends TLS, or a warning where nothing does and others can listen in. */
export function behindProxy({ origin }: Pick<Service, 'origin'>, { listen }: Pick<UpFlags, 'listen'>): string[] {
  if (origin !== undefined) return [`  Origin   ${origin}, from a proxy that ends TLS and passes on to the portal`];
  const { host } = parseAddress(listen);
  if (isLoopback(host)) return [];
  return [
    '',
    `  WARNING: account numbers and passwords travel in clear to ${listen}. Listen on 127.0.0.1, put a proxy in`,
    '  front that ends TLS and keeps no logs, and say what browsers ask: ./lethe up --origin https://vpn.example',
  ];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
