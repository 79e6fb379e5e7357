#!lua flags=allow-oom
-- Runs that were counted are not there, or are damaged: they count no longer. ARGV: experiment id, then for each run its
-- index, digest, key in hexadecimal, and the page, summary and arrays that were found, nothing where there was none.
-- Answers: how many were counted.
local id = ARGV[1]
local at, keys, missed = experiment_key(id), key('experiment', id, 'keys'), 0
if redis.call('EXISTS', at) == 0 then
  return 0
end
for i = 2, #ARGV, 6 do
  local index, digest, run_key, bad_page, bad_summary, bad_arrays = unpack(ARGV, i, i + 5)
  local first = tonumber(index) * #digest
  -- Somebody may have planned the experiment anew.
  local is_planned = redis.call('GETRANGE', keys, first, first + #digest - 1) == digest
  if is_planned and forget_run(run_key, bad_page, bad_summary, bad_arrays) then
    local outcome = redis.call('HGET', key('run', run_key), 'outcome')
    if redis.call('SETBIT', key('experiment', id, 'done'), index, 0) == 1 then
      missed = missed + 1
      redis.call('HINCRBY', at, 'runs_done', -1)
      if outcome then
        count_outcomes(at, { [outcome] = -1 })
      else
        -- Nobody knows what the run was counted under: what is told of the others is in their summaries.
        redis.call('HSET', at, 'outcomes', '{}')
      end
    end
  end
end
return missed
