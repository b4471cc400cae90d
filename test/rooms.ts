// SPDX-License-Identifier: AGPL-3.0-or-later

/** What a room may import. Its own files are always allowed; `node:` modules are, unless `pure` is set. */
export interface Room {
  /** Other rooms, by name, with blanks between them. */
  readonly rooms: string;
  /** npm packages, likewise. */
  readonly packages?: string;
  /** Neither `node:` modules nor packages. */
  readonly pure?: true;
}

/** The one table of who may use whom. An import that is not listed fails the check. */
export const ROOMS: Readonly<Record<string, Room>> = {
  // Words that every room shares.
  inventory: { rooms: '' },
  clock: { rooms: '' },
  random: { rooms: '' },
  journal: { rooms: 'inventory' },
  licences: { rooms: 'clock' },
  sessions: { rooms: 'clock random journal licences' },
  terminal: { rooms: 'clock' },

  // Byte layouts, and the room where personal bytes live.
  formats: { rooms: '' },
  configuration: { rooms: 'formats', packages: 'zod' },
  sensitive: { rooms: 'clock random formats licences sessions authdb geoip' },

  // The machine.
  processes: { rooms: '' },
  listening: { rooms: '' },
  namespaces: { rooms: 'processes' },
  residue: { rooms: 'processes' },
  internet: { rooms: 'clock processes namespaces' },
  attestation: { rooms: 'formats' },
  machines: { rooms: 'clock processes namespaces' },
  tokens: { rooms: 'formats processes' },

  // What a gateway does.
  authdb: { rooms: 'clock random journal licences sensitive' },
  geoip: { rooms: 'inventory formats sessions sensitive' },
  tunnels: {
    rooms: 'clock random journal licences configuration sessions authdb geoip sensitive processes namespaces residue',
  },
  pki: { rooms: 'clock random formats sensitive tunnels' },

  // What control does.
  database: { rooms: 'clock inventory configuration processes', packages: 'kysely pg' },
  usage: {
    rooms: 'clock random inventory journal licences sessions geoip database credentials',
    packages: 'kysely',
  },
  seats: { rooms: 'clock licences sessions' },
  credentials: { rooms: 'random licences authdb sensitive database accounts', packages: 'kysely' },
  devices: { rooms: 'random licences database accounts', packages: 'kysely' },
  activations: { rooms: 'clock database', packages: 'kysely' },
  accounts: {
    rooms: 'clock random inventory licences database credentials devices seats usage',
    packages: 'kysely',
  },
  fleet: {
    rooms: 'clock random inventory journal licences authdb credentials database seats tunnels usage',
    packages: 'kysely hono',
  },

  // Surfaces.
  profiles: { rooms: 'clock random fleet tunnels pki' },
  api: {
    rooms:
      'clock inventory journal licences formats tunnels database accounts activations credentials devices fleet seats',
    packages: 'hono @hono/zod-openapi',
  },
  portal: {
    rooms: 'clock inventory journal listening geoip fleet profiles control',
    packages: 'hono playwright-core',
  },

  // Programs.
  control: {
    rooms:
      'clock random inventory journal licences formats configuration listening tunnels pki database accounts activations credentials devices seats usage fleet api',
    packages: '@hono/node-server zod',
  },
  gateway: {
    rooms: 'clock random inventory journal configuration sessions authdb geoip usage tunnels sensitive',
    packages: 'zod',
  },

  activation: {
    rooms:
      'clock random inventory journal terminal formats configuration listening processes machines pki tunnels gateway attestation image release',
    packages: 'zod commander',
  },

  // One machine, and what proves it.
  service: {
    rooms:
      'clock random journal terminal processes namespaces machines activation image release residue pki tunnels geoip database control gateway',
  },
  release: {
    rooms: 'clock random terminal formats configuration processes pki tokens image attestation',
    packages: 'zod esbuild commander',
  },
  hunt: { rooms: 'clock random processes pki' },
  demo: {
    rooms:
      'clock random inventory journal terminal processes namespaces pki tunnels database service hunt internet machines image release tokens',
    packages: 'kysely',
  },
  hardening: { rooms: 'clock random configuration processes namespaces machines image pki tunnels gateway activation' },
  image: { rooms: 'clock configuration formats geoip processes terminal', packages: 'esbuild zod' },
  check: { rooms: 'clock processes terminal' },
  bench: {
    rooms:
      'clock random journal licences sessions formats terminal processes namespaces machines residue attestation activation authdb geoip sensitive tunnels internet pki gateway service demo image release',
    packages: 'lmdb mmdb-lib',
  },
};

/** Packages that may be inside the gateway program, with everything they bring. */
export const GATEWAY_PACKAGES = ['zod'];
