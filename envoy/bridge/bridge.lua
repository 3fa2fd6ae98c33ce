-- Tollgate's bridge to Redis: the Upstash REST protocol on one side, Redis' own on the other.
--
-- It speaks to Redis itself instead of through lua-resty-redis (OpenResty) or nginx.redis
-- (Debian): they differ, they turn integers into floats, which is wrong from 2^53 on, and
-- they know a timeout for each read but none for all of them.
local cjson = require "cjson.safe"
cjson.decode_invalid_numbers(false) -- NaN is no JSON

-- Settings are read once, in the master process, which refuses to start on a bad one.
local function setting(name, default)
  local value = os.getenv(name) or ""
  if value ~= "" then return value end
  return default or error("bridge: " .. name .. " is not set", 0)
end
local function whole(name, default, most)
  local value = setting(name, default)
  if value:find("^%d+$") and tonumber(value) >= 1 and tonumber(value) <= most then return tonumber(value) end
  error("bridge: " .. name .. "=" .. value .. " is not a number from 1 to " .. most, 0)
end
local TOKEN = setting("BRIDGE_TOKEN")
local HOST, PORT = setting("REDIS_HOST", "127.0.0.1"), whole("REDIS_PORT", "6379", 65535)
local USER, PASSWORD = setting("REDIS_USER", "default"), os.getenv("REDIS_PASSWORD") or ""
-- For all that one request asks of Redis. Less than the filter waits (50 ms), so that it
-- hears what went wrong.
local TIMEOUT = whole("BRIDGE_TIMEOUT_MS", "40", 60000) / 1000
-- Connections to Redis of one worker process: more than an Envoy of cluster.yaml has calls
-- at once, far less than Redis takes (10,000). Then so many requests wait for one, the rest
-- is refused. Idle ones are kept for a minute.
local POOL, IDLE_MS = { pool_size = 256, backlog = 512 }, 60000
-- What the filter needs. The wall behind this one is Redis' own, users.acl.
local ALLOWED = { EVALSHA = true, EVAL = true, PING = true }

-- Once a second is enough to know: a Redis that is down must not fill the disk too.
local logged = 0
local function log(level, message)
  if ngx.time() == logged then return end
  logged = ngx.time()
  ngx.log(level, message)
end

-- Ends the request; `serve` answers it.
local function refuse(status, message) error({ status = status, message = message }, 0) end

local function argument(value)
  if type(value) == "string" then return value end
  if type(value) ~= "number" then refuse(400, "ERR an argument must be a string or a number") end
  -- JSON's numbers arrive here as floats, which are not exact from here on.
  if math.abs(value) >= 2 ^ 53 then refuse(400, "ERR a number of 2^53 or more must be sent as a string") end
  if value % 1 == 0 then return string.format("%.0f", value) end
  local short = string.format("%.15g", value)
  return tonumber(short) == value and short or string.format("%.17g", value)
end

-- A command in Redis' protocol, its arguments counted in bytes.
local function encode(command)
  local parts = { "*" .. #command .. "\r\n" }
  for i = 1, #command do
    local text = argument(command[i])
    parts[i + 1] = "$" .. #text .. "\r\n" .. text .. "\r\n"
  end
  return table.concat(parts)
end

local function allowed(command)
  if type(command) ~= "table" or type(command[1]) ~= "string" then refuse(400, "ERR failed to parse command") end
  if not ALLOWED[command[1]:upper()] then refuse(400, "NOPERM the bridge does not pass on this command") end
  return command
end

-- One step of the talk with Redis, in what is left of its time.
local function step(socket, what, method, ...)
  local left = socket.deadline - ngx.now()
  if left <= 0 then refuse(504, "BRIDGE " .. what .. " timeout") end
  socket:settimeout(math.max(1, left * 1000))
  local result, reason = socket[method](socket, ...)
  if result then return result end
  local status = reason == "timeout" and 504 or what == "connect" and 503 or 502
  refuse(status, "BRIDGE " .. what .. " " .. tostring(reason))
end

-- Reads one reply, to its end whatever is in it. JSON, or nil and Redis' error. Integers
-- pass as their digits. Texts pass as their bytes: JSON only if Redis holds UTF-8, hence
-- `base64`.
local function read(socket, base64)
  local line = step(socket, "read", "receive")
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "-" then return nil, rest end
  if kind == "+" then return base64 and rest ~= "OK" and cjson.encode(ngx.encode_base64(rest)) or cjson.encode(rest) end
  if not rest:find("^%-?%d+$") then refuse(502, "BRIDGE read what is no reply of Redis") end
  if kind == ":" then return rest end
  local length = tonumber(rest)
  if length < 0 then return "null" end
  if kind == "$" then
    local text = step(socket, "read", "receive", length + 2):sub(1, -3)
    return cjson.encode(base64 and ngx.encode_base64(text) or text)
  end
  if kind ~= "*" then refuse(502, "BRIDGE read what is no reply of Redis") end
  local items, failure = {}, nil
  for i = 1, length do
    local item, err = read(socket, base64)
    items[i], failure = item or "null", failure or err
  end
  if failure then return nil, failure end
  return "[" .. table.concat(items, ",") .. "]"
end

local function talk(socket, commands, base64)
  if HOST:find("^unix:") then
    step(socket, "connect", "connect", HOST, POOL)
  else
    step(socket, "connect", "connect", HOST, PORT, POOL)
  end
  -- A connection logs in once, and nothing is sent before Redis has agreed: it would run
  -- as another user.
  if PASSWORD ~= "" and socket:getreusedtimes() == 0 then
    step(socket, "write", "send", encode({ "AUTH", USER, PASSWORD }))
    local _, err = read(socket)
    if err then
      log(ngx.ERR, err)
      refuse(400, err)
    end
  end
  step(socket, "write", "send", commands)
  local replies = {}
  for i = 1, #commands do
    local json, err = read(socket, base64)
    replies[i] = { json = json and '{"result":' .. json .. "}" or '{"error":' .. cjson.encode(err) .. "}", failed = err }
  end
  return replies
end

-- Sends encoded commands, yields their replies. A talk that broke off leaves a reply on its
-- way, which the next request must never read: that connection is closed. And nothing is
-- sent again: Redis may have done it. A caller who leaves meanwhile changes nothing: nginx
-- lets this end first.
local function ask(commands, base64)
  ngx.update_time()
  local socket = ngx.socket.tcp()
  socket.deadline = ngx.now() + TIMEOUT
  local fine, result = pcall(talk, socket, commands, base64)
  if not fine then
    socket:close()
    error(result, 0)
  end
  socket:setkeepalive(IDLE_MS)
  return result
end

-- Compared as keyed hashes: how long it takes tells nothing of the token.
local function authorized()
  local token = (ngx.var.http_authorization or ""):match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(.+)$")
  return token and ngx.hmac_sha1(TOKEN, token) == ngx.hmac_sha1(TOKEN, TOKEN)
end

local function answer()
  if ngx.req.get_method() ~= "POST" then refuse(405, "ERR only POST is supported") end
  if not authorized() then refuse(401, "WRONGPASS invalid or missing auth token") end
  local pipeline = ngx.var.uri == "/pipeline"
  if not pipeline and ngx.var.uri ~= "/" then refuse(404, "ERR no such path") end
  local encoding = ngx.var.http_upstash_encoding
  if encoding and encoding ~= "base64" then refuse(400, "ERR upstash-encoding must be base64") end
  if ngx.var.http_upstash_response_format then refuse(400, "ERR upstash-response-format is not supported") end
  ngx.req.read_body()
  local list = cjson.decode(ngx.req.get_body_data() or "")
  if type(list) ~= "table" or #list == 0 then refuse(400, "ERR failed to parse command") end
  local commands = {}
  for i, command in ipairs(pipeline and list or { list }) do commands[i] = encode(allowed(command)) end
  local replies = ask(commands, encoding == "base64")
  if not pipeline then return replies[1].failed and 400 or 200, replies[1].json end
  for i, reply in ipairs(replies) do replies[i] = reply.json end
  return 200, "[" .. table.concat(replies, ",") .. "]"
end

local function send(status, type, body)
  ngx.status, ngx.header.content_type, ngx.header.content_length = status, type, #body
  ngx.print(body)
end

local M = {}

function M.serve()
  local fine, status, body = pcall(answer)
  if fine then return send(status, "application/json", body) end
  if type(status) ~= "table" then
    log(ngx.ERR, status)
    status = { status = 500, message = "ERR the bridge failed, its log says how" }
  elseif status.status >= 500 then
    log(ngx.WARN, status.message)
  end
  send(status.status, "application/json", '{"error":' .. cjson.encode(status.message) .. "}")
end

-- For Docker and Kubernetes, without a token, hence without a word of why.
function M.health()
  local fine, replies = pcall(ask, { encode({ "PING" }) })
  if fine and not replies[1].failed then return send(200, "text/plain", "ok\n") end
  send(503, "text/plain", "not ok\n")
end

return M
