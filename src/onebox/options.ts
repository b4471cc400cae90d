// SPDX-License-Identifier: AGPL-3.0-or-later
import type { GatewayConfigFile } from '../contracts/plan/agent-config.ts';
import type { GatewayPlan } from '../contracts/plan/plan.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import type { Uplink } from '../host/machines/cabling.os.ts';
import type { MachineOptions } from '../host/machines/machine.os.ts';
import type { Namespace } from '../host/namespaces/namespace.os.ts';
import type { Progress } from '../host/terminal/terminal.ts';
import type { FleetTls } from './identity.os.ts';
import type { Address } from './machine.os.ts';
import type { Heard } from './relay.ts';

/** What the operator asks for. */
export interface ServiceOptions {
  /** Where the database and the service's keys live. */
  readonly directory: string;
  /** Where portal and API listen. */
  readonly listen: Address;
  /** The operator's name for the service. */
  readonly name: string;
  /** What the portal says about the service. What is not given, it says is not given. */
  readonly about?: About;
  /** `https://vpn.example`, which browsers ask: a proxy there ends TLS and passes on to `listen`. */
  readonly origin?: string | undefined;
  /** How many accounts there may be; as many as is usual without it. */
  readonly accounts?: number;
  /** Undefined: portal and API alone. */
  readonly gateway: GatewayOptions | undefined;
}

/** Facts about the service that only its operator knows. */
export interface About {
  readonly operator?: string | undefined;
  readonly price?: string | undefined;
  /** `mailto:help@vpn.example` or `https://…` */
  readonly contact?: string | undefined;
  /** Where the source of what runs can be had, instead of from the portal. */
  readonly source?: string | undefined;
}

export interface GatewayOptions {
  readonly gateway: string;
  readonly location: { readonly id: string; readonly name: string; readonly country: string };
  /** DNS name in the gateway's certificate. */
  readonly name: string;
  /** This machine's address for the world. Without it, the gateway can be reached from this machine only. */
  readonly publicAddress?: string;
  /** 443/tcp of the public address stays with a web server of this machine; OpenVPN over TCP takes another port. */
  readonly keep443?: boolean;
  /** Directory of a signed release of the gateway image, which then runs in a virtual machine. */
  readonly image?: string;
  readonly forwarders?: GatewayPlan['forwarders'];
  readonly intervals?: GatewayConfigFile['intervals'];
}

export interface ServiceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly progress: Progress;
  readonly release: string;
  /** Rejects when the start is to be given up. */
  readonly givenUp?: Promise<never>;
  /** Called once the data directory belongs to this run alone. */
  readonly claimed?: () => Promise<void>;
  /** Gets what the programs say in their journals. */
  readonly heard?: Heard;
}

/** What proofs put between the service and the world. An operator's service has none of it. */
export interface ServiceSeams {
  /** Cables the gateway to somewhere else than this machine, as `uplink`, and says under which addresses. */
  readonly attach?: (namespace: Namespace) => Promise<Attachment>;
  /** Of the gateway's virtual machine. */
  readonly hardware?: Pick<MachineOptions, 'memory' | 'memoryFile' | 'disks' | 'processors'>;
  /** A relay between the gateway and control; gets control's URL and gives its own. */
  readonly relay?: (control: string, tls: FleetTls, address: string) => Promise<string>;
}

export interface Attachment {
  readonly address4: string;
  readonly address6: string;
  /** For a virtual machine. */
  readonly uplink?: Omit<Uplink, 'address4'>;
}
