-- Writes what the store said of a code, only forward.
--
-- KEYS: the code's terms and what is left of it. ARGV: the new terms, what is left ("" where there is no
-- limit, "-1" once it is sold out), and how long both live, in milliseconds.
--
-- It returns 2 if the terms were written, 1 if only what is left was, 0 if there was nothing new. What
-- is there and is none of ours is overwritten. Numbers are compared as decimals, for Lua's own are exact
-- to 2^53 only.

local stages = { not_started = 1, open = 2, sold_out = 3, budget_spent = 3, ended = 4, disabled = 4 }

local function plain(n)
  return #n <= 19 and (n == '0' or n:find('^[1-9]%d*$') ~= nil)
end

local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function read(key)
  if redis.call('TYPE', key).ok ~= 'string' or redis.call('STRLEN', key) > 1024 then return nil end
  return redis.call('GET', key)
end

local function parse(value)
  if not value then return nil end
  local sum, campaign, own, status, at, voucher = value:match(
    '^1 (%d+) (%d+) (%d+) ([a-z_]+) (%d+) %d+ (%x+) %x+ ~%S*$')
  if not sum or not stages[status] or not (plain(sum) and plain(campaign) and plain(own) and plain(at)) then
    return nil
  end
  return { sum = sum, version = campaign .. ' ' .. own, stage = stages[status], at = at, voucher = voucher }
end

local left, ttl = ARGV[2], ARGV[3]

local function renew(key)
  if redis.call('PTTL', key) < tonumber(ttl) / 2 then redis.call('PEXPIRE', key, ttl) end
end

local function write_terms() redis.call('SET', KEYS[1], ARGV[1], 'PX', ttl) end

local function write_all()
  write_terms()
  if left == '' then
    redis.call('DEL', KEYS[2])
  else
    redis.call('SET', KEYS[2], left, 'PX', ttl)
  end
  return 2
end

-- falls reports whether left is below what is there, and whatever is below no number of ours.
local function falls(old, stage)
  if not old or old ~= '-1' and not plain(old) or old == '-1' and stage < 3 then return true end
  if left == '-1' or old == '-1' then return old ~= '-1' end
  return less(left, old)
end

local function fall(stage)
  if left == '' then -- within a version a limit neither comes nor goes: what is there is none of ours
    redis.call('DEL', KEYS[2])
    return 0
  end
  if falls(read(KEYS[2]), stage) then
    redis.call('SET', KEYS[2], left, 'PX', ttl)
    return 1
  end
  renew(KEYS[2])
  return 0
end

local new, old = parse(ARGV[1]), parse(read(KEYS[1]))
if not new then return redis.error_reply('ERR these are no terms') end
if not old then return write_all() end
if new.voucher ~= old.voucher then -- the store was replaced by another: the later word counts
  if less(old.at, new.at) then return write_all() end
  return 0
end
if less(new.sum, old.sum) then return 0 end
if less(old.sum, new.sum) then return write_all() end
if new.version ~= old.version or new.stage < old.stage then return 0 end
-- What is open stays written as it is: nobody is woken by a batch that only takes from what is left.
if new.stage > old.stage or new.stage ~= 2 and less(old.at, new.at) then
  write_terms()
  fall(new.stage)
  return 2
end
renew(KEYS[1])
return fall(new.stage)
