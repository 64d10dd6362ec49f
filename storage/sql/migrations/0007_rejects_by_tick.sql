-- Rejections are counted by tick, so that an alarm about them does not depend on how the stream is cut into batches.

COMMENT ON COLUMN batch.rejects IS '[{device, reason, count, boot[], seq[], at_us}]: what was rejected, at_us the tick after its receipt.';
