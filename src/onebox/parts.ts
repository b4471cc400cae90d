// SPDX-License-Identifier: AGPL-3.0-or-later
import type { SupervisedDatabase } from './database.os.ts';
import type { ServiceIdentity } from './identity.os.ts';
import type { GatewayOptions, ServiceDeps, ServiceOptions, ServiceSeams } from './options.ts';
import type { GatewaySite } from './site.os.ts';
import type { Users } from './users.os.ts';

/** What there is once control can be started. */
export interface ServiceParts {
  readonly options: ServiceOptions;
  readonly deps: ServiceDeps;
  readonly seams: ServiceSeams;
  readonly identity: ServiceIdentity;
  /** Directory of the service's keys. */
  readonly keys: string;
  readonly database: SupervisedDatabase;
  /** Undefined: we are not root, and serve portal and API alone. */
  readonly users: Users | undefined;
  /** The launcher that has the kernel refuse system calls; only a machine with a gateway has a compiler for it. */
  readonly filter: string | undefined;
  /** Undefined without a gateway. */
  readonly site: GatewaySite | undefined;
}

/** The same, of a service with a gateway. */
export interface GatewayServiceParts extends ServiceParts {
  readonly gateway: GatewayOptions;
  readonly users: Users;
  readonly filter: string;
  readonly site: GatewaySite;
}
