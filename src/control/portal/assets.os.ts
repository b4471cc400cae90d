// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { packSource } from './source.os.ts';

/** A file that the pages refer to. Its name changes with its content, so that a browser may keep it for good. */
export interface Asset {
  /** `/assets/portal.0123456789abcdef.css` */
  readonly path: string;
  readonly contentType: string;
  readonly content: string | Uint8Array<ArrayBuffer>;
}

export interface Assets {
  readonly style: Asset;
  readonly script: Asset;
  readonly mark: Asset;
  /** The source of the program, where it was asked for. */
  readonly source: Asset | undefined;
  readonly byPath: ReadonlyMap<string, Asset>;
}

function asset(stem: string, extension: string, contentType: string, content: Asset['content']): Asset {
  const fingerprint = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return { path: `/assets/${stem}.${fingerprint}.${extension}`, contentType, content };
}

function own(name: string): string {
  return readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8');
}

/** Reads everything that the pages refer to. The QR encoder is the npm package's own file, served by us. */
export function loadAssets(withSource = false): Assets {
  const qr = asset(
    'uqr',
    'js',
    'text/javascript; charset=utf-8',
    readFileSync(fileURLToPath(import.meta.resolve('uqr')), 'utf8'),
  );
  const style = asset(
    'portal',
    'css',
    'text/css; charset=utf-8',
    ['ground', 'forms', 'pieces'].map((name) => own(`${name}.css`)).join(''),
  );
  const script = asset(
    'portal',
    'js',
    'text/javascript; charset=utf-8',
    own('portal.js').replace("'./uqr.js'", `'${qr.path}'`),
  );
  const mark = asset('mark', 'svg', 'image/svg+xml', own('mark.svg'));
  const source = withSource ? asset('source', 'zip', 'application/zip', packSource()) : undefined;
  const all = [qr, style, script, mark, ...(source === undefined ? [] : [source])];
  return { style, script, mark, source, byPath: new Map(all.map((item) => [item.path, item])) };
}
