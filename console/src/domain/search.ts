/** Finding a device by what people say: call sign, id, or a part of its name in either language. */

import type { Device } from '../api/types';

/** More than fits the list; whoever sees so many types one letter more. */
const HITS_MAX = 12;

/** Devices that match all words of the text, those whose call sign begins with it first. */
export function found(devices: readonly Device[], text: string): Device[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const scored: [number, Device][] = [];
  for (const device of devices) {
    const sign = device.call_sign.toLowerCase();
    const all = `${sign} ${device.id} ${device.name_en.toLowerCase()} ${device.name_th}`;
    if (!words.every((word) => all.includes(word))) continue;
    const first = words[0] as string;
    scored.push([sign === first ? 0 : sign.startsWith(first) ? 1 : device.id.startsWith(first) ? 2 : 3, device]);
  }
  return scored.sort((one, other) => one[0] - other[0]).slice(0, HITS_MAX).map(([, device]) => device);
}
