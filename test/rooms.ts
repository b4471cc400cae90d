// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * What a room may import. A room is a folder of files that belong together. Its own files are always allowed, and `node:`
 * modules are. Names have blanks between them, in the order of the table.
 */
export interface Room {
  /** Other rooms. All of them are above this one in the table, so that no circle is possible. */
  readonly uses: string;
  /** npm packages. */
  readonly packages?: string;
  /** What its tests use beyond that. */
  readonly tests?: string;
  readonly testPackages?: string;
  /** Bytes of customers pass through: its code keeps the rules of proof/lint/sensitive.ts. */
  readonly personal?: true;
}

/**
 * The floors of the house, from the ground up: which floors the code of a floor may use. Programs never use each other;
 * only `onebox`, which starts them all on one machine, knows them all. Tests of every floor may also use `host`, `core`
 * and the laboratories of `proof`.
 */
export const FLOORS: Readonly<Record<string, string>> = {
  bytes: '',
  verify: 'bytes',
  core: 'bytes',
  contracts: 'core verify bytes',
  host: 'core',
  gateway: 'contracts core bytes host verify',
  control: 'contracts core bytes host',
  activator: 'contracts core bytes host verify',
  image: 'contracts core bytes host verify',
  onebox: 'gateway control activator image contracts core bytes host verify',
  proof: 'onebox gateway control activator image contracts core bytes host verify',
  cmd: 'proof onebox gateway control activator image contracts core bytes host verify',
};

/** The one exception: the image carries the same network tables that the gateway reads. */
export const EXCEPTIONS: readonly (readonly [room: string, uses: string])[] = [['image/build', 'gateway/geoip']];

/** The one table of who may use whom. An import that is not listed fails the check, and so does an unused right. */
export const ROOMS: Readonly<Record<string, Room>> = {
  // Byte layouts, hashes and words. Knows nothing of the product.
  'bytes/formats': { uses: '', tests: 'core/random host/processes proof/labs', testPackages: 'fast-check mmdb-lib' },
  'bytes/hashes': { uses: 'bytes/formats', testPackages: 'fast-check', personal: true },
  'bytes/text': { uses: '', testPackages: 'fast-check', personal: true },

  // What a stranger must be able to check again.
  'verify/attestation': { uses: 'bytes/formats', tests: 'core/random host/processes proof/labs' },

  // The words of the domain.
  'core/clock': { uses: '' },
  'core/configuration': { uses: 'bytes/formats', packages: 'zod' },
  'core/inventory': { uses: '' },
  'core/journal': { uses: 'core/inventory' },
  'core/licences': { uses: 'core/clock' },
  'core/random': { uses: '' },
  'core/sessions': { uses: 'core/licences' },

  // What two programs say to each other, and what follows from it. No input, no output.
  'contracts/plan': { uses: 'bytes/text core/configuration core/random core/sessions', packages: 'zod' },
  'contracts/activation': {
    uses: 'bytes/formats verify/attestation core/configuration core/random contracts/plan',
    packages: 'zod',
    tests: 'proof/labs',
  },
  'contracts/authfile': {
    uses: 'bytes/hashes core/clock core/licences core/sessions',
    tests: 'core/random proof/labs',
    testPackages: 'fast-check',
  },
  'contracts/claims': { uses: '' },
  'contracts/pki': {
    uses: 'bytes/formats bytes/text core/clock core/random contracts/plan',
    tests: 'host/processes host/namespaces',
  },
  'contracts/release': { uses: 'bytes/formats core/configuration', packages: 'zod', tests: 'core/random' },
  'contracts/usage': { uses: 'core/clock core/inventory core/licences core/sessions', packages: 'zod' },
  'contracts/fleet': {
    uses: 'core/configuration core/inventory core/licences core/sessions contracts/usage',
    packages: 'zod',
    testPackages: 'fast-check',
  },

  // This machine.
  'host/files': { uses: 'core/configuration' },
  'host/listening': { uses: '', tests: 'core/clock proof/labs' },
  'host/processes': { uses: 'core/clock' },
  'host/namespaces': { uses: 'host/files host/processes' },
  'host/machines': { uses: 'core/clock host/processes host/namespaces', tests: 'proof/labs' },
  'host/packages': { uses: '', tests: 'host/processes' },
  'host/terminal': { uses: 'core/clock' },
  'host/program': { uses: 'core/journal host/processes', tests: 'core/clock' },

  // The gateway, which knows who is connected and nothing else.
  'gateway/authfile': {
    uses: 'core/journal core/licences contracts/authfile',
    tests: 'core/clock core/random proof/labs',
  },
  'gateway/geoip': {
    uses: 'bytes/formats bytes/text core/sessions contracts/usage host/files',
    tests: 'core/inventory core/random contracts/claims proof/labs',
    testPackages: 'fast-check',
  },
  'gateway/sessions': { uses: 'core/clock core/journal core/licences core/random core/sessions contracts/fleet' },
  'gateway/sensitive': {
    uses: 'bytes/formats bytes/hashes bytes/text core/clock core/licences core/random core/sessions contracts/authfile gateway/geoip',
    tests: 'proof/labs',
    testPackages: 'fast-check',
    personal: true,
  },
  'gateway/tunnels': {
    uses: 'bytes/text core/clock core/configuration core/journal core/licences core/random core/sessions contracts/plan contracts/authfile host/processes host/namespaces gateway/geoip gateway/sensitive',
    tests: 'gateway/sessions gateway/residue proof/labs proof/hunt',
  },
  'gateway/agent': {
    uses: 'bytes/text core/clock core/configuration core/journal core/random core/sessions contracts/plan contracts/authfile contracts/usage contracts/fleet host/files gateway/authfile gateway/geoip gateway/sessions gateway/tunnels',
    tests: 'core/inventory core/licences host/processes host/namespaces proof/labs',
    testPackages: 'fast-check',
  },
  'gateway/boot': {
    uses: 'bytes/formats verify/attestation core/clock core/configuration core/inventory core/journal core/random contracts/plan contracts/activation contracts/pki host/files host/processes',
    packages: 'zod',
  },
  'gateway/residue': { uses: 'host/processes' },

  // The operator's side, which knows who has paid and not where they are.
  'control/database': {
    uses: 'core/clock core/configuration core/inventory host/files host/processes',
    packages: 'kysely pg pg-copy-streams',
    tests: 'proof/labs',
  },
  'control/seats': { uses: 'core/clock core/licences core/sessions contracts/fleet', testPackages: 'fast-check' },
  'control/usage': {
    uses: 'core/clock core/journal core/licences core/random contracts/fleet contracts/usage control/database',
    tests: 'control/program proof/labs',
    testPackages: 'fast-check',
  },
  'control/accounts': {
    uses: 'bytes/formats bytes/hashes core/clock core/inventory core/journal core/licences core/random core/sessions contracts/plan contracts/authfile control/database control/seats control/usage',
    packages: 'kysely',
    tests: 'control/fleet control/program proof/labs',
    testPackages: 'fast-check',
  },
  'control/installs': { uses: 'core/clock control/database' },
  'control/surface': { uses: 'core/inventory', packages: '@hono/zod-openapi hono', tests: 'control/api' },
  'control/fleet': {
    uses: 'bytes/formats core/clock core/configuration core/inventory core/journal core/licences core/random contracts/plan contracts/authfile contracts/fleet control/database control/seats control/usage control/accounts control/surface',
    packages: 'hono zod',
  },
  'control/profiles': {
    uses: 'contracts/plan control/fleet',
    tests: 'core/clock core/random host/processes host/namespaces proof/labs',
    testPackages: 'fast-check',
  },
  'control/portal': {
    uses: 'core/clock core/inventory core/journal core/random contracts/claims control/database control/seats control/accounts control/surface control/fleet control/profiles',
    packages: 'hono',
    tests: 'host/listening host/processes control/usage proof/labs',
    testPackages: 'fast-check',
  },
  'control/api': {
    uses: 'core/clock core/configuration core/inventory core/journal core/licences contracts/plan control/database control/seats control/accounts control/installs control/surface control/fleet',
    packages: '@hono/zod-openapi hono',
    tests: 'proof/labs',
    testPackages: 'fast-check',
  },
  'control/program': {
    uses: 'bytes/formats core/clock core/configuration core/inventory core/journal core/licences core/random contracts/plan host/listening host/program control/database control/seats control/usage control/accounts control/installs control/fleet control/profiles control/portal control/api',
    packages: '@hono/node-server zod',
    tests: 'host/processes proof/labs',
  },

  // Gives a gateway its secrets once it has proven itself.
  activator: {
    uses: 'bytes/formats bytes/text verify/attestation core/clock core/configuration core/inventory core/journal core/random contracts/plan contracts/activation contracts/pki contracts/release host/files host/listening host/processes host/terminal host/program',
    packages: 'commander zod',
    tests: 'proof/labs',
  },

  // Builds and signs the gateway's image.
  'image/build': {
    uses: 'bytes/formats core/clock contracts/activation host/processes host/terminal gateway/geoip',
    packages: 'esbuild zod',
    tests: 'verify/attestation host/machines proof/labs',
  },
  'image/tokens': { uses: 'bytes/formats host/processes', tests: 'proof/labs' },
  'image/release': {
    uses: 'bytes/formats verify/attestation core/clock core/configuration core/random contracts/activation contracts/pki contracts/release host/files host/processes host/terminal image/build image/tokens',
    packages: 'commander esbuild',
    tests: 'proof/labs',
    testPackages: 'zod',
  },

  // All programs on one machine.
  onebox: {
    uses: 'bytes/formats bytes/text core/clock core/configuration core/inventory core/journal core/random contracts/plan contracts/activation contracts/pki contracts/release host/files host/listening host/processes host/namespaces host/machines host/terminal gateway/geoip gateway/tunnels gateway/boot gateway/residue control/database control/program activator image/release',
    packages: 'commander zod',
    tests: 'proof/labs',
  },

  // What proves. Nothing that ships imports it.
  'proof/labs': {
    uses: 'bytes/formats bytes/hashes bytes/text verify/attestation core/clock core/journal core/licences core/random core/sessions contracts/plan contracts/activation contracts/authfile contracts/pki contracts/release host/listening host/processes host/namespaces host/machines host/terminal gateway/authfile gateway/geoip gateway/sessions gateway/tunnels gateway/boot gateway/residue control/database control/usage control/accounts control/fleet control/profiles control/portal control/program activator image/build image/tokens image/release',
    packages: 'fast-check playwright-core',
  },
  'proof/hunt': {
    uses: 'bytes/text core/random host/processes host/machines proof/labs',
    tests: 'core/clock gateway/residue onebox',
    testPackages: 'fast-check kysely',
  },
  'proof/demo': {
    uses: 'core/clock core/inventory core/journal core/random contracts/plan contracts/activation contracts/pki host/processes host/namespaces host/machines host/terminal control/database image/build image/release onebox proof/labs proof/hunt',
    packages: 'kysely',
    tests: 'contracts/release activator',
  },
  'proof/bench': {
    uses: 'bytes/formats bytes/hashes bytes/text verify/attestation core/clock core/journal core/licences core/random contracts/plan contracts/activation contracts/authfile contracts/pki host/processes host/namespaces host/machines host/terminal gateway/authfile gateway/geoip gateway/sessions gateway/sensitive gateway/tunnels gateway/boot gateway/residue control/database control/usage control/accounts control/portal control/api control/program activator image/build onebox proof/labs',
    packages: 'kysely lmdb mmdb-lib pg',
  },
  'proof/check': { uses: 'core/clock host/processes host/terminal' },
  'proof/hardening': {
    uses: 'core/clock core/configuration core/random contracts/plan contracts/pki host/processes host/namespaces host/machines gateway/agent gateway/boot image/build proof/labs',
    tests: 'host/files gateway/tunnels',
  },
  'proof/lint': { uses: 'host/processes', tests: 'control/api', testPackages: '@redocly/openapi-core' },
  'proof/runner': { uses: 'core/clock host/processes host/namespaces host/terminal' },
  'proof/mutants': { uses: 'host/processes proof/runner' },

  // One file a program.
  'cmd/activation': { uses: 'core/clock core/random contracts/activation host/program gateway/boot' },
  'cmd/activator': { uses: 'core/clock core/random host/program activator' },
  'cmd/control': { uses: 'core/clock core/random contracts/plan host/program control/fleet control/program' },
  'cmd/gateway': { uses: 'core/clock core/random contracts/plan host/program gateway/tunnels gateway/agent' },
  'cmd/packages': { uses: 'host/packages' },
  'cmd/lethe': {
    uses: 'core/clock core/random host/processes host/terminal activator image/build image/release onebox proof/demo proof/bench proof/check proof/runner',
    packages: 'commander',
  },
};

/** Packages that may be inside the gateway program, with everything they bring. */
export const GATEWAY_PACKAGES = ['zod'];
