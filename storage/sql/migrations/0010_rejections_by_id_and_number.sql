-- The bytes of one rejection, and whether a number was settled by one, were looked for through every day that is kept.

CREATE INDEX rejection_id ON rejection (shard, n, i);
CREATE INDEX rejection_number ON rejection (device, seq) WHERE boot > 0;
