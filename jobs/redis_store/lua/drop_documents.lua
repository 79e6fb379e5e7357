#!lua flags=allow-oom
-- Remove documents, unless an experiment uses one of them. ARGV: how many documents must be as somebody knew them, each by
-- its name and value; then document...
local first = 2 + 2 * tonumber(ARGV[1])
for i = 2, first - 1, 2 do
  if redis.call('GET', key('document', ARGV[i])) ~= ARGV[i + 1] then
    return EDITED
  end
end
for i = first, #ARGV do
  if redis.call('HEXISTS', key('document-users'), ARGV[i]) == 1 then
    return redis.error_reply('INUSE an experiment uses it')
  end
end
for i = first, #ARGV do
  redis.call('UNLINK', key('document', ARGV[i]))
  local upload = string.match(ARGV[i], '^dataset%-description:(.*)')
  if upload then
    redis.call('ZREM', uploads_key(upload), upload)
  end
end
return 1
