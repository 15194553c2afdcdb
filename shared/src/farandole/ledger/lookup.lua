#!lua flags=no-writes
-- Return the entries of these keys, open or done, in order; nothing is changed.
-- KEYS 1 epoch (hash)   2 open (hash)   3 the prefix of done hashes   ARGV keys
local generation = tonumber(redis.call('HGET', KEYS[1], 'generation') or 0)
local hashes = { KEYS[2], KEYS[3] .. generation, KEYS[3] .. (generation - 1) }
local found = {}
for i, key in ipairs(ARGV) do
  local entry = false
  for _, hash in ipairs(hashes) do
    entry = entry or redis.call('HGET', hash, key)
  end
  found[i] = entry
end
return found
