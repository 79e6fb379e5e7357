#!lua flags=allow-oom
-- Remove documents, unless an experiment uses one of them. ARGV: document...
for i = 1, #ARGV do
  if redis.call('HEXISTS', key('document-users'), ARGV[i]) == 1 then
    return redis.error_reply('INUSE an experiment uses it')
  end
end
for i = 1, #ARGV do
  redis.call('UNLINK', key('document', ARGV[i]))
  local upload = string.match(ARGV[i], '^dataset%-description:(.*)')
  if upload then
    redis.call('ZREM', uploads_key(upload), upload)
  end
end
return 1
