-- Adds what one replica took to what all have taken, and tells how long until the bucket is full.
-- KEYS[1] holds the time at which it is full, by Redis' own clock, in microseconds.
-- ARGV: what was taken, how long until full as the replica knows it, and the most that can be, in microseconds.
-- What is no number, or later than can be, is not ours: it is overwritten.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local most = tonumber(ARGV[3])
local at = now
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'string' then
  kept = tonumber(kept)
  if kept and kept > now and kept <= now + most then
    at = kept
  end
end
at = math.max(at + tonumber(ARGV[1]), now + tonumber(ARGV[2]), now)
at = math.min(at, now + most)
if at > now then
  redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000))
else
  redis.call('DEL', KEYS[1])
end
return at - now
