/** What the operator looks at: one device, one finding, one view. */

export type View = 'live' | 'reports' | 'jobs';
export type PhoneTab = 'map' | 'alarms' | 'violations' | 'city';

class Selection {
  view = $state<View>('live');
  tab = $state<PhoneTab>('map');
  device = $state<string | null>(null);
  finding = $state<string | null>(null);
  /** Counts up when the map is asked to go to the selected device. */
  flights = $state(0);
  /** What had the focus before the device panel opened; it gets it back. */
  #before: HTMLElement | null = null;

  openDevice(id: string, options: { fly?: boolean } = {}): void {
    if (this.device === null && document.activeElement instanceof HTMLElement) this.#before = document.activeElement;
    this.device = id;
    this.view = 'live';
    if (options.fly) this.flights += 1;
  }

  openFinding(id: string, device: string | null): void {
    this.finding = this.finding === id ? null : id;
    if (this.finding && device) this.showOnMap(device);
  }

  /** Bring a device into sight without covering the list that asked for it. */
  showOnMap(device: string): void {
    if (this.device !== device) this.device = null;
    this.focusDevice = device;
    this.flights += 1;
  }

  /** The device that the map marks; the panel stays closed. */
  focusDevice = $state<string | null>(null);

  closeDevice(): void {
    this.device = null;
    this.#before?.focus();
    this.#before = null;
  }

  get marked(): string | null {
    return this.device ?? this.focusDevice;
  }

  clear(): void {
    this.device = null;
    this.focusDevice = null;
    this.finding = null;
    this.view = 'live';
    this.tab = 'map';
  }
}

export const selection = new Selection();
