#!lua flags=allow-oom
-- Runs that were counted are not there, or are damaged: they count no longer. ARGV: experiment id, then for each run its
-- index, digest, key in hexadecimal, and the summary and arrays that were found, nothing where there was none.
-- Answers: how many were counted.
local id = ARGV[1]
local at, keys, missed = experiment_key(id), key('experiment', id, 'keys'), 0
if redis.call('EXISTS', at) == 0 then
  return 0
end
for i = 2, #ARGV, 5 do
  local index, digest, run_key, bad_summary, bad_arrays = unpack(ARGV, i, i + 4)
  local run_at, first = key('run', run_key), tonumber(index) * #digest
  local outcome, summary, arrays = unpack(redis.call('HMGET', run_at, 'outcome', 'summary', 'arrays'))
  local is_planned = redis.call('GETRANGE', keys, first, first + #digest - 1) == digest
  -- Somebody may have put a good one in its place meanwhile, or planned the experiment anew.
  if is_planned and (summary or '') == bad_summary and (bad_arrays == '' or arrays == bad_arrays) then
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
