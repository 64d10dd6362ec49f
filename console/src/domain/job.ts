/** Durable jobs as people read them. */

import type { Job } from '../api/types';

const RUNNING = new Set(['running', 'leased', 'started', 'active', 'cancelling']);

export function isRunning(job: Job): boolean {
  return RUNNING.has(job.state);
}

/** The job's kind in the person's language, or as the server names it. */
export function jobName(job: Job, term: (group: string, word: string) => string): string {
  return term('job', (job.kind || job.id).replaceAll('-', '_'));
}
