import { expect, test } from 'vitest';
import { device } from './device.example';
import { near } from './near';
import { found } from './search';

const DEVICES = [
  device({ id: 'air-01', call_sign: '', name_en: 'Air quality near 402', name_th: 'คุณภาพอากาศ' }),
  device({ id: 'cam-402-07', call_sign: '402-07' }),
  device({ id: 'cam-402-70', call_sign: '402-70', name_th: 'แยกบางคู' }),
];

test('a call sign finds its camera first', () => {
  expect(found(DEVICES, '402-07')[0]?.id).toBe('cam-402-07');
  expect(found(DEVICES, '402').map((one) => one.id)).toEqual(['cam-402-07', 'cam-402-70', 'air-01']);
});

test('a part of the Thai name finds it too, all words must match', () => {
  expect(found(DEVICES, 'บางคู').map((one) => one.id)).toEqual(['cam-402-70']);
  expect(found(DEVICES, 'air town')).toEqual([]);
  expect(found(DEVICES, '  ')).toEqual([]);
});

test('devices at one junction are near each other, those of the next are not', () => {
  const here = device({ id: 'here', lat: 7.98, lon: 98.36 });
  const leg = device({ id: 'leg', lat: 7.9803, lon: 98.36 });
  const next = device({ id: 'next', lat: 7.99, lon: 98.36 });
  expect(near(here, [here, leg, next]).map((one) => one.id)).toEqual(['leg']);
});
