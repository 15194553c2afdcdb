#!lua
-- One exchange: settles, then claims, by the rules of rules.py, atomically.
--
-- KEYS  1 epoch (hash: value, replid, began, generation, started)   2 open (hash)   3 topics (hash)   4 the prefix of done hashes
-- ARGV  1 epoch   2 window in ms   3 settles, packed   4 claims, packed   5.. pairs of topic digest and topic name
-- An entry is 29 bytes: state(1) attempt(4) coordinates(20) digest(4), integers big-endian.
-- A settle is 49 bytes: key(16) attempt(4) coordinates(20) state(1) attempt of the outcome(4) digest(4).
-- A claim is 44 bytes: key(16) attempt(4) coordinates(20) digest(4).
-- The reply is one byte a settle (1 accepted, 0 refused) and two a claim (verdict, 1 where the content conflicts);
-- "E" alone is another epoch. Nothing is written before everything is decided.
local sub, unpack_number = string.sub, struct.unpack
local CHUNK = 1000 -- Lua's stack holds some 8000 values

-- The fence. A restart and a promotion draw a new replication id, so an epoch ends with them although its key survives.
local meta = redis.call('HMGET', KEYS[1], 'value', 'replid', 'generation', 'started')
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if meta[1] ~= ARGV[1] or meta[2] ~= replid then
  return 'E'
end

-- Done ids live in two generations that rotate. Rotation follows activity by this server's clock: a jump of the clock
-- or a window that was changed costs at most one generation, never both.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, generation = tonumber(ARGV[2]), tonumber(meta[3])
if now - tonumber(meta[4]) >= window then
  redis.call('UNLINK', KEYS[4] .. (generation - 1))
  generation = generation + 1
  redis.call('HSET', KEYS[1], 'generation', generation, 'started', string.format('%d', now))
end
local current, previous = KEYS[4] .. generation, KEYS[4] .. (generation - 1)

local settles, claims = ARGV[3], ARGV[4]
local entries, in_open, dirty = {}, {}, {}

local function load(keys, hash, from_open)
  local missing = {}
  for first = 1, #keys, CHUNK do
    local last = math.min(first + CHUNK - 1, #keys)
    local found = redis.call('HMGET', hash, unpack(keys, first, last))
    for i = first, last do
      local entry = found[i - first + 1]
      if entry then
        entries[keys[i]], in_open[keys[i]] = entry, from_open
      else
        missing[#missing + 1] = keys[i]
      end
    end
  end
  return missing
end

local keys, known = {}, {}
local function collect(records, size)
  for at = 1, #records, size do
    local key = sub(records, at, at + 15)
    if not known[key] then
      known[key] = true
      keys[#keys + 1] = key
    end
  end
end
collect(settles, 49)
collect(claims, 44)
load(load(load(keys, KEYS[2], true), current), previous)

local function settle(key, delivery, outcome)
  local entry = entries[key]
  if not entry or sub(entry, 1, 25) == 'c' .. delivery then
    entries[key], dirty[key] = outcome, true
    return '1'
  end
  return sub(entry, 1, 25) == sub(outcome, 1, 25) and '1' or '0'
end

local function take(key, claim)
  entries[key], dirty[key] = 'c' .. claim, true
  return 'R'
end

local function decide(key, claim)
  local entry = entries[key]
  if not entry then
    return take(key, claim) .. '0'
  end
  local state, held, mine = sub(entry, 1, 1), unpack_number('>I4', entry, 2), unpack_number('>I4', claim)
  local conflict = mine <= held and sub(entry, 26) ~= sub(claim, 25) and '1' or '0'
  if state == 'd' then
    return 'D' .. conflict
  end
  if mine > held then
    return take(key, claim) .. conflict
  end
  local same = sub(entry, 6, 25) == sub(claim, 5, 24)
  if state == 'r' then
    if mine == held and not same then
      return take(key, claim) .. conflict
    end
    return (mine == held - 1 and same and 'r' or 'D') .. conflict
  end
  if mine == held and same then
    return (state == 'c' and 'R' or 'd') .. conflict
  end
  return 'D' .. conflict
end

local answers = {}
for at = 1, #settles, 49 do
  local delivery = sub(settles, at + 16, at + 39)
  local outcome = sub(settles, at + 40, at + 44) .. sub(settles, at + 20, at + 39) .. sub(settles, at + 45, at + 48)
  answers[#answers + 1] = settle(sub(settles, at, at + 15), delivery, outcome)
end
for at = 1, #claims, 44 do
  answers[#answers + 1] = decide(sub(claims, at, at + 15), sub(claims, at + 16, at + 43))
end

local function write(hash, pairs_)
  for first = 1, #pairs_, CHUNK do
    redis.call('HSET', hash, unpack(pairs_, first, math.min(first + CHUNK - 1, #pairs_)))
  end
end

local opened, finished, closed = {}, {}, {}
for key in pairs(dirty) do
  local entry = entries[key]
  local into = sub(entry, 1, 1) == 'd' and finished or opened
  into[#into + 1], into[#into + 2] = key, entry
  if into == finished and in_open[key] then
    closed[#closed + 1] = key
  end
end
write(KEYS[2], opened)
write(current, finished)
if #finished > 0 then
  redis.call('PEXPIRE', current, 3 * window)
end
for first = 1, #closed, CHUNK do
  redis.call('HDEL', KEYS[2], unpack(closed, first, math.min(first + CHUNK - 1, #closed)))
end
if #ARGV > 4 then
  redis.call('HSET', KEYS[3], unpack(ARGV, 5))
end
return table.concat(answers)
