#!lua flags=allow-oom
-- Remove a damaged document, if it is still the one that was found. ARGV: its name, what was found.
local at = key('document', ARGV[1])
return redis.call('GET', at) == ARGV[2] and redis.call('UNLINK', at) or 0
