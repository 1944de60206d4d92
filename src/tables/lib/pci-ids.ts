/** Names for PCI numbers, from the pci.ids file that distributions carry. */
import { readText, type Rooted } from './files.ts';

export interface PciNames {
  vendor(id: string): string | null;
  model(vendor: string, model: string): string | null;
  subsystem(vendor: string, model: string, subVendor: string, subModel: string): string | null;
  class(id: string): string | null;
  subclass(classId: string, id: string): string | null;
}

/** Undefined where no pci.ids is installed. Ids are lower-case hexadecimal without 0x. */
export function readPciNames(context: Rooted): PciNames | undefined {
  for (const path of PATHS) {
    const content = readText(context, path);
    if (content !== undefined) return namesIn(content);
  }
  return undefined;
}

/**
 * `vendor  name`, below it `<tab>model  name`, below that `<tab><tab>subvendor submodel  name`;
 * classes are `C class  name` and `<tab>subclass  name`.
 */
function namesIn(content: string): PciNames {
  const names = new Map<string, string>();
  let [top, middle] = ['', ''];
  for (const line of content.split('\n')) {
    const match = /^(\t{0,2})((?:C )?[0-9a-f]{2,4}(?: [0-9a-f]{4})?) {2}(.+)$/.exec(line);
    if (match === null) continue;
    const [, tabs, id, name] = match;
    if (tabs === '') top = id!;
    else if (tabs === '\t') middle = `${top}/${id}`;
    names.set(tabs === '' ? top : tabs === '\t' ? middle : `${middle}/${id}`, name!);
  }
  const find = (key: string): string | null => names.get(key) ?? null;
  return {
    vendor: (id) => find(id),
    model: (vendor, model) => find(`${vendor}/${model}`),
    subsystem: (vendor, model, subVendor, subModel) =>
      find(`${vendor}/${model}/${subVendor} ${subModel}`),
    class: (id) => find(`C ${id}`),
    subclass: (classId, id) => find(`C ${classId}/${id}`),
  };
}

const PATHS = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids', '/usr/share/pci.ids'];
