// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import type { Lock } from '../build/lockfile.ts';

/** An npm package that is inside a bundled program, as package-lock.json names it. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and base64. */
  readonly integrity: string;
  readonly license?: string;
}

export interface BillOfMaterials {
  /** Of the software. */
  readonly version: string;
  /** Seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** SHA-256 over everything that the build read. */
  readonly inputs: string;
  readonly image: Lock;
  readonly tools: Lock;
  readonly bundled: readonly BundledPackage[];
}

interface Component {
  readonly type: 'operating-system' | 'application' | 'library';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly scope: 'required' | 'excluded';
  readonly hashes: readonly { readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }[];
  readonly purl: string;
  readonly licenses?: readonly { readonly license: { readonly id: string } }[];
}

/**
 * CycloneDX 1.5 (ECMA-424's predecessor), as JSON text: what is inside the image, and with scope `excluded` the tools it
 * was made with. Follows from the locks alone: the same release gives the same text.
 */
export function billOfMaterials(bill: BillOfMaterials): string {
  const inside = [...bill.image.packages.map((entry) => debian(entry, 'required')), ...bill.image.modules.map(node)];
  const components: Component[] = [
    ...inside,
    ...bill.bundled.map(bundled),
    ...bill.tools.packages.map((entry) => debian(entry, 'excluded')),
  ];
  const self = 'lethe-gateway-image';
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(bill.inputs)}`,
    version: 1,
    metadata: {
      timestamp: new Date(bill.sourceDateEpoch * 1000).toISOString(),
      component: { type: 'operating-system', 'bom-ref': self, name: self, version: bill.version },
    },
    components,
    dependencies: [
      {
        ref: self,
        dependsOn: components.filter(({ scope }) => scope === 'required').map((component) => component['bom-ref']),
      },
    ],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

function debian(entry: Lock['packages'][number], scope: Component['scope']): Component {
  const purl = `pkg:deb/debian/${encodeURIComponent(entry.name)}@${encodeURIComponent(entry.version)}?arch=${entry.architecture}`;
  return {
    type: entry.name.startsWith('linux-image-') ? 'operating-system' : 'library',
    'bom-ref': scope === 'required' ? purl : `tool:${purl}`,
    name: entry.name,
    version: entry.version,
    scope,
    hashes: [{ alg: 'SHA-256', content: entry.sha256 }],
    purl,
  };
}

function node(entry: Lock['modules'][number]): Component {
  return npm({ ...entry, type: 'application' });
}

function bundled(entry: BundledPackage): Component {
  const licenses = entry.license === undefined ? {} : { licenses: [{ license: { id: entry.license } }] };
  return { ...npm({ ...entry, type: 'library' }), ...licenses };
}

function npm(entry: { name: string; version: string; integrity: string; type: Component['type'] }): Component {
  const purl = `pkg:npm/${entry.name.replace('@', '%40')}@${entry.version}`;
  const content = Uint8Array.fromBase64(entry.integrity.replace('sha512-', '')).toHex();
  const { type, name, version } = entry;
  return { type, 'bom-ref': purl, name, version, scope: 'required', hashes: [{ alg: 'SHA-512', content }], purl };
}

/** RFC 9562 §5.8: made of our own digest, so that the same inputs have the same number. */
function uuidOf(inputs: string): string {
  const bytes = createHash('sha256').update(`lethe-sbom:${inputs}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
