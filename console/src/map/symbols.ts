/** Draws the map's images on a canvas: a device is its shape, filled when live, hollow and struck when it is not. */

import { DEVICE_MARKS, DEVICE_PATHS, PRIORITY_PATHS } from './shapes';
import type { Palette } from './palette';
import type { DeviceState, DeviceType, Priority } from '../api/types';

/** Canvas pixels per point: sharp on control-room and telephone screens alike. */
export const PIXELS = 2;
const BOX = 32;

export const DEVICE_TYPES: readonly DeviceType[] = ['camera', 'air', 'noise', 'weather', 'rain', 'water'];
export const DEVICE_STATES: readonly DeviceState[] = ['live', 'silent', 'never'];

export function deviceImageName(type: string, state: string): string {
  return `device-${type}-${state}`;
}

export function alarmImageName(priority: Priority): string {
  return `alarm-${priority}`;
}

function canvas(): [CanvasRenderingContext2D, () => ImageData] {
  const element = document.createElement('canvas');
  element.width = BOX * PIXELS;
  element.height = BOX * PIXELS;
  const context = element.getContext('2d');
  if (!context) throw new Error('this browser has no 2D canvas');
  context.scale(PIXELS, PIXELS);
  context.translate((BOX - 24) / 2, (BOX - 24) / 2);
  context.lineJoin = 'round';
  context.lineCap = 'round';
  return [context, () => context.getImageData(0, 0, element.width, element.height)];
}

function drawDevice(type: DeviceType, state: DeviceState, palette: Palette): ImageData {
  const [context, result] = canvas();
  const shape = new Path2D(DEVICE_PATHS[type]);
  const colour = state === 'live' ? palette.types[type] : state === 'silent' ? palette.silent : palette.never;
  context.strokeStyle = palette.symbolEdge;
  context.lineWidth = 4;
  context.stroke(shape);
  context.fillStyle = state === 'live' ? colour : palette.symbolEdge;
  context.fill(shape);
  if (state === 'live') {
    const mark = DEVICE_MARKS[type];
    if (mark) {
      context.lineWidth = 2;
      context.stroke(new Path2D(mark));
    }
    return result();
  }
  context.strokeStyle = colour;
  context.lineWidth = 2.4;
  if (state === 'never') context.setLineDash([2.6, 3.2]);
  context.stroke(shape);
  if (state === 'silent') {
    context.lineWidth = 2.6;
    context.stroke(new Path2D('M8.5 8.5 15.5 15.5M15.5 8.5 8.5 15.5'));
  }
  return result();
}

function drawAlarm(priority: Priority, palette: Palette): ImageData {
  const [context, result] = canvas();
  const shape = new Path2D(PRIORITY_PATHS[priority]);
  context.strokeStyle = palette.symbolEdge;
  context.lineWidth = 4;
  context.stroke(shape);
  context.fillStyle = palette.priorities[priority];
  context.fill(shape);
  context.strokeStyle = palette.symbolEdge;
  context.lineWidth = 2.6;
  const low = priority === 'high' ? 1.5 : 0;
  context.stroke(new Path2D(`M12 ${7 + low}v${6 - low / 2}M12 ${17}v0.1`));
  return result();
}

/** All images of a theme by name. */
export function images(palette: Palette): Map<string, ImageData> {
  const drawn = new Map<string, ImageData>();
  for (const type of DEVICE_TYPES) {
    for (const state of DEVICE_STATES) drawn.set(deviceImageName(type, state), drawDevice(type, state, palette));
  }
  for (const priority of ['critical', 'high', 'medium', 'low'] as const) {
    drawn.set(alarmImageName(priority), drawAlarm(priority, palette));
  }
  return drawn;
}
