// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import type { ConfigurationProblem } from '../../core/configuration/configuration.ts';
import { ListenError, type Listening } from '../../host/listening/listening.os.ts';
import { databaseIsAway } from '../database/unavailable.ts';
import { loadAssets } from '../portal/assets.os.ts';
import { parseControlConfig } from './config.ts';
import { type Control, type ControlContext, openControl, SchemaError } from './control.ts';
import { MaterialError, readMaterial } from './material.os.ts';
import { serveHttp, serveHttps } from './serve.os.ts';

/** Everything that has to be read before the program gives up its rights. */
export function loadControl(
  path: string,
): Pick<ControlContext, 'config' | 'material' | 'assets'> | ConfigurationProblem {
  try {
    const config = parseControlConfig(readFileSync(path, 'utf8'));
    return 'problem' in config ? config : { config, material: readMaterial(config), assets: loadAssets() };
  } catch (error) {
    if (error instanceof MaterialError) return { problem: error.message };
    return { problem: 'The configuration file cannot be read.' };
  }
}

export interface RunningControl {
  readonly control: Control;
  /** `http://127.0.0.1:8080` */
  readonly portal: string;
  /** Undefined without a fleet. */
  readonly fleet: string | undefined;
  close(): Promise<void>;
}

/** Opens the service and its ports. What was opened is closed again when a later step fails. */
export async function runControl(context: ControlContext): Promise<RunningControl> {
  const control = await openControl(context);
  const open: Listening[] = [];
  const close = async () => {
    await Promise.all(open.map((listening) => listening.close()));
    await control.close();
  };
  try {
    const { config, material } = context;
    const portal = await serveHttp(config.listen, control.publicFetch);
    open.push(portal);
    if (config.fleet === undefined || material.fleetTls === undefined || control.fleetFetch === undefined) {
      return { control, portal: portal.url, fleet: undefined, close };
    }
    const fleet = await serveHttps(config.fleet.listen, material.fleetTls, control.fleetFetch);
    open.push(fleet);
    return { control, portal: portal.url, fleet: fleet.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One sentence about why the program cannot start. Errors that nobody foresaw are not shown: they may hold anything. */
export function startProblem(error: unknown): string {
  if (error instanceof ListenError || error instanceof SchemaError) {
    return error.message;
  }
  if (databaseIsAway(error)) return 'The database does not answer: is it running, and is its socket where we look?';
  return 'The program could not start.';
}
