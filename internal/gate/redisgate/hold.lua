-- Keeps a lock that is ours for another while, in milliseconds, or gives it back at 0. KEYS: the lock. ARGV:
-- our token, and how long. It returns 1 if the lock was ours.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
