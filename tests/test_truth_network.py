# SPDX-License-Identifier: Apache-2.0
"""Sockets, interfaces, routes, names and firewall rules are what ss, ip, getent and iptables say."""
import contextlib
import ctypes
import functools
import ipaddress
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pytest

CLONE_NEWNET = 0x40000000


def output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


@contextlib.contextmanager
def running(*command, **options):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               **options)
    try:
        line = process.stdout.readline()
        assert line, "it did not start"
        yield process, line
    finally:
        process.kill()
        process.communicate()


class Net:
    """A network namespace of our own, which ends with the process that holds it."""

    def __init__(self, ask, pid):
        self.pid = pid
        self.id = os.readlink(f"/proc/{pid}/ns/net")[5:-1]
        self._ask = ask

    def enter(self):
        with open(f"/proc/{self.pid}/ns/net") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) < 0:
                raise OSError(ctypes.get_errno(), "setns")

    def run(self, command):
        return output(*command.split(), preexec_fn=self.enter)

    def ip(self, command):
        return json.loads(self.run("ip -d -j " + command) or "[]")

    def ask(self, sql):
        return self._ask(sql, preexec_fn=self.enter)


@pytest.fixture
def net(ask, root_only):
    with contextlib.ExitStack() as stack:
        try:
            process, _ = stack.enter_context(running(
                "unshare", "-n", "sh", "-c", "ip link set lo up && echo ready && exec cat"))
        except (AssertionError, OSError):
            pytest.skip("no network namespaces")
        yield Net(ask, process.pid)


# ---- sockets ----

HOLD = """
import os, socket, sys
S = socket
listener = S.create_server(("127.0.0.1", 4501))
client = S.create_connection(("127.0.0.1", 4501))
server = listener.accept()[0]
listener6 = S.create_server(("::1", 4502), family=S.AF_INET6)
udp = S.socket(S.AF_INET, S.SOCK_DGRAM); udp.bind(("127.0.0.1", 4503))
peer = S.socket(S.AF_INET6, S.SOCK_DGRAM); peer.bind(("::1", 4504)); peer.connect(("::1", 4505))
unix = S.socket(S.AF_UNIX); unix.bind(sys.argv[1]); unix.listen()
abstract = S.socket(S.AF_UNIX, S.SOCK_DGRAM); abstract.bind("\\0hidden")
pair = S.socketpair()
packet = S.socket(S.AF_PACKET, S.SOCK_RAW, S.htons(3))
raw = S.socket(S.AF_INET, S.SOCK_RAW, 47)
held = listener, client, server, listener6, udp, peer, unix, abstract, *pair, packet, raw
print(" ".join(f"{s.fileno()}:{os.fstat(s.fileno()).st_ino}" for s in held), flush=True)
sys.stdin.read()
"""
LO4, LO6, ANY4, ANY6 = "127.0.0.1", "::1", "0.0.0.0", "::"


@pytest.fixture
def sockets(net, tmp_path):
    """Sockets of many kinds in a namespace of their own."""
    path = tmp_path / "a unix socket"
    with running(sys.executable, "-c", HOLD, path, preexec_fn=net.enter) as (process, line):
        yield net, process.pid, str(path), [part.split(":") for part in line.split()]


def test_sockets_of_a_process_are_told(ask, sockets):
    net, pid, path, held = sockets
    rows = ask(f"SELECT * FROM process_open_sockets WHERE pid = {pid}")
    by_inode = {row["socket"]: row for row in rows}
    assert len(rows) == len(by_inode) == len(held)

    def facts(i):
        row = by_inode[held[i][1]]
        assert row["fd"] == held[i][0] and row["net_namespace"] == net.id
        return (row["family"], row["protocol"], row["local_address"], row["local_port"],
                row["remote_address"], row["remote_port"], row["path"], row["state"])

    client = facts(1)[3]
    assert facts(0) == ("2", "6", LO4, "4501", ANY4, "0", "", "LISTEN")
    assert facts(1) == ("2", "6", LO4, client, LO4, "4501", "", "ESTABLISHED")
    assert facts(2) == ("2", "6", LO4, "4501", LO4, client, "", "ESTABLISHED")
    assert facts(3) == ("10", "6", LO6, "4502", ANY6, "0", "", "LISTEN")
    assert facts(4) == ("2", "17", LO4, "4503", ANY4, "0", "", "")
    assert facts(5) == ("10", "17", LO6, "4504", LO6, "4505", "", "")
    assert facts(6) == ("1", "0", "", "0", "", "0", path, "")
    assert facts(7) == ("1", "0", "", "0", "", "0", "@hidden", "")
    assert facts(8) == facts(9) == ("1", "0", "", "0", "", "0", "", "")
    assert facts(10) == ("17", "3", "", "0", "", "0", "", "")
    assert facts(11) == ("2", "255", ANY4, "47", ANY4, "0", "", "")


def test_a_filter_by_process_changes_no_row(ask, sockets):
    _, pid, _, _ = sockets
    some = ask(f"SELECT * FROM process_open_sockets WHERE pid = {pid} ORDER BY fd")
    every = ask(f"SELECT * FROM process_open_sockets WHERE +pid = {pid} ORDER BY fd")
    assert some == every != []


def test_no_socket_comes_twice(ask, sockets):
    rows = ask("SELECT socket FROM process_open_sockets WHERE socket != 0")
    assert len(rows) == len({row["socket"] for row in rows})


def test_a_socket_of_another_namespace_is_found(ask, net):
    code = ("import socket, sys; s = socket.create_server(('127.0.0.1', 4510)); import ctypes, os; "
            "n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); "
            f"f = os.open('/proc/{os.getpid()}/ns/net', 0); assert ctypes.CDLL(None).setns(f, 0) == 0; "
            "print('ready', flush=True); sys.stdin.read()")
    with running(sys.executable, "-c", code, preexec_fn=net.enter) as (process, _):
        rows = ask(f"SELECT local_port, net_namespace FROM process_open_sockets WHERE pid = {process.pid}")
        assert rows == [{"local_port": "4510", "net_namespace": net.id}]


def ports_of_ss(net, flags):
    """(kind, address, port, pid, fd) of what listens."""
    found = set()
    for line in net.run(f"ss -H -n -p -l {flags}").splitlines():
        kind, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        users = re.findall(r"pid=(\d+),fd=(\d+)", line)
        for pid, fd in users:
            found.add((kind, address.strip("[]").split("%")[0], port, pid, fd))
    return found


def test_listening_ports_are_those_of_ss(ask, sockets):
    net, pid, path, held = sockets
    rows = ask(f"SELECT * FROM listening_ports WHERE net_namespace = '{net.id}' AND pid = {pid}")
    found = {({"6": "tcp", "17": "udp"}[row["protocol"]], row["address"], row["port"], row["pid"],
              row["fd"]) for row in rows if row["protocol"] in ("6", "17")}
    told = {entry for entry in ports_of_ss(net, "-t -u") if entry[2] != "4504"}
    assert found == told and len(found) == 3
    unix = {(row["path"], row["port"], row["socket"]) for row in rows if row["family"] == "1"}
    assert unix == {(path, "0", "0"), ("@hidden", "0", "0")}
    assert [row["socket"] for row in rows if row["family"] == "17"] == [held[10][1]]


def test_our_own_sockets_are_told_without_root(ask):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        row, = ask(f"SELECT pid, fd, address, socket FROM listening_ports WHERE port = {port}")
        assert row == {"pid": str(os.getpid()), "fd": str(server.fileno()), "address": "127.0.0.1",
                       "socket": str(os.fstat(server.fileno()).st_ino)}


def test_an_unreadable_namespace_repeats_no_socket(build, root_only):
    """As another user most links cannot be read, though the files can."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [build / "osqueryi", "--json", f"SELECT pid FROM listening_ports WHERE port = {port}"],
            capture_output=True, user=65534, group=65534, extra_groups=[], cwd="/",
            env={"HOME": "/nonexistent"})
        if done.returncode == 126 or b"ermission" in done.stderr:
            pytest.skip("the build cannot be run by another user")
        assert json.loads(done.stdout) == [{"pid": "-1"}]


# ---- interfaces and routes ----

SETUP = """
ip link add name d0 address 02:00:00:00:00:01 type bridge
ip link add name d1 address 02:00:00:00:00:02 type bridge
ip link set d0 mtu 1400 up
ip link set d1 up
ip addr add 10.1.0.1/16 brd + dev d0
ip addr add 10.1.0.2/16 dev d0 label d0:web
ip addr add 10.2.0.1 peer 10.2.0.9/32 dev d1
ip addr add 10.3.0.1/24 dev d1
ip addr add fd01::1/64 dev d0 nodad
ip addr add fe80::99/64 dev d0 nodad
ip route add default via 10.1.0.254 dev d0 metric 100 mtu 1300 src 10.1.0.2
ip route add 10.50.0.0/16 nexthop via 10.1.0.3 dev d0 nexthop via 10.3.0.3 dev d1
ip route add 10.51.0.0/16 via inet6 fe80::1 dev d0
ip route add blackhole 10.52.0.0/16
ip route add 10.53.0.0/24 via 10.1.0.3 hoplimit 9 table 77
ip -6 route add default via fd01::fe dev d0 metric 50 mtu 1280
ip -6 route add unreachable fd51::/16
"""


@pytest.fixture
def routed(net):
    for command in SETUP.strip().splitlines():
        try:
            net.run(command)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"{command}: {error.stderr.strip()}")
    return net


def test_addresses_are_those_of_ip(routed):
    expected = set()
    for link in routed.ip("addr"):
        for entry in link["addr_info"]:
            local = ipaddress.ip_interface(f"{entry['local']}/{entry['prefixlen']}")
            text = entry["local"] + ("%" + link["ifname"] if local.ip.is_link_local else "")
            expected.add((entry.get("label", link["ifname"]), text, str(local.netmask),
                          entry.get("broadcast", ""), entry.get("address", "")))
    rows = routed.ask("SELECT * FROM interface_addresses WHERE interface != 'lo'")
    found = {(row["interface"], row["address"], row["mask"], row["broadcast"],
              row["point_to_point"]) for row in rows}
    assert found == {row for row in expected if row[0] != "lo"}
    loopback = routed.ask("SELECT address FROM interface_addresses WHERE interface = 'lo'")
    assert {row["address"] for row in loopback} == {"127.0.0.1", "::1"}


COUNTERS = {"rx": {"packets": "ipackets", "bytes": "ibytes", "errors": "ierrors", "dropped": "idrops"},
            "tx": {"packets": "opackets", "bytes": "obytes", "errors": "oerrors", "dropped": "odrops",
                   "collisions": "collisions"}}


def test_interfaces_are_those_of_ip(routed):
    # something to count
    code = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            "[s.sendto(b'x' * 1000, ('127.0.0.1', 9)) for _ in range(10)]")
    output(sys.executable, "-c", code, preexec_fn=routed.enter)
    rows = {row["interface"]: row for row in routed.ask("SELECT * FROM interface_details")}
    links = routed.ip("-s link")
    assert set(rows) == {link["ifname"] for link in links}
    for link in links:
        row = rows[link["ifname"]]
        assert row["mac"] == link["address"] and row["mtu"] == str(link["mtu"])
        assert bool(int(row["flags"]) & 1) == ("UP" in link["flags"])
        assert bool(int(row["flags"]) & 8) == ("LOOPBACK" in link["flags"])
        if link["ifname"] == "lo":
            assert int(row["ipackets"]) >= 10
            for way, names in COUNTERS.items():
                for name, column in names.items():
                    assert row[column] == str(link["stats64"][way][name]), column
    assert rows["lo"]["type"] == "772" and rows["d0"]["type"] == "1"


def test_flags_say_who_listens_to_all(routed):
    """Also if only the socket of a program asked for it, which ip does not tell as a flag."""
    code = ("import socket, struct, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); "
            "s.setsockopt(263, 1, struct.pack('iHH8s', socket.if_nametoindex('d0'), 1, 0, b'')); "
            "print('ready', flush=True); sys.stdin.read()")
    query = "SELECT flags & 256 AS promiscuous FROM interface_details WHERE interface = 'd0'"
    assert routed.ask(query) == [{"promiscuous": "0"}]
    with running(sys.executable, "-c", code, preexec_fn=routed.enter):
        assert routed.ask(query) == [{"promiscuous": "256"}]


def routes_of_ip(net):
    routes = []
    kinds = {"unicast": "gateway", "local": "local", "broadcast": "broadcast", "anycast": "anycast"}
    for family in ("-4", "-6"):
        for route in net.ip(f"{family} route show table all"):
            any_ = "0.0.0.0/0" if family == "-4" else "::/0"
            network = ipaddress.ip_network(any_ if route["dst"] == "default" else route["dst"])
            metrics = (route.get("metrics") or [{}])[0]
            common = {"destination": str(network.network_address), "netmask": str(network.prefixlen),
                      "source": route.get("prefsrc", ""), "metric": str(route.get("metric", 0)),
                      "mtu": str(metrics.get("mtu", 0)), "hopcount": str(metrics.get("hoplimit", 0)),
                      "type": kinds.get(route.get("type", "unicast"), "other")}
            for hop in route.get("nexthops", [route]):
                gateway = hop.get("gateway") or hop.get("via", {}).get("host", "")
                routes.append(common | {"gateway": gateway, "interface": hop.get("dev", "")})
    return routes


def test_routes_are_those_of_ip(routed):
    columns = "destination, netmask, source, metric, mtu, hopcount, type, gateway, interface"
    key = functools.partial(json.dumps, sort_keys=True)
    rows = sorted(routed.ask(f"SELECT {columns} FROM routes"), key=key)
    assert rows == sorted(routes_of_ip(routed), key=key)
    assert len(rows) > 20


def test_no_route_of_many_is_lost(routed):
    """More than fit into the 64 KiB of one answer."""
    batch = "".join(f"route add 10.{64 + i // 250}.{i % 250}.0/24 dev d0\n" for i in range(3000))
    subprocess.run(["ip", "-batch", "-"], input=batch.encode(), check=True,
                   preexec_fn=routed.enter)
    row, = routed.ask("SELECT count(*) AS n FROM routes WHERE interface = 'd0' AND netmask = 24 AND "
                           "gateway = ''")
    assert row["n"] == "3000"


def test_ipv6_settings_are_those_of_proc(ask):
    for row in ask("SELECT * FROM interface_ipv6"):
        folder = pathlib.Path("/proc/sys/net/ipv6/conf", row["interface"])
        if folder.exists():
            assert row["hop_limit"] == (folder / "hop_limit").read_text().strip()
            assert row["forwarding_enabled"] == (folder / "forwarding").read_text().strip()
        else:
            assert row["hop_limit"] == "-1"


# ---- names ----

def test_hosts_are_those_of_getent(ask):
    rows = ask("SELECT * FROM etc_hosts")
    told = [line.split() for line in output("getent", "ahosts", "localhost").splitlines()]
    addresses = {row["address"] for row in rows if "localhost" in row["hostnames"].split()}
    assert addresses & {line[0] for line in told}
    assert ask("SELECT * FROM hosts") == rows


def test_services_are_those_of_getent(ask):
    rows = ask("SELECT * FROM etc_services")
    told = [line.split() for line in output("getent", "services").splitlines()]
    expected = [(name, *port.split("/"), " ".join(aliases)) for name, port, *aliases in told]
    assert [(row["name"], row["port"], row["protocol"], row["aliases"]) for row in rows] == expected


def test_protocols_are_those_of_getent(ask):
    rows = ask("SELECT * FROM etc_protocols")
    told = [line.split() for line in output("getent", "protocols").splitlines()]
    assert [[row["name"], row["number"], *row["alias"].split()] for row in rows] == [
        line[:3] for line in told]


def resolver_options():
    """_res.options of the C library, which is its third member."""
    libc = ctypes.CDLL(None)
    libc.__res_init()
    libc.__res_state.restype = ctypes.POINTER(ctypes.c_char)
    state = libc.__res_state()
    return ctypes.cast(ctypes.addressof(state.contents) + 8,
                       ctypes.POINTER(ctypes.c_ulong)).contents.value


def test_resolver_options_are_those_of_the_library(ask):
    if any(name in os.environ for name in ("LOCALDOMAIN", "RES_OPTIONS")):
        pytest.skip("the environment says something else")
    rows = ask("SELECT DISTINCT options FROM dns_resolvers")
    assert rows == [{"options": str(resolver_options())}]


# ---- iptables ----

RULES = """
-P FORWARD DROP
-N web
-N Zlast
-A INPUT -i eth0 -p tcp --dport 22 -j ACCEPT
-A INPUT ! -i eth+ -p udp ! --sport 1000:2000 -j web
-A INPUT ! -s 10.0.0.0/8 -d 127.0.0.1 -j DROP
-A INPUT -p icmp
-A INPUT ! -p tcp -j RETURN
-A web -p tcp --dport 80:443 -j ACCEPT
-A web -g Zlast
-A OUTPUT -o lo -j ACCEPT
"""


@pytest.fixture
def firewall(net):
    tool = shutil.which("iptables-legacy", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not tool:
        pytest.skip("no iptables-legacy")

    def run(arguments):
        return net.run(f"{tool} {arguments}")

    try:
        for rule in RULES.strip().splitlines():
            run(rule)
    except subprocess.CalledProcessError as error:
        pytest.skip(error.stderr.strip())
    return net, run


def test_rules_are_those_of_iptables(firewall):
    net, run = firewall
    expected, chain, policy = [], None, None
    for line in run("-x -n -v -L").splitlines():
        head = re.match(r"Chain (\S+) \((?:policy (\S+) (\d+) packets, (\d+) bytes|.*)\)", line)
        words = line.split()
        if head:
            chain, policy = head.group(1), head.group(2) or ""
            expected.append((chain, policy, None, head.group(3) or "", head.group(4) or ""))
        elif len(words) > 7 and words[0].isdigit():
            target = "" if words[3] == "--" or line[18:].startswith(" " * 4) else words[2]
            expected.append((chain, policy, target, words[0], words[1]))
    rows = net.ask("SELECT chain, policy, target, match, packets, bytes FROM iptables WHERE "
                   "filter_name = 'filter'")
    found = [(row["chain"], row["policy"], row["target"] if row["match"] else None, row["packets"],
              row["bytes"]) for row in rows]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_conditions_are_those_of_the_rules(firewall):
    net, _ = firewall
    query = ("SELECT target, protocol, src_port, dst_port, src_ip, src_mask, dst_ip, dst_mask, iniface, "
             "iniface_mask, outiface FROM iptables WHERE match != '' AND filter_name = 'filter'")
    found = {tuple(row.values()) for row in map(lambda row: {key: row[key] for key in (
        "target", "protocol", "iniface", "src_port", "dst_port", "src_ip", "dst_ip", "outiface")},
        net.ask(query))}
    any_ = "0.0.0.0"
    assert found == {
        ("ACCEPT", "6", "eth0", "0:65535", "22:22", any_, any_, "all"),
        ("web", "17", "!eth+", "!1000:2000", "0:65535", any_, any_, "all"),
        ("DROP", "0", "all", "", "", "!10.0.0.0", "127.0.0.1", "all"),
        ("", "1", "all", "", "", any_, any_, "all"),
        ("RETURN", "", "all", "", "", any_, any_, "all"),
        ("ACCEPT", "6", "all", "0:65535", "80:443", any_, any_, "all"),
        ("Zlast", "0", "all", "", "", any_, any_, "all"),
        ("ACCEPT", "0", "all", "", "", any_, any_, "lo"),
    }


def test_without_tables_there_are_no_rules(net):
    assert net.ask("SELECT * FROM iptables") == []
