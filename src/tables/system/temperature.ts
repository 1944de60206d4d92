import { double, load, text } from '../lib/columns.ts';
import { listDir, readAttribute, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const temperature: SnapshotTable = {
  kind: 'snapshot',
  name: 'temperature',
  description: 'Temperatures in degrees Celsius, from hwmon and thermal zones.',
  cost: 'cheap',
  key: ['sensor'],
  beyondOsquery: true,
  columns: [
    text('sensor', 'Which sensor, e.g. hwmon0/temp1 or thermal_zone0.'),
    text('device', 'Driver or kind of the zone, e.g. coretemp.'),
    text('label', 'What is measured, where the driver tells it.'),
    load(double('celsius', 'Temperature now.')),
    double('high', 'Temperature from which it is too warm.'),
    double('critical', 'Temperature from which the machine is in danger.'),
  ],
  collect(context): Row[] {
    const rows = [...hwmonRows(context), ...zoneRows(context)];
    if (rows.length === 0) {
      throw new TableAbsentError('no temperature sensor is seen (virtual machines have none)');
    }
    return rows;
  },
};

function hwmonRows(context: Rooted): Row[] {
  return listDir(context, HWMON).flatMap((chip) => {
    const sensors = listDir(context, `${HWMON}/${chip}`).flatMap(
      (file) => /^(temp\d+)_input$/.exec(file)?.[1] ?? [],
    );
    return sensors.map((sensor) => {
      const base = `${HWMON}/${chip}/${sensor}`;
      return {
        sensor: `${chip}/${sensor}`,
        device: readAttribute(context, `${HWMON}/${chip}/name`),
        label: readAttribute(context, `${base}_label`),
        celsius: degrees(context, `${base}_input`),
        high: degrees(context, `${base}_max`),
        critical: degrees(context, `${base}_crit`),
      };
    });
  });
}

function zoneRows(context: Rooted): Row[] {
  const zones = listDir(context, THERMAL).filter((name) => name.startsWith('thermal_zone'));
  return zones.map((zone) => ({
    sensor: zone,
    device: readAttribute(context, `${THERMAL}/${zone}/type`),
    label: null,
    celsius: degrees(context, `${THERMAL}/${zone}/temp`),
    high: tripPoint(context, zone, 'hot'),
    critical: tripPoint(context, zone, 'critical'),
  }));
}

function tripPoint(context: Rooted, zone: string, type: string): number | null {
  const folder = `${THERMAL}/${zone}`;
  const file = listDir(context, folder).find(
    (name) =>
      /^trip_point_\d+_type$/.test(name) && readAttribute(context, `${folder}/${name}`) === type,
  );
  return file === undefined
    ? null
    : degrees(context, `${folder}/${file.replace('_type', '_temp')}`);
}

/** The kernel counts thousandths of a degree. */
function degrees(context: Rooted, path: string): number | null {
  const thousandths = integerOrNull(readAttribute(context, path));
  return thousandths === null ? null : Number(thousandths) / 1000;
}

const HWMON = '/sys/class/hwmon';
const THERMAL = '/sys/class/thermal';
