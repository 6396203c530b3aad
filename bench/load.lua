-- wrk's script: POSTs {"code": …, field: customer}, or {field: customer} where the code is empty, with a customer of its own in each request.
-- Arguments: path, code, field, first, span, key (which may be missing). Thread i takes the numbers from first + i*span; a number
-- becomes a mobile of nine free digits by a bijection that scatters neighbours over the whole range, so
-- that the store's trees are entered everywhere and not at their right end.
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(args)
  local body = string.format('{"code":"%s","%s":"09#########"}', args[2], args[3])
  if args[2] == "" then
    body = string.format('{"%s":"09#########"}', args[3])
  end
  local headers = {["Content-Type"] = "application/json"}
  if args[6] then
    headers["Authorization"] = "Bearer " .. args[6]
  end
  local text = wrk.format("POST", args[1], headers, body)
  local at = text:find("#########", 1, true)
  head, tail = text:sub(1, at - 1), text:sub(at + 9)
  number = tonumber(args[4]) + id * tonumber(args[5])
end

function request()
  local mobile = (number * 618033) % 1000000000
  number = number + 1
  return head .. string.format("%09d", mobile) .. tail
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"non_2xx":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.status, e.connect + e.read + e.write + e.timeout))
end
