"""Sends packets on one end of veth pairs, and tells at which ends they arrive.

Arguments: the path of the router's network namespace, and the links.
Standard input: lines of JSON, each a number of packets that ought to arrive, the seconds to wait for
the next of them, and a list of packets:
{"id", "link", "to", "protocol", "source", "sourcePort", "destination", "destinationPort", "answer"};
"to" is the MAC address of the router's end. Link "host" is the router itself. An answer is the
first packet of it.
Standard output: for each line, a list of [id, link] of what arrived. What ought to arrive is waited
for until nothing has arrived for a while, what ought not for a moment.
"""
import ctypes, ipaddress, json, os, select, socket, struct, sys

MAGIC = b"calico4j"
MOMENT = 0.05


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(probe):
    source = ipaddress.ip_address(probe["source"])
    destination = ipaddress.ip_address(probe["destination"])
    payload = MAGIC + struct.pack("!I", probe["id"])
    protocol = probe["protocol"]
    ports = struct.pack("!HH", probe["sourcePort"], probe["destinationPort"])
    answer = probe["answer"]
    if protocol == 6:
        numbers = (100, 2, 5 << 4, 0x12) if answer else (1, 0, 5 << 4, 2)
        transport = ports + struct.pack("!IIBBHHH", *numbers, 1024, 0, 0) + payload
        at = 16
    elif protocol == 17:
        transport = ports + struct.pack("!HH", 8 + len(payload), 0) + payload
        at = 6
    else:
        echo = (0 if answer else 8) if protocol == 1 else (129 if answer else 128)
        transport = struct.pack("!BBHHH", echo, 0, 0, probe["id"] & 0xFFFF, 0) + payload
        at = 2
    pseudo = b"" if protocol == 1 else (
        source.packed + destination.packed + struct.pack("!II", len(transport), protocol))
    total = checksum(pseudo + transport) or 0xFFFF
    transport = transport[:at] + struct.pack("!H", total) + transport[at + 2:]
    if source.version == 4:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), 0, 0, 64, protocol, 0,
                             source.packed, destination.packed)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        kind = 0x0800
    else:
        header = struct.pack("!IHBB16s16s", 6 << 28, len(transport), protocol, 64,
                             source.packed, destination.packed)
        kind = 0x86DD
    return kind, header + transport


def send(probe):
    kind, data = packet(probe)
    if probe["link"] == "host":
        try:
            (own if kind == 0x0800 else own6).sendto(data, (probe["destination"], 0))
        except PermissionError:
            pass  # The router's rules have dropped it.
        return
    to = bytes.fromhex(probe["to"].replace(":", ""))
    ends[probe["link"]].send(to + b"\x02\0\0\0\x09\x09" + struct.pack("!H", kind) + data)


def opened(*kind):
    end = socket.socket(*kind)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE")
                   else socket.SO_RCVBUF, 1 << 20)
    end.setblocking(False)
    return end


ends = {}
for link in sys.argv[2:]:
    ends[link] = opened(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    ends[link].bind((link, 0))
names = {end: link for link, end in ends.items()}
# The sockets from here on are the router's.
router = os.open(sys.argv[1], os.O_RDONLY)
if ctypes.CDLL(None, use_errno=True).setns(router, 0) != 0:
    raise OSError(ctypes.get_errno(), "setns")
own = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
own6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
for family, numbers in ((socket.AF_INET, (1, 6, 17)), (socket.AF_INET6, (58, 6, 17))):
    for number in numbers:
        names[opened(family, socket.SOCK_RAW, number)] = "host"


def collect(arrived, expected, wait):
    while True:
        ready, _, _ = select.select(list(names), [], [],
                                    wait if len(arrived) < expected else min(wait, MOMENT))
        if not ready:
            return
        for end in ready:
            try:
                data, address = end.recvfrom(2048)
            except BlockingIOError:
                continue
            at = data.find(MAGIC)
            # What this end sends itself is seen here too, as outgoing.
            outgoing = end.family == socket.AF_PACKET and address[2] == socket.PACKET_OUTGOING
            if at >= 0 and not outgoing:
                arrived.append([struct.unpack("!I", data[at + 8:at + 12])[0], names[end]])


for line in sys.stdin:
    arrived = []
    expected, quiet, probes = json.loads(line)
    for number, probe in enumerate(probes):
        send(probe)
        if number % 20 == 19:
            collect(arrived, expected, 0)
    collect(arrived, expected, quiet)
    print(json.dumps(arrived), flush=True)
