#!lua flags=no-writes
-- How many workers serve a queue. ARGV: queue.
return redis.call('ZCOUNT', key('workers', ARGV[1]), '(' .. string.format('%.17g', now), '+inf')
