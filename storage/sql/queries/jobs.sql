-- listen --
-- Hear of every change of a job.
LISTEN andaman_job;

-- lock --
-- One who asks for a job only once at a time.
SELECT pg_advisory_xact_lock(hashtext('andaman.job'));

-- known --
-- A job of this kind and arguments that waits, runs or is done.
SELECT id FROM job WHERE kind = %(kind)s AND args = %(args)s::jsonb AND state IN ('queued', 'running', 'done') LIMIT 1;

-- enqueue --
-- Ask for a job.
INSERT INTO job (kind, args, made_by) VALUES (%(kind)s, %(args)s::jsonb, %(made_by)s) RETURNING id;

-- schedule --
-- Have a job made on a timer; a shorter interval than before counts from now.
INSERT INTO job_schedule AS s (name, kind, args, every_s) VALUES (%(name)s, %(kind)s, %(args)s::jsonb, %(every_s)s)
ON CONFLICT (name) DO UPDATE
SET kind = excluded.kind, args = excluded.args, every_s = excluded.every_s,
    next_at = least(s.next_at, clock_timestamp() + make_interval(secs => excluded.every_s));

-- scheduled --
-- The jobs of schedules that are due; one that still waits or runs is not made twice.
WITH due AS (
    UPDATE job_schedule SET next_at = greatest(next_at, clock_timestamp() - make_interval(secs => every_s))
                                      + make_interval(secs => every_s)
    WHERE next_at <= clock_timestamp()
    RETURNING name, kind, args
)
INSERT INTO job (kind, args, schedule) SELECT kind, args, name FROM due
ON CONFLICT (schedule) WHERE state IN ('queued', 'running') DO NOTHING;

-- abandoned --
-- End the jobs whose worker is gone and that somebody stopped, or that were tried often enough.
UPDATE job
SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'failed' END, finished_at = clock_timestamp(), worker = NULL,
    error = CASE WHEN cancel_requested THEN error ELSE 'the worker that ran it disappeared' END
WHERE state = 'running' AND lease_until_at < clock_timestamp() AND (cancel_requested OR attempts >= attempts_max);

-- claim --
-- Take the next job that is due and that nobody works on.
UPDATE job
SET state = 'running', worker = %(worker)s, lease_until_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
    attempts = attempts + 1, started_at = clock_timestamp()
WHERE id = (
    SELECT id FROM job
    WHERE kind = ANY (%(kinds)s) AND due_at <= clock_timestamp() AND NOT cancel_requested
      AND (state = 'queued' OR state = 'running' AND lease_until_at < clock_timestamp() AND attempts < attempts_max)
    ORDER BY due_at, id
    FOR UPDATE SKIP LOCKED
    LIMIT 1
)
RETURNING id, kind, args, attempts, attempts_max, (extract(epoch FROM created_at) * 1000000)::bigint;

-- beat --
-- Keep a lease, and hear whether the job should stop.
UPDATE job SET lease_until_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s AND attempts = %(attempt)s
RETURNING cancel_requested;

-- report --
-- How far a job is.
UPDATE job SET progress = %(progress)s, message = %(message)s
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s AND attempts = %(attempt)s
RETURNING id;

-- finish --
-- End a job.
UPDATE job
SET state = %(state)s, finished_at = clock_timestamp(), worker = NULL, lease_until_at = NULL, error = %(error)s,
    progress = CASE WHEN %(state)s = 'done' THEN 1 ELSE progress END,
    message = CASE WHEN %(message)s = '' THEN message ELSE %(message)s END
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s AND attempts = %(attempt)s
RETURNING id;

-- give_back --
-- Let a job be tried again later.
UPDATE job
SET state = 'queued', worker = NULL, lease_until_at = NULL, attempts = %(attempts)s, error = %(error)s,
    due_at = clock_timestamp() + make_interval(secs => %(pause_s)s)
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s AND attempts = %(attempt)s
RETURNING id;
