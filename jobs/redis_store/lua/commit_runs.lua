#!lua
-- Store runs, the first result of each, and count them, each once.
-- ARGV: job id, token, lease in seconds, 1 where the job is done with these, else 0, how many pages, each by name, summaries and
-- arrays, then for each run: index, digest, key in hexadecimal, outcome, which of the pages it is on, which of its values are the run's.
-- Answers: how many had not been counted before.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
local at, keys = experiment_key(job.experiment), key('experiment', job.experiment, 'keys')
local pages = tonumber(ARGV[5])
local first_run = 6 + 3 * pages
for i = first_run, #ARGV, 6 do
  local first = tonumber(ARGV[i]) * #ARGV[i + 1]
  if redis.call('GETRANGE', keys, first, first + #ARGV[i + 1] - 1) ~= ARGV[i + 1] then
    return redis.error_reply('NOTPLANNED run ' .. ARGV[i] .. ' was planned under another key')
  end
end
local runs, on_page = {}, {}
for i = first_run, #ARGV, 6 do
  local index, _, run_key, outcome, page, row = unpack(ARGV, i, i + 5)
  local run_at, name = key('run', run_key), ARGV[3 + 3 * page]
  local is_stored = call('HEXISTS', run_at, 'summary') == 1
  if not is_stored and call('HSETNX', run_at, 'page', place_of(run_at, name, row)) == 1 then
    call('HSET', run_at, 'outcome', outcome)
    on_page[page] = (on_page[page] or 0) + 1
  else
    outcome = call('HGET', run_at, 'outcome')
  end
  table.insert(runs, { index, outcome })
end
for page, count in pairs(on_page) do
  local name, summaries, arrays = unpack(ARGV, 3 + 3 * page, 5 + 3 * page)
  call('HSET', key('page', name), 'summaries', summaries, 'arrays', arrays)
  set_users(key('page', name), 'runs', count)
end
local new = count_runs(at, job.experiment, runs)
if ARGV[4] == '1' then
  end_attempt(job, 'succeeded')
end
return new
