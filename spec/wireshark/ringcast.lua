-- Wireshark dissector of the frames between forwarders (spec/wire.md).
--
--   wireshark -X lua_script:spec/wireshark/ringcast.lua
--   tshark -X lua_script:spec/wireshark/ringcast.lua -r capture.pcap -Y ringcast
--
-- It finds frames on any UDP port by their first bytes. What a receiver would refuse
-- by its form is marked: the filter is ringcast.malformed. Bodies that are compressed
-- are not unfolded. A lane is shown by its name, too: ringcast.lane == 2 finds what goes to one node alone, and
-- ringcast.member == 7 what of it goes to node 7. Offsets and sizes are those of spec/layout.md; a test compares them.

local MAGIC, VERSION = 0x4352, 1

local types = {
    [1] = "Data", [2] = "Heartbeat", [3] = "Nak", [4] = "Ncf", [5] = "Status", [6] = "Hello", [7] = "Cookie", [8] = "Setup",
    [9] = "Want", [10] = "Bye", [11] = "SessionStale", [12] = "Probe", [13] = "Presence", [14] = "UnicastData",
    [15] = "UnicastAck", [129] = "Fec", [130] = "Gossip",
}

-- Lanes of which a node has one each, and those to one member, which Data and Heartbeat name as 2 | member << 8.
local DIRECTED = 2
local lanes = { [0] = "gated, to all", [1] = "live, to all", [DIRECTED] = "directed, to one" }

-- bit, name of every flag, by enum; and the fields that are of one
local enums = {
    FrameFlag = { { 1, "Encrypted" }, { 2, "Lz4" }, { 4, "Repair" }, { 8, "Unicast" }, { 16, "StatusWanted" }, { 32, "Fec" }, { 64, "EndOfSession" } },
    HelloFlag = { { 1, "Answer" }, { 2, "SetupWanted" } },
    HelloFeature = { { 1, "Directed" }, { 2, "Probe" } },
    StatusFlag = { { 1, "SetupWanted" }, { 2, "Overrun" } },
    NakFlag = { { 1, "LocalLoss" }, { 2, "More" } },
    ProbeFlag = { { 1, "Echo" }, { 2, "Group" } },
}
local flagged = {
    ["FrameHeader.flags"] = "FrameFlag", ["HelloHead.flags"] = "HelloFlag", ["HelloHead.features"] = "HelloFeature",
    ["StatusHead.flags"] = "StatusFlag", ["NakHead.flags"] = "NakFlag", ["ProbeHead.flags"] = "ProbeFlag",
}

-- offset, size, name of every field, by struct
local structs = {
    FrameHeader = {
        { 0, 2, "magic" }, { 2, 1, "version" }, { 3, 1, "flags" }, { 4, 1, "type" }, { 5, 1, "key_id" },
        { 6, 2, "length" }, { 8, 4, "domain" }, { 12, 4, "node" }, { 16, 8, "session" }, { 24, 8, "number" },
    },
    DataHead = {
        { 0, 4, "lane" }, { 4, 2, "message_count" }, { 6, 2, "raw_length" }, { 8, 8, "lane_sequence" },
        { 16, 4, "trail_delta" }, { 20, 4, "send_us" },
    },
    MessageHead = {
        { 0, 4, "topic" }, { 4, 4, "sequence" }, { 8, 4, "length_flags" }, { 12, 2, "producer" },
        { 14, 2, "user_flags" },
    },
    MessageExtension = {
        { 0, 8, "timestamp_ns" }, { 8, 4, "schema_hash" }, { 12, 4, "total_length" }, { 16, 1, "kind" },
        { 17, 1, "content" },
    },
    HeartbeatHead = {
        { 0, 8, "next" }, { 8, 8, "trail" }, { 16, 4, "lane" }, { 20, 4, "send_us" },
        { 24, 4, "round_trip_us" }, { 28, 2, "members" }, { 30, 2, "reserved0" },
    },
    NakHead = {
        { 0, 8, "session" }, { 8, 8, "base" }, { 16, 4, "highest_delta" }, { 20, 2, "lane" },
        { 22, 2, "flags" },
    },
    NakRange = {
        { 0, 2, "delta_low" }, { 2, 2, "delta_high" }, { 4, 2, "count" },
    },
    NcfHead = {
        { 0, 8, "session" }, { 8, 8, "first" }, { 16, 8, "last" }, { 24, 8, "trail" }, { 32, 4, "lane" },
        { 36, 2, "wait_ms" }, { 38, 1, "reason" }, { 39, 1, "reserved0" },
    },
    StatusHead = {
        { 0, 8, "session" }, { 8, 8, "taken" }, { 16, 8, "highest" }, { 24, 4, "lane" }, { 28, 4, "credit" },
        { 32, 4, "received_rate" }, { 36, 4, "overruns" }, { 40, 4, "echo_us" }, { 44, 4, "hold_us" },
        { 48, 4, "delay_us" }, { 52, 4, "first_lost" }, { 56, 4, "want_version" }, { 60, 2, "full_count" },
        { 62, 2, "flags" },
    },
    FullTopic = {
        { 0, 4, "topic" }, { 4, 4, "sequence" },
    },
    HelloHead = {
        { 0, 4, "epoch" }, { 4, 4, "features" }, { 8, 4, "send_us" }, { 12, 4, "round_trip_us" },
        { 16, 4, "table_version" }, { 20, 4, "want_version" }, { 24, 2, "members" }, { 26, 2, "flags" },
        { 28, 1, "version_min" }, { 29, 1, "version_max" }, { 30, 2, "reserved0" },
    },
    SetupHead = {
        { 0, 4, "table_version" }, { 4, 4, "snapshot" }, { 8, 2, "part" }, { 10, 2, "parts" },
        { 12, 2, "lane_count" }, { 14, 2, "topic_count" }, { 16, 2, "producer_count" },
    },
    TableHead = {
        { 0, 2, "topic_count" }, { 2, 2, "producer_count" }, { 4, 4, "reserved0" },
    },
    LaneRow = {
        { 0, 8, "next" }, { 8, 8, "trail" }, { 16, 4, "lane" }, { 20, 4, "window" }, { 24, 1, "class" },
    },
    TopicRow = {
        { 0, 4, "topic" }, { 4, 4, "lane" }, { 8, 4, "slot_count" }, { 12, 4, "slot_payload" },
        { 16, 4, "history" }, { 20, 1, "mode" }, { 21, 1, "kind" }, { 22, 1, "purpose" },
        { 23, 1, "name_length" },
    },
    ProducerRow = {
        { 0, 16, "address" }, { 16, 8, "first" }, { 24, 8, "last" }, { 32, 8, "first_lane" },
        { 40, 4, "topic" }, { 44, 2, "producer" }, { 46, 2, "reserved0" },
    },
    WantHead = {
        { 0, 4, "version" }, { 4, 2, "part" }, { 6, 2, "parts" }, { 8, 2, "name_count" },
    },
    ByeHead = {
        { 0, 4, "reason" }, { 4, 4, "reserved0" },
    },
    UnicastDataHead = {
        { 0, 8, "session" }, { 8, 4, "stream" }, { 12, 4, "chunk" }, { 16, 2, "length" }, { 18, 1, "purpose" },
        { 19, 1, "flags" }, { 20, 4, "reserved0" },
    },
    UnicastAckHead = {
        { 0, 8, "session" }, { 8, 8, "mask" }, { 16, 4, "stream" }, { 20, 4, "next" }, { 24, 4, "back" },
        { 28, 4, "want_version" }, { 32, 2, "window" }, { 34, 1, "name_length" }, { 35, 1, "purpose" },
        { 36, 1, "flags" },
    },
    SessionStaleHead = {
        { 0, 8, "seen" },
    },
    ProbeHead = {
        { 0, 8, "session" }, { 8, 8, "number" }, { 16, 2, "size" }, { 18, 2, "flags" },
        { 20, 4, "reserved0" },
    },
    HearHead = {
        { 0, 2, "known" }, { 2, 2, "row_count" }, { 4, 1, "health" },
    },
    HearRow = {
        { 0, 4, "node" }, { 4, 2, "silence_ms" }, { 6, 2, "flags" },
    },
    Address = {
        { 0, 4, "node" }, { 4, 4, "epoch" }, { 8, 4, "generation" }, { 12, 2, "index" }, { 14, 2, "handle" },
    },
}

local ringcast = Proto("ringcast", "Ringcast")
local problem = ProtoField.string("ringcast.malformed", "Malformed")
local text = ProtoField.string("ringcast.text", "Text")
local payload = ProtoField.bytes("ringcast.payload", "Payload")
local laneName = ProtoField.uint8("ringcast.lane", "lane", base.DEC, lanes)
local laneMember = ProtoField.uint32("ringcast.member", "its member")
local warning = ProtoExpert.new("ringcast.refused", "A receiver refuses this frame", expert.group.MALFORMED, expert.severity.ERROR)

local makers = { [1] = ProtoField.uint8, [2] = ProtoField.uint16, [4] = ProtoField.uint32, [8] = ProtoField.uint64, [16] = ProtoField.bytes }
local fields, flags, all, sizes = {}, {}, { problem, text, payload, laneName, laneMember }, {}
for name, list in pairs(structs) do
    fields[name] = {}
    for _, f in ipairs(list) do
        local values = name == "FrameHeader" and f[3] == "type" and types or nil
        local made
        if f[2] == 16 then
            made = makers[16]("ringcast." .. name .. "." .. f[3], f[3])
        else
            made = makers[f[2]]("ringcast." .. name .. "." .. f[3], f[3], base.DEC, values)
        end
        fields[name][f[3]] = made
        all[#all + 1] = made
        local key = name .. "." .. f[3]
        flags[key] = {}
        for _, bit in ipairs(enums[flagged[key]] or {}) do
            local one = ProtoField.bool("ringcast." .. key .. "." .. bit[2], bit[2], 8 * f[2], nil, bit[1])
            table.insert(flags[key], one)
            all[#all + 1] = one
        end
        sizes[name] = math.max(sizes[name] or 0, f[1] + f[2])
    end
end
-- Heads that end with reserved bytes.
sizes.MessageExtension, sizes.SetupHead, sizes.LaneRow, sizes.WantHead, sizes.HearHead = 24, 24, 32, 16, 8
sizes.UnicastAckHead = 40
ringcast.fields = all
ringcast.experts = { warning }

-- A reader of one frame: at is where the next bytes are.
local Reader = {}
Reader.__index = Reader

function Reader:fail(reason)
    if not self.failed then
        self.failed = reason
        self.tree:add(problem, self.buffer(), reason)
        self.tree:add_proto_expert_info(warning, reason)
    end
    return nil
end

function Reader:left() return self.buffer:len() - self.at end

-- value returns a field as a number; of 8 bytes as a UInt64.
local function value(range, size)
    if size == 8 then return range:le_uint64() end
    return range:le_uint()
end

-- lane names the lane of a field, and returns the member of one that says it.
local function lane(item, range, number)
    local member = math.floor(number / 256)
    item:add(laneName, range, number % 256)
    if member == 0 then return nil end
    item:add(laneMember, range, member)
    return member
end

-- struct adds all fields of a struct and returns them by name.
function Reader:struct(name, parent)
    if self:left() < sizes[name] then return self:fail(name .. " does not fit") end
    local tree = (parent or self.tree):add(ringcast, self.buffer(self.at, sizes[name]), name)
    local got = { tree = tree }
    for _, f in ipairs(structs[name]) do
        local range = self.buffer(self.at + f[1], f[2])
        local item = tree:add_le(fields[name][f[3]], range)
        for _, flag in ipairs(flags[name .. "." .. f[3]]) do item:add_le(flag, range) end
        if f[2] < 16 then got[f[3]] = value(range, f[2]) end
        if f[3] == "lane" then self.member = lane(item, range, got.lane) or self.member end
    end
    self.at = self.at + sizes[name]
    return got
end

-- rows adds so many structs of one name.
function Reader:rows(name, count)
    for _ = 1, count do
        if not self:struct(name) then return nil end
    end
    return true
end

-- word adds a text that is led by its length.
function Reader:word(longest)
    if self:left() < 1 then return self:fail("a text is missing") end
    local size = self.buffer(self.at, 1):uint()
    if size > longest or self:left() < 1 + size then return self:fail("a text does not fit") end
    self.tree:add(text, self.buffer(self.at + 1, size))
    self.at = self.at + 1 + size
    return true
end

function Reader:finish()
    if self:left() ~= 0 then self:fail(self:left() .. " bytes too many") end
end

function Reader:topics(count)
    for _ = 1, count do
        local row = self:struct("TopicRow")
        if not row then return nil end
        local room = math.floor((row.name_length + 7) / 8) * 8
        if row.name_length == 0 or row.name_length > 200 or self:left() < room then return self:fail("a topic's name does not fit") end
        row.tree:add(text, self.buffer(self.at, row.name_length))
        self.at = self.at + room
    end
    return true
end

function Reader:producers(count)
    for _ = 1, count do
        local from = self.at
        local row = self:struct("ProducerRow")
        if not row then return nil end
        local after = self.at
        self.at = from
        self:struct("Address", row.tree)
        self.at = after
    end
    return true
end

function Reader:message()
    local head = self:struct("MessageHead")
    if not head then return nil end
    local size, flags = head.length_flags % 0x1000000, math.floor(head.length_flags / 0x1000000)
    if flags >= 16 then return self:fail("unknown flags of a message") end
    if math.floor(flags / 4) % 2 == 1 and not self:struct("MessageExtension", head.tree) then return nil end
    if math.floor(flags / 8) % 2 == 1 then
        if self:left() < 64 then return self:fail("a block does not fit") end
        self.at = self.at + 64
    end
    local from = self.at
    if self:left() < size then return self:fail("a message does not fit") end
    if head.topic == 0 then
        local table = self:struct("TableHead", head.tree)
        if not table or not self:topics(table.topic_count) or not self:producers(table.producer_count) then return nil end
        if self.at ~= from + size then return self:fail("rows do not fill their message") end
    elseif size > 0 then
        head.tree:add(payload, self.buffer(from, size))
    end
    self.at = math.min(math.floor((from + size + 7) / 8) * 8, self.buffer:len())
    return true
end

local bodies = {}

bodies[1] = function(r, header)
    local head = r:struct("DataHead")
    if not head then return end
    if head.message_count == 0 then return r:fail("no messages") end
    if math.floor(header.flags / 2) % 2 == 1 then -- Lz4
        if r:left() == 0 or r:left() > head.raw_length then return r:fail("compressed bytes that do not unfold") end
        r.tree:add(payload, r.buffer(r.at), "compressed, " .. head.raw_length .. " bytes unfolded")
        return
    end
    if r:left() < head.raw_length or r:left() > head.raw_length + 256 then return r:fail("raw_length differs") end
    local last = r.at + head.raw_length -- zeros may follow
    for _ = 1, head.message_count do
        if not r:message() then return end
    end
    if r.at ~= last then r:fail("messages that are not of raw_length") end
end
bodies[2] = function(r) return r:struct("HeartbeatHead") and r:finish() end
bodies[3] = function(r)
    if not r:struct("NakHead") then return end
    if r:left() == 0 or r:left() % 6 ~= 0 then return r:fail("ranges do not fit") end
    r:rows("NakRange", r:left() / 6)
end
bodies[4] = function(r) return r:struct("NcfHead") and r:finish() end
bodies[5] = function(r)
    local head = r:struct("StatusHead")
    if head and r:rows("FullTopic", head.full_count) then r:finish() end
end
bodies[6] = function(r)
    if not r:struct("HelloHead") or not r:word(64) or not r:word(64) then return end
    r.at = math.min(math.floor((r.at + 7) / 8) * 8, r.buffer:len())
    if r:left() < sizes.HearHead then return end
    local head = r:struct("HearHead")
    r:rows("HearRow", head.row_count) -- what follows is of a later version
end
bodies[8] = function(r)
    local head = r:struct("SetupHead")
    if head and r:rows("LaneRow", head.lane_count) and r:topics(head.topic_count) and r:producers(head.producer_count) then r:finish() end
end
bodies[9] = function(r)
    local head = r:struct("WantHead")
    if not head then return end
    for _ = 1, head.name_count do
        if not r:word(200) then return end
    end
    r:finish()
end
bodies[10] = function(r) return r:struct("ByeHead") and r:finish() end
bodies[11] = function(r) return r:struct("SessionStaleHead") and r:finish() end
bodies[12] = function(r)
    local head = r:struct("ProbeHead")
    if not head then return end
    local want = 32 + 24
    if head.flags % 2 == 0 then want = head.size end
    if r.buffer:len() ~= want then return r:fail("size differs") end
end
bodies[14] = function(r)
    local head = r:struct("UnicastDataHead")
    if not head then return end
    if head.purpose ~= 1 then return r:fail("a stream for what is to come") end
    if r:left() ~= head.length then return r:fail("length differs") end
    if head.length > 0 then r.tree:add(payload, r.buffer(r.at)) end -- rows begin and end in any chunk
end
bodies[15] = function(r)
    local head = r:struct("UnicastAckHead")
    if not head then return end
    if head.purpose ~= 1 then return r:fail("a stream for what is to come") end
    if head.name_length == 0 or r:left() ~= head.name_length then return r:fail("the name does not fit") end
    r.tree:add(text, r.buffer(r.at))
end

function ringcast.dissector(buffer, packet, root)
    packet.cols.protocol = "Ringcast"
    local tree = root:add(ringcast, buffer())
    local r = setmetatable({ buffer = buffer, at = 0, tree = tree }, Reader)
    local header = r:struct("FrameHeader")
    if not header then return buffer:len() end
    local name = types[header.type] or ("type " .. header.type)
    packet.cols.info = string.format("%s, node %d, packet %s", name, header.node, tostring(header.number))
    tree:append_text(", " .. name)
    if header.version ~= VERSION then
        r:fail("another version")
    elseif header.length ~= buffer:len() then
        r:fail("length differs from the datagram's")
    elseif header.node == 0 then
        r:fail("node 0")
    elseif header.flags >= 128 or header.flags % 2 == 1 or math.floor(header.flags / 32) % 2 == 1 then
        r:fail("flags that cannot be")
    elseif header.key_id ~= 0 then
        r:fail("key id without encryption")
    elseif bodies[header.type] then
        bodies[header.type](r, header)
        if r.member then packet.cols.info:append(", to node " .. r.member .. " alone") end
    elseif header.type < 128 then
        r:fail("unknown type, or one that is reserved")
    end
    return buffer:len()
end

local function isOurs(buffer, packet, root)
    if buffer:len() < 4 or buffer(0, 2):le_uint() ~= MAGIC then return false end
    ringcast.dissector(buffer, packet, root)
    return true
end
ringcast:register_heuristic("udp", isOurs)
