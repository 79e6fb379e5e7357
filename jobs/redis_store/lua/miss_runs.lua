#!lua flags=allow-oom
-- Runs that were counted are not there, or are damaged: they count no longer. ARGV: experiment id, then for each run its
-- index, its key in hexadecimal and the damaged summary, or nothing where none is there. Answers: how many were counted.
local id = ARGV[1]
local at, missed = experiment_key(id), 0
if redis.call('EXISTS', at) == 0 then
  return 0
end
for i = 2, #ARGV, 3 do
  local index, run_key, damaged = unpack(ARGV, i, i + 2)
  local run_at = key('run', run_key)
  local outcome, summary = unpack(redis.call('HMGET', run_at, 'outcome', 'summary'))
  -- Somebody may have put a good one in its place meanwhile.
  if (summary or '') == damaged then
    -- The outcome stays, for other experiments have counted it too.
    redis.call('HDEL', run_at, 'summary', 'arrays')
    if redis.call('SETBIT', key('experiment', id, 'done'), index, 0) == 1 then
      missed = missed + 1
      redis.call('HINCRBY', at, 'runs_done', -1)
      if outcome and redis.call('HEXISTS', at, 'outcome:' .. outcome) == 1 then
        redis.call('HINCRBY', at, 'outcome:' .. outcome, -1)
      end
    end
  end
end
return missed
