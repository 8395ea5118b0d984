"""What the store runs in one step each. Lua, on the store's own clock, in microseconds.

A window is a hash: `ver`, `settled` and `aside` as Postgres had them last (what the ledger holds,
and what is leased there), for each holder `t:` what it has taken, `u:` what of that the ledger has
taken in, `s:` the number of its last word; and `out`, the sum over all holders of what is taken
and not in the ledger yet. So `settled + aside + out` is what is used of the limit.

A limit that the ledger settles has an index of its windows of which something is leased, by their
ends: where a budget's window was changed, what is leased of the former counts under the new one.

A holder says with each word what it has taken by its own count (`mine`). What was lost on the way,
or said twice, is put right by the next word, and a word that comes late is not heard.

Numbers of Lua are exact up to 2^53 nano-USD (9 million dollars). Above, `ROUNDING` is kept free.
"""

from typing import Final

_COMMON: Final = """
local function text(number) return string.format('%.0f', number) end
local function beyond(taken, used) if taken > used then return taken - used end return 0 end
local function count(value) return tonumber(value or '0') end
local function lost(window, said, acked)
  return said < acked and redis.call('EXISTS', window) == 1
end
local function put(window, holder, seq, before, now_taken, used)
  redis.call('HSET', window, 't:' .. holder, text(now_taken), 's:' .. holder, text(seq))
  local by = beyond(now_taken, used) - beyond(before, used)
  if by ~= 0 then redis.call('HINCRBY', window, 'out', text(by)) end
end
local function last(window, ends, now)
  if ends > 0 then
    redis.call('PEXPIRE', window, text(math.ceil((ends - now) / 1000) + 3600000))
  elseif count(redis.call('HGET', window, 'out')) > 0 then
    redis.call('PERSIST', window)
  else
    redis.call('EXPIRE', window, 86400)
  end
end
local function leased(window)
  local level = redis.call('HMGET', window, 'aside', 'out')
  return count(level[1]) + count(level[2])
end
local function listed(index, window, ends, now)
  if ends < 0 then return end
  if (ends > 0 and ends <= now) or leased(window) == 0 then
    redis.call('ZREM', index, window)
    return
  end
  redis.call('ZADD', index, ends == 0 and '+inf' or text(ends), window)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', text(now))
  local latest = tonumber(redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2])
  if latest == math.huge then redis.call('PERSIST', index)
  else redis.call('PEXPIRE', index, text(math.ceil((latest - now) / 1000) + 3600000)) end
end
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
"""

TAKE: Final = (
    _COMMON
    + """
-- KEYS: the epoch, the holder's windows, then for each wish its window, a rolling one's earlier
-- parts, and where the ledger settles it, the limit's index and its windows of other spans.
-- ARGV: epoch, holder, seq, clock, then 14 for each wish.
local epoch = redis.call('HMGET', KEYS[1], 'id', 'open', 'rates_from')
if epoch[1] ~= ARGV[1] then return {'epoch'} end
local holder, seq, now = ARGV[2], tonumber(ARGV[3]), clock(ARGV[4])
local wishes, at, missing = {}, 3, {'base'}
for first = 5, #ARGV, 14 do
  local wish = {at = at, keys = tonumber(ARGV[first]), acked = tonumber(ARGV[first + 1]),
    mine = tonumber(ARGV[first + 2]), want = tonumber(ARGV[first + 3]),
    least = tonumber(ARGV[first + 4]), limit = tonumber(ARGV[first + 5]),
    starts = tonumber(ARGV[first + 6]), ends = tonumber(ARGV[first + 7]),
    oldest = tonumber(ARGV[first + 8]), based = ARGV[first + 9] == '1',
    rate = ARGV[first + 10] == '1', soft = ARGV[first + 11] == '1',
    kept = tonumber(ARGV[first + 12]), others = tonumber(ARGV[first + 13]), otherwise = 0}
  at = at + wish.keys
  if now < wish.starts or (wish.ends > 0 and now >= wish.ends) then return {'window', text(now)} end
  if wish.based then
    for key = wish.at, at - 1 do
      if redis.call('HEXISTS', KEYS[key], 'ver') == 0 then missing[#missing + 1] = text(key) end
    end
  end
  if wish.others >= 0 then
    wish.index = KEYS[at]
    local given, found = {}, redis.call('ZRANGEBYSCORE', wish.index, '(' .. text(now), '+inf')
    for key = at + 1, at + wish.others do given[KEYS[key]] = key end
    for _, other in ipairs(found) do
      if other ~= KEYS[wish.at] then
        local key = given[other]
        if not key then return {'others', text(#wishes), unpack(found)} end
        if redis.call('HEXISTS', other, 'ver') == 0 then missing[#missing + 1] = text(key) end
        wish.otherwise = wish.otherwise + leased(other)
      end
    end
    at = at + 1 + wish.others
  end
  wishes[#wishes + 1] = wish
end
if epoch[2] ~= '1' then return {'closed'} end
if #missing > 1 then return missing end
local short = false
for _, wish in ipairs(wishes) do
  local window = KEYS[wish.at]
  local own = redis.call('HMGET', window, 't:' .. holder, 'u:' .. holder, 's:' .. holder)
  local said = count(own[3])
  if seq <= said then return {'late'} end
  if lost(window, said, wish.acked) then return {'lost'} end
  wish.used = count(own[2])
  if wish.mine > 0 or said > 0 then
    put(window, holder, seq, count(own[1]), wish.mine, wish.used)
  end
  wish.settled, wish.leased, wish.first = 0, wish.otherwise, wish.keys
  for part = 0, wish.keys - 1 do
    local level = redis.call('HMGET', KEYS[wish.at + part], 'settled', 'aside', 'out')
    local settled, leased = count(level[1]), count(level[2]) + count(level[3])
    wish.settled, wish.leased = wish.settled + settled, wish.leased + leased
    if part > 0 and settled + leased > 0 and wish.first == wish.keys then wish.first = part end
  end
  if wish.rate and wish.oldest < count(epoch[3]) then
    wish.leased = math.max(wish.leased, wish.limit)
  end
  local free = wish.limit - wish.settled - wish.leased
  if wish.limit >= 2^53 then free = free - 4096 end
  if wish.soft then free = wish.want end
  wish.granted = 0
  if free >= wish.least then wish.granted = math.max(0, math.min(wish.want, free)) end
  if not wish.soft and wish.granted == 0 and free < wish.least then short = true end
end
local answer = {'ok', text(now)}
for _, wish in ipairs(wishes) do
  local window = KEYS[wish.at]
  if short then wish.granted = 0 end
  if wish.granted > 0 then
    local taken = wish.mine + wish.granted
    put(window, holder, seq, wish.mine, taken, wish.used)
    if not wish.rate then
      redis.call('ZREMRANGEBYSCORE', KEYS[2], 1, text(now - 3600000000))
      redis.call('ZADD', KEYS[2], text(wish.kept), window)
    end
    if wish.index then listed(wish.index, window, wish.ends, now) end
  end
  if redis.call('EXISTS', window) == 1 then last(window, wish.kept, now) end
  answer[#answer + 1] = text(wish.granted)
  answer[#answer + 1] = text(wish.settled)
  answer[#answer + 1] = text(wish.leased + wish.granted)
  answer[#answer + 1] = text(wish.first)
end
return answer
"""
)
"""Leases from all limits or from none. `first` is the place of the oldest part in use."""

TELL: Final = (
    _COMMON
    + """
-- KEYS: the epoch, the window, the holder's windows, the limit's index.
-- ARGV: epoch, holder, seq, acked, mine, back, until when it counts, is_rate, clock, its end (-1:
-- it has no index).
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'epoch'} end
local window, holder, seq, now = KEYS[2], ARGV[2], tonumber(ARGV[3]), clock(ARGV[9])
local mine, back, ends = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if ends > 0 and now >= ends + 3000000000 then return {'ok', text(mine - back)} end
local own = redis.call('HMGET', window, 't:' .. holder, 'u:' .. holder, 's:' .. holder)
local said = count(own[3])
if seq <= said then return {'late'} end
if lost(window, said, tonumber(ARGV[4])) then return {'lost'} end
local used, taken = count(own[2]), mine
if back > 0 then taken = math.max(mine - back, math.min(mine, used), 0) end
put(window, holder, seq, count(own[1]), taken, used)
last(window, ends, now)
if ARGV[8] == '0' and taken > 0 then redis.call('ZADD', KEYS[3], text(ends), window) end
listed(KEYS[4], window, tonumber(ARGV[10]), now)
return {'ok', text(taken)}
"""
)
"""A holder says what it has of a window, less what it gives back."""

PUSH: Final = (
    _COMMON
    + """
-- KEYS: the epoch, the window, the limit's index. ARGV: epoch, version, settled, aside, until when
-- it counts, create, clock, its end (-1 for what has no index), then holder and used by turns.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'epoch'} end
local window, ends, now = KEYS[2], tonumber(ARGV[5]), clock(ARGV[7])
if ends > 0 and now >= ends + 3000000000 then return {'ended'} end
if ARGV[6] == '0' and redis.call('EXISTS', window) == 0 then return {'none'} end
if tonumber(ARGV[2]) >= tonumber(redis.call('HGET', window, 'ver') or '-1') then
  redis.call('HSET', window, 'ver', ARGV[2], 'settled', ARGV[3], 'aside', ARGV[4])
end
for at = 9, #ARGV, 2 do
  local own = redis.call('HMGET', window, 't:' .. ARGV[at], 'u:' .. ARGV[at])
  local used, taken, now_used = count(own[2]), count(own[1]), tonumber(ARGV[at + 1])
  if now_used > used then
    redis.call('HSET', window, 'u:' .. ARGV[at], text(now_used))
    local by = beyond(taken, now_used) - beyond(taken, used)
    if by ~= 0 then redis.call('HINCRBY', window, 'out', text(by)) end
  end
end
last(window, ends, now)
listed(KEYS[3], window, tonumber(ARGV[8]), now)
return {'ok'}
"""
)
"""What Postgres says of a window; an older word than the last changes nothing but who used what."""

DROP: Final = (
    _COMMON
    + """
-- KEYS: the epoch, the window, the holder's windows, the limit's index. ARGV: epoch, holder.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'epoch'} end
local window, holder = KEYS[2], ARGV[2]
local own = redis.call('HMGET', window, 't:' .. holder, 'u:' .. holder)
local by = beyond(count(own[1]), count(own[2]))
if by > 0 then redis.call('HINCRBY', window, 'out', text(-by)) end
redis.call('HDEL', window, 't:' .. holder, 'u:' .. holder, 's:' .. holder)
redis.call('ZREM', KEYS[3], window)
if leased(window) == 0 then redis.call('ZREM', KEYS[4], window) end
if redis.call('TTL', window) == -1 then last(window, 0, 0) end
return {'ok'}
"""
)
"""Forgets what a holder has of a window."""

BEGIN: Final = """
-- KEYS: the epoch. ARGV: the id that was seen ('' for none), the new one, the server's run.
local id = redis.call('HGET', KEYS[1], 'id') or ''
if id ~= ARGV[1] then return {id} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'run', ARGV[3], 'open', '0')
return {ARGV[2]}
"""
"""Begins a new epoch, unless another has just done so."""

ENROL: Final = """
-- KEYS: the epoch, those who are enrolled. ARGV: epoch, holder.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'epoch'} end
redis.call('SADD', KEYS[2], ARGV[2])
return {'ok'}
"""
"""A holder has said all that it has."""

OPEN: Final = """
-- KEYS: the epoch, those who are enrolled. ARGV: epoch, whether rates were lost, clock, holders.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'epoch'} end
local missing = {'missing'}
for at = 4, #ARGV do
  if redis.call('SISMEMBER', KEYS[2], ARGV[at]) == 0 then missing[#missing + 1] = ARGV[at] end
end
if #missing > 1 then return missing end
if redis.call('HGET', KEYS[1], 'open') ~= '1' then
  local now = tonumber(ARGV[3])
  if ARGV[3] == '' then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
  end
  redis.call('HSET', KEYS[1], 'open', '1',
    'rates_from', ARGV[2] == '1' and string.format('%.0f', now) or '0')
end
return {'ok'}
"""
"""Lets leases be granted, once all whom Postgres knows to live have said what they have."""
