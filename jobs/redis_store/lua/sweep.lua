#!lua flags=allow-oom
-- One slice of the search for what nothing refers to. ARGV: about how many keys to look at, seconds for which nobody must
-- have touched what is removed. Answers: the names of what was.
local most, grace = ARGV[1], tonumber(ARGV[2])

local function is_idle(name)
  -- To ask this is no touch. A server that counts uses instead of times does not know: nothing is removed there.
  local idle = redis.pcall('OBJECT', 'IDLETIME', name)
  return type(idle) == 'number' and idle >= grace
end

local IS_ORPHAN = {
  run = function(run)
    -- One with a result had users: that they are not known is damage.
    local users, summary, page = unpack(redis.call('HMGET', key('run', run), 'users', 'summary', 'page'))
    return not (users or summary or page)
  end,
  page = function(page)
    return redis.call('HEXISTS', key('page', page), 'runs') == 0
  end,
  job = function(id)
    local job = redis.call('EXISTS', experiment_key(string.match(id, '^[^.]*'))) == 1 and job_of(id)
    return not job or not is_current(job)
  end,
  document = function(document)
    return redis.call('PTTL', key('document', document)) == -1
      and redis.call('HEXISTS', key('document-users'), document) == 0 and not is_upload(document)
  end,
  experiment = function(part)
    if not string.find(part, ':', 1, true) and not redis.call('ZSCORE', key('experiments'), part) then
      damaged(part)
    end
    return redis.call('EXISTS', experiment_key(string.match(part, '^[^:]*'))) == 0
  end,
}

local cursor, names = unpack(redis.call('SCAN', number_of(redis.call('GET', key('sweep')), 0), 'MATCH', PREFIX .. '*', 'COUNT', most))
redis.call('SET', key('sweep'), cursor)
local removed = {}
for _, name in ipairs(names) do
  local kind, rest = string.match(name, '^([^:]+):(.*)', #PREFIX + 1)
  if IS_ORPHAN[kind] and is_idle(name) and IS_ORPHAN[kind](rest) then
    redis.call('UNLINK', name)
    table.insert(removed, kind .. ':' .. rest)
  end
end
return removed
