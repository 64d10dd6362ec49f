/** Who is signed in. */

import { api, ApiError } from '../api/client';
import type { Role, Session } from '../api/types';

class SessionState {
  current = $state<Session | null>(null);
  /** False until the server has said whether a session exists. */
  known = $state(false);
  /** The server cannot be asked at all. */
  unreachable = $state(false);

  async load(): Promise<void> {
    try {
      this.current = await api.session();
      this.unreachable = false;
      this.known = true;
    } catch (problem) {
      this.current = null;
      this.unreachable = problem instanceof ApiError && (problem.unreachable || problem.status >= 500);
      this.known = !this.unreachable;
    }
  }

  async signIn(username: string, password: string): Promise<void> {
    this.current = await api.signIn(username, password);
    this.known = true;
  }

  async signOut(): Promise<void> {
    try {
      await api.signOut();
    } finally {
      this.current = null;
    }
  }

  /** The server said 401: the session has ended. */
  ended(): void {
    this.current = null;
  }

  /** What the API lets each role see (`docs/api.md`); the page does not ask for the rest. */
  get sees(): Sight {
    return SIGHT[this.current?.role ?? 'police'];
  }
}

export interface Sight {
  values: boolean;
  alarms: boolean;
  violations: boolean;
  /** Violation reports, with plates for a stated purpose. */
  reports: boolean;
  /** Where motorcycles are seen from the front only. */
  rearViews: boolean;
  jobs: boolean;
  /** May stop a job. */
  stopsJobs: boolean;
}

const SIGHT: Record<Role, Sight> = {
  operator: { values: true, alarms: true, violations: true, reports: false, rearViews: false, jobs: true, stopsJobs: false },
  police: { values: false, alarms: false, violations: true, reports: true, rearViews: false, jobs: false, stopsJobs: false },
  developer: { values: true, alarms: false, violations: false, reports: false, rearViews: false, jobs: true, stopsJobs: true },
  admin: { values: true, alarms: true, violations: true, reports: true, rearViews: true, jobs: true, stopsJobs: true },
};

export const session = new SessionState();
