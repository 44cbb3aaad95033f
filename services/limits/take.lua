-- Asks several buckets at once, and takes from all or from none. Time is the server's, in sixteenths of a microsecond
-- since 2026: whole numbers below 2^53 for centuries. KEYS: the buckets. ARGV: four for each: 'b', cost, interval, capacity;
-- or 'w', cost, part, requests. Answers four numbers for each: allowed, remaining, wait, more; the times in microseconds.
local clock = redis.call('TIME')
local now = ((tonumber(clock[1]) - 1767225600) * 1000000 + tonumber(clock[2])) * 16
local answers = {}
local writes = {}
local all = true

local function text(number)
  return string.format('%.0f', number)
end

local function micros(units)
  return math.ceil(units / 16)
end

-- A bucket is one number, the time at which it would be full again.
local function bucket(key, cost, interval, capacity)
  local full = tonumber(redis.call('GET', key) or '0') or 0
  full = math.min(math.max(full, now), now + capacity)
  local after = full + cost * interval
  local allowed = interval > 0 and after <= now + capacity
  local level = allowed and after or full
  local remaining = interval > 0 and math.floor((now + capacity - level) / interval) or 0
  local wait = 0
  if not allowed and interval > 0 and cost * interval <= capacity then wait = after - now - capacity end
  local more = 0
  if interval > 0 and level > now then more = level - (now + capacity - (remaining + 1) * interval) end
  if allowed then
    writes[#writes + 1] = { 'SET', key, text(after), 'PX', text(math.ceil((after - now) / 16000) + 1) }
  end
  return allowed, remaining, wait, more
end

-- A window is what each part of a period has let in. The part in which the period began counts whole.
local function window(key, cost, part, requests)
  local current = math.floor(now / part)
  local counts = {}
  local used = 0
  local old = {}
  local stored = redis.call('HGETALL', key)
  for i = 1, #stored, 2 do
    local at = tonumber(stored[i])
    if at == nil or at < current - 15 then old[#old + 1] = stored[i]
    else
      counts[at] = tonumber(stored[i + 1]) or 0
      used = used + counts[at]
    end
  end
  local allowed = used + cost <= requests
  local wait, more = 0, 0
  local freed, needed = 0, used + cost - requests
  for at = current - 15, current do
    freed = freed + (counts[at] or 0)
    local ends = (at + 16) * part - now
    if freed > 0 and more == 0 then more = ends end
    if not allowed and cost <= requests and wait == 0 and freed >= needed then wait = ends end
  end
  if allowed then
    used = used + cost
    if more == 0 then more = 16 * part end
    for i = 1, #old do writes[#writes + 1] = { 'HDEL', key, old[i] } end
    writes[#writes + 1] = { 'HINCRBY', key, text(current), text(cost) }
    writes[#writes + 1] = { 'PEXPIRE', key, text(math.ceil(17 * part / 16000) + 1) }
  end
  return allowed, math.max(requests - used, 0), wait, more
end

for i, key in ipairs(KEYS) do
  local at = (i - 1) * 4
  local ask = ARGV[at + 1] == 'b' and bucket or window
  local allowed, remaining, wait, more =
    ask(key, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]))
  all = all and allowed
  answers[#answers + 1] = allowed and 1 or 0
  answers[#answers + 1] = remaining
  answers[#answers + 1] = micros(wait)
  answers[#answers + 1] = micros(more)
end
if all then
  for _, write in ipairs(writes) do redis.call(unpack(write)) end
end
return answers
