-- jobs --
-- Jobs, the newest first.
SELECT id, kind, state, progress, message, created_at, started_at, finished_at, attempts, error
FROM job
ORDER BY id DESC
LIMIT %(limit)s;

-- job --
-- One job.
SELECT id, kind, state, progress, message, created_at, started_at, finished_at, attempts, error
FROM job
WHERE id = %(job)s;

-- ask --
-- Ask for a job.
INSERT INTO job (kind, args, made_by) VALUES (%(kind)s, %(args)s, %(made_by)s) RETURNING id;

-- cancel --
-- Ask a job to stop; one that waits for its turn ends at once.
UPDATE job
SET cancel_requested = true,
    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
    finished_at = CASE WHEN state = 'queued' THEN clock_timestamp() ELSE finished_at END
WHERE id = %(job)s AND state IN ('queued', 'running')
RETURNING id;

-- exists --
-- Whether there ever was such a job.
SELECT EXISTS (SELECT FROM job WHERE id = %(job)s);
