// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import type { ConfigurationProblem } from '../../core/configuration/configuration.ts';
import { type CrowdLimits, knownAddresses } from '../../host/listening/crowd.ts';
import { ListenError, type Listening } from '../../host/listening/listening.os.ts';
import { startProblem } from '../../host/program/program.os.ts';
import { databaseIsAway } from '../database/unavailable.ts';
import { loadAssets } from '../portal/assets.os.ts';
import { Collections } from './collections.ts';
import { type ControlConfig, parseControlConfig } from './config.ts';
import { type Control, type ControlContext, openControl, SchemaError } from './control.ts';
import { MaterialError, readMaterial } from './material.os.ts';
import { serveHttp, serveHttps } from './serve.os.ts';

/** Everything that has to be read before the program gives up its rights. */
export function loadControl(
  path: string,
  readAssets = loadAssets,
): Pick<ControlContext, 'config' | 'material' | 'assets'> | ConfigurationProblem {
  const read = loadConfigured(path);
  return 'problem' in read ? read : { ...read, assets: readAssets(read.config.sourceUrl === undefined) };
}

/** The configuration and what it names. The assets are the program's own: without them it is broken, and throws. */
function loadConfigured(path: string): Pick<ControlContext, 'config' | 'material'> | ConfigurationProblem {
  try {
    const config = parseControlConfig(readFileSync(path, 'utf8'));
    return 'problem' in config ? config : { config, material: readMaterial(config) };
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

/**
 * Opens the service and its ports. What was opened is closed again when a later step fails. `collect` collects the garbage of
 * what was shown.
 */
export async function runControl(
  context: ControlContext,
  collect: () => void = () => undefined,
): Promise<RunningControl> {
  const { config, material } = context;
  await using opened = new AsyncDisposableStack();
  const control = opened.adopt(await openControl(context), (it) => it.close());
  const ports: Listening[] = [];
  // Together: none answers while another still closes.
  opened.defer(async () => void (await Promise.all(ports.map((port) => port.close()))));
  const collections = opened.adopt(new Collections(context.clock, collect), (it) => it.stop());
  const portal = await serveHttp(config.listen, (request) => {
    collections.asked();
    return control.publicFetch(request);
  });
  ports.push(portal);
  const fleet =
    config.fleet === undefined || material.fleetTls === undefined || control.fleetFetch === undefined
      ? undefined
      : await serveHttps(
          { ...config.fleet.listen, tls: material.fleetTls, crowd: fleetCrowd(config.fleet.gateways) },
          control.fleetFetch,
        );
  if (fleet !== undefined) ports.push(fleet);
  const kept = opened.move();
  return { control, portal: portal.url, fleet: fleet?.url, close: () => kept.disposeAsync() };
}

/** Gateways may come from another address than their own; of strangers little is read. */
function fleetCrowd(gateways: NonNullable<ControlConfig['fleet']>['gateways']): CrowdLimits {
  const known = knownAddresses(gateways.flatMap(({ address4, address6 }) => [address4, address6]));
  return { perSource: 64, strangers: 1024, known: () => known };
}

export function controlStartProblem(error: unknown): string {
  if (databaseIsAway(error)) return 'The database does not answer: is it running, and is its socket where we look?';
  return startProblem(error, [ListenError, SchemaError]);
}
