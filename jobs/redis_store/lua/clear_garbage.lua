#!lua flags=allow-oom
-- Clear away some of one heap that an experiment has left: records of its jobs, or its use of runs or documents.
-- ARGV: most to clear away, bytes of a digest. Answers: how many were.
local most, bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local heap = redis.call('HRANDFIELD', key('garbage'))
if not heap then
  return 0
end
local kind, cleared = redis.call('TYPE', heap).ok, 0
if kind == 'list' then
  for _, id in ipairs(redis.call('LPOP', heap, most)) do
    redis.call('UNLINK', key('job', id))
    cleared = cleared + 1
  end
elseif kind == 'set' then
  for _, document in ipairs(redis.call('SPOP', heap, most)) do
    stop_using_document(document)
    cleared = cleared + 1
  end
elseif kind == 'string' then
  local start = number_of(redis.call('HGET', key('garbage'), heap), 0)
  local digests = redis.call('GETRANGE', heap, start, start + most * bytes - 1)
  for first = 1, #digests, bytes do
    stop_using_run(string.sub(digests, first, first + bytes - 1))
    cleared = cleared + 1
  end
  redis.call('HSET', key('garbage'), heap, start + #digests)
  if start + #digests >= redis.call('STRLEN', heap) then
    redis.call('UNLINK', heap)
  end
end
if redis.call('EXISTS', heap) == 0 then
  redis.call('HDEL', key('garbage'), heap)
end
return cleared
