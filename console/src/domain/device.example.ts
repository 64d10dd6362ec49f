/** A device as the API sends it, for tests. */

import type { Device } from '../api/types';

export function device(change: Partial<Device> = {}): Device {
  return {
    id: 'cam-402-07', no: 7, type: 'camera', zone: 'si-sunthon', lon: 98.36, lat: 7.98, name_en: 'Thep Krasattri Road, towards town',
    name_th: 'ถ.เทพกระษัตรี ขาเข้าเมือง', call_sign: '402-07', functions: ['speed'], faces: 'front', kinds: ['counts', 'passage'],
    series: [], verified: true, note: '', state: 'live', last_heard: null, ...change,
  };
}
