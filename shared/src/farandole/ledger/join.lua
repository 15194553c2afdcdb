#!lua
-- Return the epoch; make one where there is none, or where this server is no longer the one that it was made on.
-- KEYS 1 epoch (hash)   ARGV 1 a random value for a new epoch
local replid = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local meta = redis.call('HMGET', KEYS[1], 'value', 'replid')
if meta[1] and meta[2] == replid then
  return meta[1]
end
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'replid', replid, 'began', now)
redis.call('HSETNX', KEYS[1], 'generation', 1)
redis.call('HSETNX', KEYS[1], 'started', now)
return ARGV[1]
