/**
 * The shapes of devices and priorities, as paths in a 24 x 24 box centred on 12, 12.
 *
 * One table for the map's canvas, the legend and the lists, so that a shape means the same everywhere.
 */

import type { DeviceType, Priority } from '../api/types';

export const DEVICE_PATHS: Record<DeviceType, string> = {
  // A square with a notch: a camera's housing.
  camera: 'M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z',
  air: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z',
  noise: 'M12 2.8 21.2 9.5 17.7 20.3H6.3L2.8 9.5z',
  weather: 'M12 2.2 21.8 12 12 21.8 2.2 12z',
  // A drop.
  rain: 'M12 2.2c4 5 6.8 8.2 6.8 12a6.8 6.8 0 0 1-13.6 0c0-3.8 2.8-7 6.8-12z',
  water: 'M3 4.5h18L12 20.8z',
};

/** Strokes inside the shape that tell cameras and water apart from plain forms, drawn in the edge colour. */
export const DEVICE_MARKS: Partial<Record<DeviceType, string>> = {
  camera: 'M12 8.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z',
  water: 'M7.2 9c1.6-1.4 3.2-1.4 4.8 0s3.2 1.4 4.8 0',
  air: 'M8 10.3h8M8 13.7h8',
  noise: 'M9.2 10v5M12 8v9M14.8 10v5',
  weather: 'M12 8v8M8 12h8',
};

export const PRIORITY_PATHS: Record<Priority, string> = {
  critical: 'M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8z',
  high: 'M12 2.5 22.3 20.5H1.7z',
  medium: 'M12 1.8 22.2 12 12 22.2 1.8 12z',
  low: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z',
};
