#!lua flags=no-writes
-- Digests of the keys of an experiment's runs, and of which of them are stored. ARGV: experiment id.
local id = ARGV[1]
local keys, done = unpack(redis.call('MGET', key('experiment', id, 'keys'), key('experiment', id, 'done')))
return redis.sha1hex(keys or '') .. redis.sha1hex(done or '')
