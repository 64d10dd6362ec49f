-- Which version of the city a shard's log has put in force is asked whenever rejections are fed in again.

CREATE INDEX batch_config ON batch (shard, config) WHERE config IS NOT NULL;
