#!lua
-- Keep an upload and list it. ARGV: id, name of its arrays, arrays, name of its description, description. 1 if it is new.
local id, arrays_name, arrays, description_name, description = unpack(ARGV)
local is_new = redis.call('EXISTS', key('document', description_name)) == 0
redis.call('SET', key('document', arrays_name), arrays, 'NX')
redis.call('SET', key('document', description_name), description)
local uploads = uploads_key(id)
if not redis.call('ZSCORE', uploads, id) then
  local _, last = unpack(redis.call('ZREVRANGE', uploads, 0, 0, 'WITHSCORES'))
  redis.call('ZADD', uploads, (tonumber(last) or 0) + 1, id)
end
return is_new and 1 or 0
