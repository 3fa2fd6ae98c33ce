-- Limits in Redis, decided for several keys at once: if one refuses, none is charged. Only one
-- that is tried stands alone: it is charged whatever the others say, and refuses none of them.
--
-- Atomic because Redis runs one script at a time; phase 1 below only reads and decides,
-- phase 2 only writes, so that an error (WRONGTYPE, a bad argument) leaves no key touched.
-- The one clock is Redis', read once. Semantics: src/limit/, tested to answer alike.
--
-- KEYS     1 to 32 different keys, of one slot on Redis Cluster
-- ARGV[1]  nonce, echoed
-- ARGV[2]  length of a lease, ms; 0 where no lease is asked for
-- then 11 per key:
--   1 kind        bucket | window | month
--   2 op          charge | try | settle | peek | lease; try and peek refuse none but themselves
--   3 size        burst or quota, units
--   4 period      bucket: emission interval, ns; window: length, s; month: 0
--   5 offset      bucket: bursts of debt allowed; window, month: shift of the start, s
--   6 amount      units: charged or tried; settled (negative: given back); peeked for (0:
--                 none); wanted as a lease (0: none, the old lease is given back)
--   7 least       lease: the smallest grant of use, 0: none will do too; else 0
--   8 generation  lease: of the lease held before, 0: none; else 0
--   9 held        lease: units of it on the books; settle of a return: ms since they were
--                 charged, so that what time gave back since is not given twice; else 0
--  10 unspent     lease: units of it left, at most held: carried over, or given back; else 0
--  11 fill        bucket: where plans have different buckets for one key, the time in which the
--                 slowest fills, ns; else 0
-- Reply, integers below 1e14: 1, nonce, now (ms), allowed (1/0, by all but those that are tried
--   or peeked at), number of keys; then per key allowed (1/0), remaining, retry (ms; 0 if
--   allowed, -1: never), reset (ms; bucket: until full, window: until its end), granted
--   (settle: units forgiven), generation of the lease.
-- Errors: `TOLLGATE <what>`. A value that is not ours, or of another kind or period, is none.
--
-- Values, all with a TTL: `b1 <TAT s> <TAT ns> <interval>` or `w1 <start s> <period> <used>`,
-- then `<generation> <length of a lease> <units>` for each generation with units on lease.
--
-- What another plan's bucket has left is not cut down to the size of this one, or a client on
-- two plans by turns would have it a second time: it goes on refilling at its own rate until
-- it fits. What is further ahead than any plan's bucket fills is a former configuration's.
--
-- A lease of generation g = floor(now / length) holds to the end of g + 1, counted from when
-- the call was SENT, and no longer than its window. Leased units are charged when granted, and
-- until they come back or the lease ends they also take up room: a bucket's level is at most
-- burst - leased. So whenever they are spent, a strict bucket would have let them pass. Of a
-- window a lease is at most a twentieth, with what is carried over, and its generation the first
-- that begins in it or a later one: none is of two windows. A refused lease changes nothing:
-- give the old one back (amount 0), or what was spent of it takes up room until it ends.
-- A lease is named in one call only: after a timeout nobody knows whether its units are still
-- on the books, and to name it again would take another's off.

local ceil, floor, fmod, max, min = math.ceil, math.floor, math.fmod, math.max, math.min

local FIELDS = 11
local NUMBERS = { 'size', 'period', 'offset', 'amount', 'least', 'generation', 'held', 'unspent', 'fill' }
local UNITS = 1e14 - 1
local DAY_MS = 86400000 -- the longest lease
local TEN_YEARS = 315360000
local SPAN = { -- the least and most of size, period and offset
  bucket = { 1, 4294967295, 1, TEN_YEARS * 1e9, 0, 10 },
  window = { 1, 4294967295, 1, TEN_YEARS, -TEN_YEARS, TEN_YEARS },
  month = { 1, 4294967295, 0, 0, -TEN_YEARS, TEN_YEARS },
}
local LEAST = { charge = 1, try = 1, settle = -UNITS, peek = 0, lease = 0 }
local BINDS = { charge = true, settle = true, lease = true }
local TAG = { bucket = 'b1', window = 'w1', month = 'w1' }

-- === time ===

local clock = redis.call('TIME')
local now_s, now_us = tonumber(clock[1]), tonumber(clock[2])
local now_ms = now_s * 1000 + floor(now_us / 1000)
-- Nanoseconds since 1970 do not fit a double: every time in ns below counts from now on.

local function in_ms(ns)
  return ceil(ns / 1e6)
end

-- Start of the month in UTC that holds s (Howard Hinnant, civil_from_days).
local function month_start(s)
  local day = floor(s / 86400) + 719468 -- since 0000-03-01
  local of_era = day % 146097
  local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local month = floor((5 * of_year + 2) / 153) -- from March
  return (day - 719468 - (of_year - floor((153 * month + 2) / 5))) * 86400
end

-- The period that holds s, and the start of the next.
local function window_of(q, s)
  local at = s - q.offset
  if q.kind == 'month' then
    local start = month_start(at)
    return start + q.offset, month_start(start + 32 * 86400) + q.offset
  end
  local start = s - at % q.period
  return start, start + q.period
end

-- === arguments ===

local function integer(text, least, most)
  if text == '0' then return least <= 0 and most >= 0 and 0 or nil end -- most fields are
  local value = #text <= 19 and string.match(text, '^%-?%d+$') and tonumber(text)
  return value and value >= least and value <= most and value or nil
end

local lease_ms = integer(ARGV[2] or '', 0, DAY_MS)

-- What is asked of key i, or nil and the field that is wrong.
local function asked(i)
  local at = 2 + FIELDS * (i - 1)
  local q = { key = KEYS[i], kind = ARGV[at + 1], op = ARGV[at + 2] }
  local span, lease = SPAN[q.kind], q.op == 'lease'
  if not span then return nil, 'kind' end
  if not LEAST[q.op] then return nil, 'op' end
  q.size = integer(ARGV[at + 3], span[1], span[2])
  q.period = integer(ARGV[at + 4], span[3], span[4])
  q.offset = integer(ARGV[at + 5], span[5], span[6])
  q.amount = integer(ARGV[at + 6], LEAST[q.op], UNITS)
  q.least = integer(ARGV[at + 7], 0, lease and q.amount or 0)
  q.generation = integer(ARGV[at + 8], 0, lease and UNITS or 0)
  q.held = integer(ARGV[at + 9], 0, (lease or q.op == 'settle') and UNITS or 0)
  q.unspent = integer(ARGV[at + 10], 0, lease and q.held or 0)
  q.fill = integer(ARGV[at + 11], 0, q.kind == 'bucket' and TEN_YEARS * 1e9 or 0)
  for i = 1, #NUMBERS do
    if not q[NUMBERS[i]] then return nil, NUMBERS[i] end
  end
  if lease and lease_ms == 0 then return nil, 'lease without a length' end
  if q.kind == 'bucket' and q.size * q.period > TEN_YEARS * 1e9 then return nil, 'period' end
  return q
end

-- === stored values ===

local function number(digits)
  return #digits <= 18 and tonumber(digits) or nil -- not ours
end

-- The three numbers of a value of ours, and those of its leases, three for each generation.
local function stored(q)
  local raw = redis.call('GET', q.key)
  local tag, a, b, c, rest = string.match(raw or '', '^(%l1) (%d+) (%d+) (%d+)([ %d]*)$')
  if tag ~= TAG[q.kind] then return nil end
  local lent = {}
  if rest ~= '' then
    for digits in string.gmatch(rest, '%d+') do lent[#lent + 1] = number(digits) or 1e18 end
    if #lent % 3 ~= 0 then return nil end
  end
  return number(a), number(b), number(c), lent
end

-- === leases ===

local function lease_of(generation, length, units)
  local left = ((generation + 2) * length - now_ms) * 1e6 - now_us % 1000 * 1000 -- ns
  return { generation = generation, length = length, units = units, left = left }
end

-- Sorted by their end, the latest first, each with what takes up room to its end.
local function booked(q, leases)
  if #leases > 1 then
    table.sort(leases, function(a, b) return a.left > b.left end)
  end
  local total = 0
  for _, lease in ipairs(leases) do
    total = total + lease.units
    lease.room = min(total * q.unit, q.deepest)
  end
  return leases
end

-- All leases on the books. One of a generation further ahead than the next is from before a
-- large step back, and would take up room for as long: dropped.
local function leases_of(q, lent)
  local leases = {}
  for i = 1, #lent, 3 do
    local generation, length = lent[i], lent[i + 1]
    if length > 0 and length <= DAY_MS and generation <= floor(now_ms / length) + 1 then
      leases[#leases + 1] = lease_of(generation, length, lent[i + 2])
    end
  end
  return booked(q, leases)
end

-- The leases that have not ended, less what the caller held; and how much of its unspent
-- units was on the books, so that a late or a second return moves nothing.
local function released(q)
  local kept, unspent = {}, 0
  for _, lease in ipairs(q.leases) do
    local units, generation = lease.units, lease.generation
    if lease.left > 0 then
      local of_this_window = generation * lease.length >= (q.start or 0) * 1000
      if generation == q.generation and lease.length == lease_ms and of_this_window then
        local back = min(q.held, units)
        unspent, units = min(q.unspent, back), units - back
      end
      if units > 0 then kept[#kept + 1] = lease_of(generation, lease.length, units) end
    end
  end
  return booked(q, kept), unspent
end

local function lend(q, units)
  q.lent = floor(now_ms / lease_ms)
  if q.start then
    local last = floor((q.stop * 1000 - 1) / lease_ms) -- to begin in this window, if any does
    q.lent = max(q.lent, min(ceil(q.start * 1000 / lease_ms), last))
  end
  for _, lease in ipairs(q.kept) do
    if lease.generation == q.lent and lease.length == lease_ms then
      lease.units = lease.units + units
      return booked(q, q.kept)
    end
  end
  table.insert(q.kept, lease_of(q.lent, lease_ms, units))
  return booked(q, q.kept)
end

-- === reading a key: q.spent of q.room, of which a unit takes q.unit ===

-- spent * new / old, rounded, whole intervals and the rest of one apart: exact while the rest's
-- product fits the 53 bits of a double, beyond it less what the division may be too much.
local function rescaled(spent, old, new, round)
  local rest = fmod(spent, old)
  local part = rest * new / old
  if rest * new >= 2 ^ 53 then part = part - part * 2 ^ -51 end
  return (spent - rest) / old * new + round(part)
end

-- Spent is the time until the bucket is full, ns.
local function read_bucket(q, tat_s, tat_ns, interval, lent)
  q.unit, q.room = q.period, q.size * q.period
  q.deepest, q.most = q.room * (1 + q.offset), q.size
  if not (tat_s and tat_ns and interval) or interval == 0 then return end
  q.leases = leases_of(q, lent)
  local spent = max(0, (tat_s - now_s) * 1e9 + (tat_ns - now_us * 1000))
  -- What another configuration left would go on refilling at that one's rate, or from beyond
  -- this one's size, and the wait that is told would not be enough.
  q.rebased = interval ~= q.period or spent > q.deepest
  if q.rebased and spent > 0 and spent <= q.fill then q.plans = { spent = spent, interval = interval } end
  if interval == q.period then
    q.spent = min(spent, q.deepest)
  else
    q.spent = min(rescaled(spent, interval, q.period, ceil), q.room)
  end
  -- Up to a lease's end time refills no more than the units not on lease.
  for _, lease in ipairs(q.leases) do q.spent = max(q.spent, lease.room + min(0, lease.left)) end
end

-- Spent is the units used. A count of the next window is from before the clock stepped back.
local function read_window(q, start, period, used, lent)
  q.unit, q.room, q.deepest, q.most = 1, q.size, UNITS, max(1, floor(q.size / 20))
  q.start, q.stop = window_of(q, now_s)
  if used and period == q.period and (start == q.start or start == q.stop) then
    q.start, q.stop = window_of(q, start)
    q.spent, q.leases = min(used, q.deepest), leases_of(q, lent)
  end
end

-- Time until the key is as if never used, ns.
local function reset_in(q, spent, leases)
  if q.stop then return (q.stop - now_s) * 1e9 - now_us * 1000 end
  if q.plans then spent = q.plans.spent end
  for _, lease in ipairs(leases) do spent = max(spent, lease.left + lease.room) end
  return spent
end

-- Time until `units` are there if nobody moves any, ns; nil: never.
local function wait_for(q, units, most, leases)
  if units > most then return nil end
  if q.stop then return reset_in(q) end
  local short = units * q.unit - q.room
  local wait = q.spent + short
  -- At its own rate, as much has to come back as makes the rest fit.
  if q.plans then wait = q.plans.spent - rescaled(-short, q.unit, q.plans.interval, floor) end
  for _, lease in ipairs(leases) do
    if lease.room + short > 0 then wait = max(wait, lease.left + lease.room + short) end
  end
  return wait
end

-- === phase 1: each sets q.next, what will be spent, or q.refused and q.wait ===

local OPS = {}

function OPS.charge(q)
  q.next = q.spent + q.amount * q.unit
  q.refused = q.amount > 0 and q.next > q.room
  q.wait = q.refused and wait_for(q, q.amount, q.size, q.leases)
end

OPS.try = OPS.charge

function OPS.peek(q)
  OPS.charge(q)
  q.next = q.spent
end

-- Units that come back, less what time has given back of them since, ns. They leave at least
-- what is on lease. Another plan's state has them back in intervals of its own.
local function give_back(q, units, since)
  local interval, spent = q.unit, q.spent
  if q.plans then interval, spent = q.plans.interval, q.plans.spent end
  local left = max(0, spent - max(0, units * interval - since))
  for _, lease in ipairs(q.kept) do left = max(left, floor(lease.room / q.unit * interval)) end
  q.next = left
  if q.plans then
    q.next, q.plans.spent = min(rescaled(left, interval, q.unit, ceil), q.room), left
  end
end

function OPS.settle(q)
  if q.amount >= 0 then
    q.next = min(q.spent + q.amount * q.unit, q.deepest)
    q.granted = max(0, q.amount - floor((q.deepest - q.spent) / q.unit))
  elseif not q.stop then
    give_back(q, -q.amount, q.held * 1e6)
  else
    give_back(q, (q.held == 0 or now_ms - q.held >= q.start * 1000) and -q.amount or 0, 0)
  end
end

function OPS.lease(q)
  if q.amount == 0 then return give_back(q, q.returned, 0) end
  local granted = max(0, min(q.amount, q.most - q.returned, floor((q.room - q.spent) / q.unit)))
  q.refused = granted < q.least
  if q.refused then
    q.wait = wait_for(q, q.least, q.most, q.kept)
  else
    q.granted, q.next = granted, q.spent + granted * q.unit
    lend(q, q.returned + granted)
  end
end

local function read_and_decide(q)
  q.spent, q.leases = 0, {}
  local read = q.kind == 'bucket' and read_bucket or read_window
  read(q, stored(q))
  q.kept, q.returned = released(q)
  OPS[q.op](q)
end

-- === phase 2 ===

local function write(q)
  if q.plans and q.next > q.spent then q.plans = nil end -- it fits, and goes by this plan now
  local a, b, c = q.start, q.period, q.next
  if q.kind == 'bucket' then
    if q.next == 0 then return redis.call('DEL', q.key) end
    local ahead, interval = q.next, q.period
    if q.plans then ahead, interval = q.plans.spent, q.plans.interval end
    local ns = now_us * 1000 + ahead
    b, c = fmod(ns, 1e9), interval
    a = now_s + (ns - b) / 1e9
  end
  local value = string.format('%s %.0f %.0f %.0f', TAG[q.kind], a, b, c)
  for _, lease in ipairs(q.kept) do
    value = value .. string.format(' %.0f %.0f %.0f', lease.generation, lease.length, lease.units)
  end
  -- A second for clocks that differ; a minute of an ended window, for one that steps back.
  local life = in_ms(reset_in(q, q.next, q.kept)) + (q.stop and 60000 or 1000)
  redis.call('SET', q.key, value, 'PX', string.format('%.0f', life))
end

local function report(reply, q, written)
  local spent, leases, n = q.spent, q.leases, #reply
  if written then spent, leases = q.next, q.kept end
  reply[n + 1] = q.refused and 0 or 1
  reply[n + 2] = max(0, floor((q.room - spent) / q.unit))
  reply[n + 3] = q.refused and (q.wait and in_ms(q.wait) or -1) or 0
  reply[n + 4] = in_ms(reset_in(q, spent, leases))
  reply[n + 5] = written and q.granted or 0
  reply[n + 6] = written and q.lent or 0
end

-- === the call ===

local function refuse(what)
  return redis.error_reply('TOLLGATE ' .. what)
end

if #KEYS < 1 or #KEYS > 32 then return refuse('wants 1 to 32 keys, not ' .. #KEYS) end
if #ARGV ~= 2 + FIELDS * #KEYS then
  return refuse('wants ' .. 2 + FIELDS * #KEYS .. ' arguments, not ' .. #ARGV)
end
local nonce = integer(ARGV[1], 0, UNITS)
if not nonce then return refuse('nonce') end
if not lease_ms then return refuse('length of a lease') end

local all, seen, allowed = {}, {}, true
for i, key in ipairs(KEYS) do
  local q, wrong = asked(i)
  if seen[key] then wrong = 'is there twice' end
  if wrong then return refuse('key ' .. i .. ': ' .. wrong) end
  seen[key], all[i] = true, q
end
for _, q in ipairs(all) do
  read_and_decide(q)
  allowed = allowed and not (q.refused and BINDS[q.op])
end

local reply = { 1, nonce, now_ms, allowed and 1 or 0, #KEYS }
for _, q in ipairs(all) do
  local written = q.op == 'try' and not q.refused or allowed and BINDS[q.op]
  if written then
    write(q)
  elseif q.refused and q.rebased and not q.plans and q.spent > 0 and (q.op == 'charge' or q.op == 'try') then
    q.next = q.spent
    write(q)
  end
  report(reply, q, written)
end
return reply
