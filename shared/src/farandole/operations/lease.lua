-- Extend (ARGV[2] milliseconds) or end (ARGV[2] = 0) a lease, if it is still this holder's (ARGV[1]).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  return redis.call('DEL', KEYS[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
