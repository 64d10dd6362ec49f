-- begin --
-- A snapshot that is not complete yet.
INSERT INTO snapshot (shard, n, engine) VALUES (%(shard)s, %(n)s, %(engine)s) RETURNING id;

-- field --
-- A chunk of a field.
INSERT INTO snapshot_field (snapshot, name, chunk, dtype, shape, bytes)
VALUES (%(snapshot)s, %(name)s, %(chunk)s, %(dtype)s, %(shape)s, %(bytes)s);

-- complete --
-- All fields are there: from here on it may be loaded.
UPDATE snapshot SET complete = true WHERE id = %(snapshot)s;

-- prune --
-- Drop all but the newest complete ones, and those that an earlier attempt left half done.
DELETE FROM snapshot
WHERE shard = %(shard)s AND id < %(snapshot)s AND id NOT IN (
    SELECT id FROM snapshot WHERE shard = %(shard)s AND complete ORDER BY n DESC, id DESC LIMIT %(keep)s
);

-- newest --
-- The newest complete snapshot that this engine can read.
SELECT id, n FROM snapshot
WHERE shard = %(shard)s AND engine = %(engine)s AND complete AND n <= coalesce(%(until)s::bigint, n)
ORDER BY n DESC, id DESC LIMIT 1;

-- fields --
-- The chunks of a snapshot, in order.
SELECT name, dtype, shape, bytes FROM snapshot_field WHERE snapshot = %(snapshot)s ORDER BY name, chunk;
