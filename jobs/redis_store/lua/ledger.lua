-- What every script begins with: the store's clock, the names of its keys, the seals of its records, and how a job's
-- move changes what its experiment counts. `PREFIX`, `SCHEMA`, `FORMER` (the schemas that a script takes over), `SEALED_FIELDS`,
-- `BACKGROUND_CHARGE`, `TURN_SECONDS` and `MOVES`, the table of legal moves, are put in front of it from Python.
--
-- Keys are made from ids inside the scripts, so this is for one server and its replicas, not for a cluster. Scripts check
-- before they write: what is refused has changed nothing.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local READS = { HGET = true, HMGET = true, HGETALL = true, HEXISTS = true, HKEYS = true }
local QUEUES = { 'interactive', 'batch' }
local LEASE_LOST = redis.error_reply("LEASELOST the job is no longer this worker's")
local NOT_FOUND = redis.error_reply('NOTFOUND there is no such experiment')
local EDITED = redis.error_reply('EDITED somebody has edited it meanwhile')

local function key(...)
  return PREFIX .. table.concat({ ... }, ':')
end

-- A stored number; where it is none, or damaged, that of somebody who knows nothing.
local function number_of(stored, default)
  return tonumber(stored or '') or default
end

-- A store of another form is left alone. That of 0.1 has experiments, and does not say of which form it is.
local schema = redis.call('GET', key('schema'))
if schema ~= SCHEMA and not FORMER[schema] and (schema or redis.call('EXISTS', key('experiments', 'number')) == 1) then
  return redis.error_reply('FOREIGN ' .. (schema or ''))
end

local function experiment_key(id)
  return key('experiment', id)
end

-- A record is the hash of an experiment or of a job. `SEALED_FIELDS` has the fields of each kind, in the order in which
-- they go into its `seal`: a checksum, so that a record that changed by itself is found before anybody believes it.
local function fields_of(at)
  return SEALED_FIELDS[string.match(at, '^(%a+):[^:]+$', #PREFIX + 1)]
end

local call, sound, changed = redis.call, {}, {}

local function checksum(text)
  return string.sub(redis.sha1hex(text), 1, 16)
end

-- Fields that came to a kind later are under the seal where a record has them: one that was written before stays sound.
local function seal_of(at)
  local fields = fields_of(at)
  local values = call('HMGET', at, unpack(fields))
  for i, value in ipairs(values) do
    values[i] = value or ''
  end
  while #values > fields.first and values[#values] == '' do
    table.remove(values)
  end
  return checksum(at .. '\n' .. table.concat(values, '\n'))
end

-- As jobs/status.py has it.
local function status_of(at)
  local cancel, plan, started, queued, running, dead, total, done = unpack(call('HMGET', at, 'cancel', 'plan', 'started',
    'queued', 'running', 'dead', 'runs_total', 'runs_done'))
  if cancel == '1' then
    return 'cancelled'
  elseif number_of(queued, 0) + number_of(running, 0) == 0 then
    return dead == '0' and total == done and 'succeeded' or 'failed'
  elseif plan ~= 'succeeded' and plan ~= 'dead' then
    return 'planning'
  end
  return started == '1' and 'running' or 'queued'
end

-- The last of what was told of an experiment; where that is damaged, what follows has numbers that nobody has seen.
local function last_told(told)
  local last = redis.pcall('LINDEX', told, -1)
  local text = type(last) == 'string' and string.sub(last, 17)
  if text and checksum(text) == string.sub(last, 1, 16) then
    return cjson.decode(text)
  elseif last then
    call('UNLINK', told)
    return { number = math.floor(now * 1000) }
  end
  return { number = 0 }
end

-- Tell who follows an experiment that its status has changed, or which runs were counted: at the end of the list of what
-- was told, of which the last thousand are kept. `counted` has the indices of the runs that this script has counted.
local MOST_TOLD, counted = 1000, {}

local function tell(at)
  local told = at .. ':events'
  local status, before = status_of(at), last_told(told)
  if status ~= before.status or counted[at] then
    local done, outcomes = unpack(call('HMGET', at, 'runs_done', 'outcomes'))
    local text = cjson.encode({ number = before.number + 1, status = status, runs = counted[at], runs_done = tonumber(done),
      outcomes = cjson.decode(outcomes) })
    call('RPUSH', told, checksum(text) .. text)
    call('LTRIM', told, -MOST_TOLD, -1)
    counted[at] = nil
  end
end

local function seal_changed()
  for at in pairs(changed) do
    if call('EXISTS', at) == 1 then
      call('HSET', at, 'seal', seal_of(at))
    end
  end
  -- After all of that, for it is the less important.
  for at in pairs(changed) do
    if fields_of(at) == SEALED_FIELDS.experiment and call('HEXISTS', at, 'outcomes') == 1 then
      tell(at)
    end
  end
end

-- What tells one generation of an experiment's jobs from another, whatever bytes stand there.
local function generation_mark(id)
  return checksum(call('HGET', experiment_key(id), 'generation') or '')
end

-- Tell the caller which experiment is to be repaired, and in which generation that was found.
local function damaged(id)
  seal_changed()
  error({ err = 'DAMAGED ' .. id .. ' ' .. generation_mark(id) })
end

-- What carries out a script. An error in it is no damage: what it has changed until then is sealed, and the error told.
local function carry_out(body)
  local is_done, answer = pcall(body)
  seal_changed()
  if not is_done then
    local told = type(answer) == 'table' and answer.err or tostring(answer)
    error({ err = string.find(told, '^%u+ ') and told or 'BUG ' .. told })
  end
  return answer
end

local function is_sound(at)
  return call('EXISTS', at) == 0 or call('HGET', at, 'seal') == seal_of(at)
end

-- From here on no field of a record is read or written before its seal has been looked at, nor changed without a new one.
local redis = setmetatable({
  call = function(command, at, ...)
    if string.sub(command, 1, 1) == 'H' and fields_of(at) then
      if not sound[at] and not is_sound(at) then
        local kind, id = string.match(at, '^(%a+):([^:.]+)', #PREFIX + 1)
        if kind == 'experiment' then
          damaged(id)
        end
        call('UNLINK', at)
        -- A record of a former generation only waited to be cleared away.
        local generation = string.match(at, '^[^.]*%.(%d+)%.') or '0'
        if generation == call('HGET', experiment_key(id), 'generation') then
          damaged(id)
        end
      end
      sound[at] = true
      changed[at] = changed[at] or not READS[command] or nil
    end
    return call(command, at, ...)
  end,
}, { __index = redis })

-- Where the experiment that answers for a spec is found. The hash has a fixed length, so that no two triples share a field;
-- no owner's name has a slash or a colon in it. Who shares runs and who does not are answered by different ones.
local function current_field(content_hash, numerics, name, owner, pooled)
  local field = content_hash .. ':' .. numerics .. ':' .. name
  return owner and owner .. (pooled and '//' or '/') .. field or field
end

local function current_field_of(at, numerics)
  local content_hash, name, owner, pooled = unpack(redis.call('HMGET', at, 'content_hash', 'name', 'owner', 'pooled'))
  return current_field(content_hash, numerics, name, owner, pooled)
end

-- The record of an experiment with the time it was read at, for the caller to decode.
local function record_of(id)
  return { string.format('%.6f', now), redis.call('HGETALL', experiment_key(id)) }
end

-- What the status of an experiment follows from; nil for an unknown one.
local function experiment_of(id)
  local number, numerics, generation, cancel, queued, running, dead, runs, done, finished_at, priority, stop, webhook, owner =
    unpack(redis.call('HMGET', experiment_key(id), 'number', 'numerics', 'generation', 'cancel', 'queued', 'running',
      'dead', 'runs_total', 'runs_done', 'finished_at', 'priority', 'stop', 'webhook', 'owner'))
  return number and {
    id = id, at = experiment_key(id), number = tonumber(number), numerics = numerics, generation = generation,
    is_cancelled = cancel == '1', queued = tonumber(queued), running = tonumber(running),
    dead = tonumber(dead), is_whole = runs == done, finished_at = finished_at, is_background = priority == 'batch',
    stops = stop == '1', webhook = webhook, owner = owner or '',
  }
end

-- As jobs/status.py has it, where the scripts need it: how an experiment has ended, nothing while it has not.
local function ending_of(experiment)
  if experiment.is_cancelled then
    return 'cancelled'
  elseif experiment.queued + experiment.running == 0 then
    return experiment.dead == 0 and experiment.is_whole and 'succeeded' or 'failed'
  end
end

-- Whether a part of an experiment is so: its name, tags or notes, its status, or when it has ended.
local function is_there(experiment, what, value)
  if what == 'notes' then
    return (redis.call('GET', key('experiment', experiment.id, 'notes')) or '') == value
  elseif what == 'status' then
    return status_of(experiment.at) == value
  elseif what == 'finished_at' then
    return number_of(experiment.finished_at) == number_of(value)
  end
  local own = redis.call('HGET', experiment.at, what) or ''
  if what == 'tags' then
    own, value = table.concat(cjson.decode(own), '\n'), table.concat(cjson.decode(value), '\n')
  end
  return own == value
end

-- Whether an experiment is still as somebody knows it: `given[at]` says how many parts that are, each by name and value behind it.
local function is_as_known(experiment, given, at)
  for i = at + 1, at + 2 * given[at], 2 do
    if not is_there(experiment, given[i], given[i + 1]) then
      return false
    end
  end
  return true
end

-- An experiment's waiting jobs in one queue, in the order in which they were recorded.
local function backlog_key(id, queue)
  return key('experiment', id, 'backlog', queue)
end

-- What belongs to an owner, beside that of nobody.
local function of_owner(name, owner)
  return owner == '' and name or name .. ':of:' .. owner
end

-- Where those of one numerics version and one priority take turns in a queue.
local function turns_key(queue, numerics, is_background)
  return key('flows', queue, numerics) .. (is_background and ':background' or '')
end

-- The experiments of an owner with a backlog, by virtual time.
local function flows_key(queue, experiment)
  return of_owner(turns_key(queue, experiment.numerics, experiment.is_background), experiment.owner)
end

-- The owners of such experiments, by theirs: nobody is one of them.
local function owners_key(turns)
  return turns .. ':owners'
end

-- An experiment among the flows: in the order of creation where their virtual times are equal.
local function flow_of(experiment)
  return string.format('%015d:%s', experiment.number, experiment.id)
end

-- Places in a line are the virtual times at which turns end, so that of those who have been served the same the one that wants the
-- least comes first. A turn is of `TURN_SECONDS` at most.
local LATEST = 1e15 -- No turn ends so late, and no number that people count with is lost behind it.

-- A stored virtual time; 0 where it is none.
local function virtual_time(stored)
  local time = number_of(stored, 0)
  return time > LATEST and 0 or time
end

-- The virtual time until which somebody has been served whose turn ends then.
local function served_until(served, ends)
  return math.max(virtual_time(served), virtual_time(ends) - TURN_SECONDS)
end

-- Virtual time is that at which a whole turn would have begun that ends with the last one that was taken.
local function note_turn(line, ends)
  local at = line .. ':now'
  redis.call('SET', at, math.max(virtual_time(redis.call('GET', at)), ends - TURN_SECONDS))
end

-- Who begins to wait starts from the virtual time of the line: with no claim to the time it was not there; by so much sooner as others
-- wait for it too.
local function begin_at(line, served, sooner)
  return math.max(number_of(served, -math.huge), virtual_time(redis.call('GET', line .. ':now')) - sooner)
end

-- By how much an experiment comes sooner that has been asked for so often again: a turn in the end, however often that was.
local function sooner_by(again)
  again = number_of(again, 0)
  return TURN_SECONDS * again / (again + 1)
end

-- An owner's turn is that of the first of the experiments.
local function place_owner(turns, queue, owner)
  local owners, flow, ends = owners_key(turns), unpack(call('ZRANGE', of_owner(turns, owner), 0, 0, 'WITHSCORES'))
  if not flow then
    call('ZREM', owners, owner)
    return
  end
  -- An owner who waits since an older version wrote the line has a place alone.
  local served = served_until(call('HGET', owners .. ':served', owner), call('ZSCORE', owners, owner))
  -- As it stands there: whose record is damaged is found when it is used.
  local its = call('HGET', experiment_key(string.match(flow, ':(.*)') or ''), 'served:' .. queue)
  call('ZADD', owners, served + virtual_time(ends) - served_until(its, ends), owner)
end

-- Whether nobody waits in a line, of either priority.
local function is_empty(queue, numerics)
  local lines = { owners_key(turns_key(queue, numerics, false)), owners_key(turns_key(queue, numerics, true)) }
  return redis.call('EXISTS', unpack(lines)) == 0
end

-- An experiment with a backlog takes turns, and so does its owner: so much work waits more.
local function start_flow(experiment, queue, work)
  if redis.call('EXISTS', backlog_key(experiment.id, queue)) == 0 then
    return
  end
  local turns, flows = turns_key(queue, experiment.numerics, experiment.is_background), flows_key(queue, experiment)
  local flow, owners, field = flow_of(experiment), owners_key(turns), 'served:' .. queue
  if is_empty(queue, experiment.numerics) then
    redis.call('SET', turns_key(queue, experiment.numerics, false) .. ':since', now)
  end
  if not redis.call('ZSCORE', owners, experiment.owner) then
    local served = redis.call('HGET', owners .. ':served', experiment.owner)
    redis.call('HSET', owners .. ':served', experiment.owner, begin_at(owners, served, 0))
  end
  local ends = redis.call('ZSCORE', flows, flow)
  local served, again = unpack(redis.call('HMGET', experiment.at, field, 'asked_again'))
  if ends then
    served = served_until(served, ends)
    ends = math.max(virtual_time(ends), math.min(virtual_time(ends) + work, served + TURN_SECONDS))
  else
    served = begin_at(flows, served, sooner_by(again))
    ends = served + math.min(work, TURN_SECONDS)
  end
  redis.call('HSET', experiment.at, field, served)
  redis.call('ZADD', flows, ends, flow)
  place_owner(turns, queue, experiment.owner)
end

local function stop_flow(turns, queue, owner, flow)
  redis.call('ZREM', of_owner(turns, owner), flow)
  place_owner(turns, queue, owner)
end

local function stop_flows(experiment)
  for _, queue in ipairs(QUEUES) do
    local turns = turns_key(queue, experiment.numerics, experiment.is_background)
    stop_flow(turns, queue, experiment.owner, flow_of(experiment))
  end
end

-- Somebody else waits for it as well: where it waits itself, it comes the sooner.
local function ask_again(experiment)
  local again = redis.call('HINCRBY', experiment.at, 'asked_again', 1)
  for _, queue in ipairs(QUEUES) do
    local flows, flow, field = flows_key(queue, experiment), flow_of(experiment), 'served:' .. queue
    local ends = redis.call('ZSCORE', flows, flow)
    if ends then
      local shift = sooner_by(again - 1) - sooner_by(again)
      redis.call('HSET', experiment.at, field, served_until(redis.call('HGET', experiment.at, field), ends) + shift)
      redis.call('ZADD', flows, virtual_time(ends) + shift, flow)
      place_owner(turns_key(queue, experiment.numerics, experiment.is_background), queue, experiment.owner)
    end
  end
end

-- Its end is to be told to who wants it, in the same write in which it ends; or no longer, for it goes on.
-- Owners take turns there as well.
local function tell_end(experiment, at)
  if experiment.webhook then
    redis.call('ZADD', of_owner(key('webhooks'), experiment.owner), at, experiment.id)
    redis.call('ZADD', key('webhooks', 'owners'), 'NX', now, experiment.owner)
  end
end

-- What came of telling an end lies beside the record, with a seal; one of before has none. Where it is damaged, nothing came of
-- it yet: it is told again.
local TOLD = { 'attempts', 'state', 'last_status' }

local function seal_of_telling(at)
  local values = redis.call('HMGET', at, unpack(TOLD))
  for i, value in ipairs(values) do
    values[i] = value or ''
  end
  return checksum(at .. '\n' .. table.concat(values, '\n'))
end

local function note_telling(at, ...)
  redis.call('HSET', at, ...)
  redis.call('HSET', at, 'seal', seal_of_telling(at))
end

-- How often it was tried, and the state that this has led to.
local function telling_of(at)
  if (redis.call('HGET', at, 'seal') or seal_of_telling(at)) ~= seal_of_telling(at) then
    redis.call('ZADD', key('damaged'), now, 'webhook of ' .. at)
    redis.call('UNLINK', at)
  end
  local attempts, state = unpack(redis.call('HMGET', at, 'attempts', 'state'))
  return number_of(attempts, 0), state or 'pending'
end

local function untell_end(experiment)
  redis.call('ZREM', of_owner(key('webhooks'), experiment.owner), experiment.id)
  redis.call('UNLINK', key('experiment', experiment.id, 'webhook'))
end

-- To be called whenever counts have changed. An experiment that has ended keeps no checkpoints, unless a retry may want
-- them.
local function settle(id)
  local experiment = experiment_of(id)
  local ending = ending_of(experiment)
  if ending and not experiment.finished_at then
    redis.call('HSET', experiment.at, 'finished_at', now)
    redis.call('ZADD', key('finished'), now, id)
    redis.call('ZREM', key('unfinished', experiment.numerics), id)
    tell_end(experiment, now)
    if ending ~= 'failed' then
      redis.call('UNLINK', key('experiment', id, 'checkpoints'))
    end
  elseif not ending and experiment.finished_at then
    redis.call('HDEL', experiment.at, 'finished_at')
    redis.call('ZREM', key('finished'), id)
    untell_end(experiment)
    redis.call('ZADD', key('unfinished', experiment.numerics), now, id)
  end
end

local function job_of(id)
  local at = key('job', id)
  local state, token, kind, queue, experiment, generation, number, work, fraction, failures, losses, error, is_heard, rank =
    unpack(redis.call('HMGET', at, 'state', 'token', 'kind', 'queue', 'experiment', 'generation', 'number', 'work',
      'fraction', 'failures', 'losses', 'error', 'is_heard', 'rank'))
  return state and {
    id = id, at = at, state = state, token = token, kind = kind, queue = queue, experiment = experiment,
    generation = generation, number = number, work = tonumber(work), fraction = tonumber(fraction),
    failures = tonumber(failures), losses = tonumber(losses), error = error or '', is_heard = is_heard == '1',
    rank = number_of(rank, 0),
  }
end

-- Whether the job belongs to what its experiment counts now, and not to what was there before it was planned anew.
local function is_current(job)
  return redis.call('HGET', experiment_key(job.experiment), 'generation') == job.generation
end

-- The job, if the token is the current one of a running attempt; its lease is renewed.
local function held(id, token, lease_seconds)
  local job = job_of(id)
  if not job or job.state ~= 'running' or job.token ~= token or not is_current(job) then
    return nil
  end
  redis.call('ZADD', key('leases'), now + lease_seconds, id)
  if not job.is_heard then
    redis.call('HSET', job.at, 'is_heard', '1')
  end
  return job
end

-- Its place is by rank and then by number; both together are a whole number that a double holds.
local function wait(job)
  redis.call('ZADD', backlog_key(job.experiment, job.queue), job.rank * 1000000000 + job.number, job.id)
  start_flow(experiment_of(job.experiment), job.queue, job.work)
end

local function report(job, fraction)
  if job.kind ~= 'plan' and fraction ~= job.fraction then
    local change = (fraction - job.fraction) * job.work
    redis.call('HINCRBYFLOAT', experiment_key(job.experiment), 'work_running', change)
  end
  redis.call('HSET', job.at, 'fraction', fraction)
  job.fraction = fraction
end

local function start_pace(at)
  if redis.call('HEXISTS', at, 'started_at') == 0 then
    local done, running = unpack(redis.call('HMGET', at, 'work_done', 'work_running'))
    redis.call('HSET', at, 'started', '1', 'started_at', now, 'work_at_start', tonumber(done) + tonumber(running))
  end
end

-- What an experiment says when it fails: of the first of its jobs that died.
local function remember_death(job, at)
  redis.call('SADD', key('experiment', job.experiment, 'dead'), job.id)
  if redis.call('HSETNX', at, 'error', job.error) == 1 then
    redis.call('HSET', at, 'error_losses', job.losses, 'error_failures', job.failures)
  end
end

-- Leave a part of an experiment for the janitor, who clears it away in pieces: what it costs here does not depend on its
-- size. The hash `garbage` has how far each heap has been read.
local function discard(id, generation, part)
  local at, heap = key('experiment', id, part), key('garbage', id, generation, part)
  if redis.call('EXISTS', at) == 1 then
    redis.call('RENAME', at, heap)
    redis.call('HSET', key('garbage'), heap, 0)
  end
end

local function hexadecimal(digest)
  return (string.gsub(digest, '.', function(byte)
    return string.format('%02x', string.byte(byte))
  end))
end

-- How many use something; nil where that is damaged or was never counted. Who is counted is no record: nothing here looks for one.
local function users_in(at, field, stored)
  local count, seal = string.match(stored or '', '^(%d+):(.*)$')
  return count and seal == checksum(at .. field .. count) and tonumber(count) or nil
end

local function users_of(at, field)
  return users_in(at, field, call('HGET', at, field))
end

local function set_users(at, field, count)
  call('HSET', at, field, count .. ':' .. checksum(at .. field .. count))
end

-- Where the count is damaged, nobody will ever see that the last one has gone: what is used stays.
local MANY = 1000000000

local function add_user(at, field, stored)
  set_users(at, field, (users_in(at, field, stored) or (stored and MANY or 0)) + 1)
end

-- Whether it was the last one.
local function remove_user(at, field)
  local users = users_of(at, field)
  if users and users > 1 then
    set_users(at, field, users - 1)
  end
  return users ~= nil and users <= 1
end

-- The page that a run is on, and which of its values are the run's; the run at `at` is nowhere else.
local function place_of(at, page, row)
  local place = page .. ':' .. row
  return place .. ':' .. checksum(at .. place)
end

-- A page is there for as long as a run is on it. Where its place is damaged, nobody knows which one that was: it stays.
local function leave_page(at)
  local place = call('HGET', at, 'page')
  local page, row = string.match(place or '', '^(%x+):(%d+):')
  if page and place == place_of(at, page, row) and remove_user(key('page', page), 'runs') then
    call('UNLINK', key('page', page))
  end
end

-- A run is used as often as its key stands among the keys of experiments; what nobody uses is gone.
local function stop_using_run(digest)
  if string.find(digest, '[^%z]') then
    local at = key('run', hexadecimal(digest))
    if remove_user(at, 'users') then
      leave_page(at)
      call('UNLINK', at)
    end
  end
end

-- Remove a run that was found damaged, unless somebody has put a good one in its place; whether it is gone.
-- Its outcome stays, for other experiments have counted it too. One of before pages has its summary and arrays by itself.
local function forget_run(run, bad_page, bad_summary, bad_arrays)
  local at = key('run', run)
  local page, summary, arrays = unpack(call('HMGET', at, 'page', 'summary', 'arrays'))
  if (page or '') == bad_page and (summary or '') == bad_summary and (bad_arrays == '' or arrays == bad_arrays) then
    leave_page(at)
    call('HDEL', at, 'page', 'summary', 'arrays')
    return true
  end
end

-- The list of the uploads of an owner, or of those of nobody; the id of one begins with its owner.
local function uploads_key(id)
  local owner = string.match(id, '^([^/]+)/')
  return owner and key('uploads', owner) or key('uploads')
end

-- An upload is there for its own sake, as soon as it is described.
local function is_upload(document)
  local id = string.match(document, '^dataset:(.*)')
  return string.find(document, '^dataset%-description:') ~= nil or id and redis.call('ZSCORE', uploads_key(id), id)
    or id and redis.call('EXISTS', key('document', 'dataset-description:' .. id)) == 1
end

-- An experiment's `inputs` are the documents that its spec names, its `documents` those that are made for it.
local function use_document(id, part, document)
  if redis.call('SADD', key('experiment', id, part), document) == 1 then
    add_user(key('document-users'), document, call('HGET', key('document-users'), document))
  end
end

local function stop_using_document(document)
  if remove_user(key('document-users'), document) then
    redis.call('HDEL', key('document-users'), document)
    if not is_upload(document) then
      redis.call('UNLINK', key('document', document))
    end
  end
end

-- Move a job, and let its experiment count it.
local function enter(job, state)
  local before, at = job.state, experiment_key(job.experiment)
  assert(MOVES[before][state], 'no job goes from ' .. before .. ' to ' .. state)
  job.state = state
  redis.call('HSET', job.at, 'state', state)
  redis.call('HINCRBY', at, before, -1)
  redis.call('HINCRBY', at, state, 1)
  if state ~= 'queued' and state ~= 'running' then
    -- For operators alone: where this is damaged, work goes on.
    redis.pcall('HINCRBY', key('ended'), state, 1)
  end
  if before == 'running' then
    redis.call('ZREM', key('leases'), job.id)
    -- How far an experiment was when it was cancelled is how far it has come.
    if state ~= 'cancelled' then
      report(job, 0)
    end
  end
  if job.kind == 'plan' then
    redis.call('HSET', at, 'plan', state)
    if state == 'succeeded' then
      discard(job.experiment, job.generation, 'former')
      redis.call('UNLINK', key('experiment', job.experiment, 'former-done'))
    end
  elseif state == 'succeeded' then
    redis.call('HINCRBYFLOAT', at, 'work_done', job.work)
  elseif state == 'running' then
    start_pace(at)
  end
  if state == 'queued' then
    wait(job)
  elseif state == 'succeeded' or state == 'cancelled' then
    redis.call('HDEL', key('experiment', job.experiment, 'checkpoints'), job.id)
  elseif state == 'dead' then
    remember_death(job, at)
  end
  settle(job.experiment)
end

-- Where a job goes from an attempt that failed or was lost.
local function after_attempt(job, max_attempts)
  return job.failures + job.losses >= max_attempts and 'dead' or 'queued'
end

-- Record a job that nobody has recorded before, at the end of those of its experiment.
local function record_job(experiment, id, kind, queue, payload, work, rank)
  local number = redis.call('RPUSH', key('experiment', experiment.id, 'jobs'), id)
  local job = { id = id, at = key('job', id), queue = queue, experiment = experiment.id, number = number, rank = rank,
    work = tonumber(work) }
  redis.call('HSET', job.at, 'kind', kind, 'queue', queue, 'experiment', experiment.id, 'state', 'queued', 'payload',
    payload, 'work', work, 'fraction', 0, 'attempt', 0, 'failures', 0, 'losses', 0, 'token', 0, 'number', number,
    'generation', experiment.generation)
  if rank > 0 then
    redis.call('HSET', job.at, 'rank', rank)
  end
  redis.call('HINCRBY', experiment.at, 'queued', 1)
  if kind == 'plan' then
    redis.call('HSET', experiment.at, 'plan', 'queued')
  else
    redis.call('HINCRBYFLOAT', experiment.at, 'work_total', work)
  end
  wait(job)
end

local function count_outcomes(at, changes)
  local outcomes = cjson.decode(redis.call('HGET', at, 'outcomes'))
  for outcome, change in pairs(changes) do
    outcomes[outcome] = math.max((outcomes[outcome] or 0) + change, 0)
  end
  redis.call('HSET', at, 'outcomes', cjson.encode(outcomes))
end

-- Count stored runs, each an index with an outcome, unless they are counted already: how many were new.
local function count_runs(at, experiment, runs)
  local done, new, outcomes = key('experiment', experiment, 'done'), {}, {}
  for _, run in ipairs(runs) do
    local index, outcome = unpack(run)
    if redis.call('SETBIT', done, index, 1) == 0 then
      table.insert(new, tonumber(index))
      outcomes[outcome] = (outcomes[outcome] or 0) + 1
    end
  end
  if #new > 0 then
    redis.call('HINCRBY', at, 'runs_done', #new)
    count_outcomes(at, outcomes)
    counted[at] = counted[at] or {}
    for _, index in ipairs(new) do
      table.insert(counted[at], index)
    end
  end
  return #new
end

-- The experiment no longer answers for its spec.
local function step_down(experiment)
  local field = current_field_of(experiment.at, experiment.numerics)
  if redis.call('HGET', key('current'), field) == experiment.id then
    redis.call('HDEL', key('current'), field)
  end
end

-- What an experiment is, and that nobody wants it any more, lies in a second place: all else of its record can be told
-- anew.
local BIRTH = { 'number', 'name', 'tags', 'content_hash', 'created_at', 'runs_total', 'numerics', 'cancel',
  'order', 'stop', 'priority', 'owner', 'pooled', 'shared', 'webhook', 'traceparent' }

local function save_birth(id)
  local birth = cjson.encode(redis.call('HMGET', experiment_key(id), unpack(BIRTH)))
  redis.call('SET', key('experiment', id, 'birth'), checksum(birth) .. birth)
end

-- The values of `BIRTH`, false where there is none; nil where they are damaged.
local function birth_of(id)
  local stored = redis.call('GET', key('experiment', id, 'birth')) or ''
  local birth = string.sub(stored, 17)
  return string.sub(stored, 1, 16) == checksum(birth) and cjson.decode(birth) or nil
end

local function is_hopeless(id)
  return not is_sound(experiment_key(id)) and not birth_of(id)
end

-- The jobs of an experiment that run are nobody's any more.
local function end_leases(id)
  for _, job in ipairs(redis.call('ZRANGE', key('leases'), 0, -1)) do
    if string.match(job, '^[^.]*') == id then
      redis.call('ZREM', key('leases'), job)
    end
  end
end

-- Take an experiment's jobs out of everything, for the janitor to clear away, and count from the beginning.
local function count_anew(id, generation, plan, runs_done)
  end_leases(id)
  for _, queue in ipairs(QUEUES) do
    redis.call('UNLINK', backlog_key(id, queue))
  end
  for _, part in ipairs({ 'checkpoints', 'dead' }) do
    redis.call('UNLINK', key('experiment', id, part))
  end
  discard(id, generation, 'jobs')
  untell_end(experiment_of(id))
  local at = experiment_key(id)
  redis.call('HDEL', at, 'finished_at', 'error', 'error_losses', 'error_failures', 'started', 'started_at')
  redis.call('HSET', at, 'generation', generation, 'plan', plan, 'queued', 0, 'running', 0, 'succeeded', 0, 'dead', 0,
    'cancelled', 0, 'runs_done', runs_done, 'runs_reused', 0, 'outcomes', '{}', 'work_total', 0, 'work_done', 0,
    'work_running', 0, 'work_at_start', 0)
end

-- Plan an experiment from its beginning, for workers of one numerics version: what was counted is counted anew. The runs
-- that it used it may use again, so they are kept as its `former` keys until it is planned.
local function plan_anew(id, numerics)
  local before = experiment_of(id)
  local generation, part = before.generation + 1, function(name) return key('experiment', id, name) end
  stop_flows(before)
  end_leases(id)
  step_down(before)
  redis.call('ZREM', key('unfinished', before.numerics), id)
  redis.call('ZREM', key('finished'), id)
  if redis.call('EXISTS', part('former')) == 1 then
    discard(id, generation, 'keys')
  elseif redis.call('EXISTS', part('keys')) == 1 then
    redis.call('RENAME', part('keys'), part('former'))
    if redis.call('EXISTS', part('done')) == 1 then
      redis.call('RENAME', part('done'), part('former-done'))
    end
  end
  redis.call('UNLINK', part('done'))
  if before.numerics ~= numerics then
    redis.call('UNLINK', part('former-done'))
    -- In the lines of another version virtual time has its own beginning.
    redis.call('HDEL', before.at, 'served:interactive', 'served:batch')
  end
  count_anew(id, generation, 'queued', 0)
  redis.call('HSET', before.at, 'numerics', numerics)
  save_birth(id)
  redis.call('ZADD', key('unfinished', numerics), now, id)
  redis.call('HSET', key('current'), current_field_of(before.at, numerics), id)
  record_job(experiment_of(id), id .. '.' .. generation .. '.plan', 'plan', 'interactive', '{}', 1, 0)
end

-- A waiting job of a cancelled experiment is cancelled by that alone, however many there are; those that run, as many as
-- there are processes at most, end here: whatever their workers still write is refused.
local function cancel(experiment)
  local id = experiment.id
  redis.call('HSET', experiment.at, 'cancel', '1')
  save_birth(id)
  stop_flows(experiment)
  for _, queue in ipairs(QUEUES) do
    redis.call('UNLINK', backlog_key(id, queue))
  end
  for _, job_id in ipairs(redis.call('ZRANGE', key('leases'), 0, -1)) do
    local job = string.match(job_id, '^[^.]*') == id and job_of(job_id)
    if job and job.state == 'running' and is_current(job) then
      enter(job, 'cancelled')
    end
  end
  -- What was stored before it was planned anew stays in sight. Which outcomes these runs had is in their summaries.
  if redis.call('EXISTS', key('experiment', id, 'former-done')) == 1 then
    discard(id, experiment.generation .. 'c', 'keys')
    redis.call('RENAME', key('experiment', id, 'former'), key('experiment', id, 'keys'))
    redis.call('RENAME', key('experiment', id, 'former-done'), key('experiment', id, 'done'))
    local done = redis.call('BITCOUNT', key('experiment', id, 'done'))
    redis.call('HSET', experiment.at, 'runs_done', done, 'outcomes', '{}')
  end
  settle(id)
end

-- End an attempt. A job that dies takes the others of its experiment with it where that was wanted.
local function end_attempt(job, state)
  enter(job, state)
  local experiment = experiment_of(job.experiment)
  if state == 'dead' and experiment.stops and not ending_of(experiment) then
    cancel(experiment)
  end
end

-- An index of all experiments, with that of its owner's where it has one.
local function indices_of(experiment, index)
  local owner = redis.call('HGET', experiment.at, 'owner')
  return owner and { key(index), key(index, 'owner', owner) } or { key(index) }
end

-- The lists in which an experiment stands under its number.
local function lists_of(experiment)
  local lists = indices_of(experiment, 'experiments')
  for i = 1, #lists do
    for _, tag in ipairs(cjson.decode(redis.call('HGET', experiment.at, 'tags'))) do
      table.insert(lists, lists[i] .. ':tag:' .. tag)
    end
  end
  return lists
end

local function enlist(experiment)
  for _, list in ipairs(lists_of(experiment)) do
    redis.call('ZADD', list, experiment.number, experiment.id)
  end
  for _, ids in ipairs(indices_of(experiment, 'ids')) do
    redis.call('ZADD', ids, 0, experiment.id)
  end
  local owner = redis.call('HGET', experiment.at, 'owner')
  if owner then
    redis.call('SADD', key('owners'), owner)
  end
end

local function strike_off(experiment)
  for _, list in ipairs(lists_of(experiment)) do
    redis.call('ZREM', list, experiment.id)
  end
  for _, ids in ipairs(indices_of(experiment, 'ids')) do
    redis.call('ZREM', ids, experiment.id)
  end
end

-- As well as can be where nobody knows whose it was, or which tags it had.
local function strike_off_unknown(id)
  for _, index in ipairs({ 'experiments', 'ids' }) do
    redis.call('ZREM', key(index), id)
    for _, owner in ipairs(redis.call('SMEMBERS', key('owners'))) do
      redis.call('ZREM', key(index, 'owner', owner), id)
    end
  end
end

-- Add tags to those of an experiment; answers which it did not have.
local function add_tags(own, tags)
  local known, new = {}, {}
  for _, tag in ipairs(own) do
    known[tag] = true
  end
  for _, tag in ipairs(tags) do
    if not known[tag] then
      known[tag] = true
      table.insert(own, tag)
      table.insert(new, tag)
    end
  end
  return new
end

local function too_many_tags(most)
  return redis.error_reply('TOOMANYTAGS an experiment has no more tags than ' .. most)
end
