/**
 * Machines without DMI, most ARM boards among them, and processors whose kernel tells numbers in
 * place of names: systeminformation keeps the lists that turn codes into makers and models.
 */
import type { CollectContext, Row } from '../types.ts';

type Loader = Pick<CollectContext, 'load'>;

/** Maker and model of the machine and its board; NULL where they are not known. */
export async function boardWithoutDmi(context: Loader): Promise<Row> {
  const { system, baseboard } = await systemInformation(context);
  const [machine, board] = await Promise.all([system(), baseboard()]);
  return {
    hardware_vendor: known(machine.manufacturer),
    hardware_model: known(machine.model),
    hardware_version: known(machine.version),
    hardware_serial: known(machine.serial),
    board_vendor: known(board.manufacturer),
    board_model: known(board.model),
    board_version: known(board.version),
    board_serial: known(board.serial),
  };
}

/** Brand of the processor, e.g. `BCM2711 Cortex-A72`. */
export async function cpuBrand(context: Loader): Promise<string | null> {
  const { cpu } = await systemInformation(context);
  const { manufacturer, brand } = await cpu();
  return known([manufacturer, brand].filter(Boolean).join(' '));
}

/** Loaded only where it is needed, and then in the query process. */
async function systemInformation(context: Loader): Promise<typeof import('systeminformation')> {
  return (await context.load(() => import('systeminformation'))).default;
}

/** It says `-` or an empty text where it knows nothing. */
function known(value: string | null | undefined): string | null {
  const text = value?.trim() ?? '';
  return text === '' || text === '-' ? null : text;
}
