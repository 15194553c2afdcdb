-- Sets a breaker's state if it is still what the worker saw; returns it, and the time that the fleet shares.
-- KEYS: the hash of all breakers. ARGV: the dependency, what was seen ("" for nothing), and what to set ("" to look only).
local kept = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local time = redis.call('TIME')
if ARGV[3] ~= '' and kept == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return {1, kept, time[1], time[2]}
end
return {0, kept, time[1], time[2]}
