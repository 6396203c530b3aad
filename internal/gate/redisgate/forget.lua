-- Deletes an entry unless it was written anew since it was read. KEYS: what was read, and perhaps what is
-- deleted with it. ARGV: the value read of each, "" where there was none. What is no text, or too long to be
-- ours, always goes. It returns 1 if it deleted.

for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then
    if ARGV[i] ~= '' then return 0 end
  elseif kind == 'string' and redis.call('STRLEN', key) <= 1024 then
    if redis.call('GET', key) ~= ARGV[i] then return 0 end
  end
end
redis.call('DEL', unpack(KEYS))
return 1
