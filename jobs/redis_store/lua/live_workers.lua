#!lua flags=no-writes
-- The workers that serve a queue. ARGV: queue.
return redis.call('ZRANGEBYSCORE', key('workers', ARGV[1]), '(' .. string.format('%.17g', now), '+inf')
