-- Writes the newest version of a campaign, only forward. KEYS: the campaign's. ARGV: the version, and how
-- long it lives, in milliseconds. It returns 1 if it was written, 0 if that or a newer one is there.

local function plain(n)
  return #n <= 19 and (n == '0' or n:find('^[1-9]%d*$') ~= nil)
end

local new, old = ARGV[1], nil
if redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('STRLEN', KEYS[1]) <= 1024 then old = redis.call('GET', KEYS[1]) end
if old and plain(old) and (#old > #new or #old == #new and old >= new) then
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) / 2 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0
end
redis.call('SET', KEYS[1], new, 'PX', ARGV[2])
return 1
