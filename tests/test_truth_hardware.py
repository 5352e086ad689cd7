# SPDX-License-Identifier: Apache-2.0
"""What the tables say of the hardware is what the host's own tools say."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest


def tool(*words):
    if not shutil.which(words[0]):
        pytest.skip(f"no {words[0]} here")
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout


def test_cpus_are_those_of_lscpu(ask):
    cpus = [line.split(",") for line in tool("lscpu", "--parse=CPU,CORE,SOCKET").splitlines()
            if not line.startswith("#")]
    row = ask("SELECT cpu_logical_cores, cpu_physical_cores, cpu_sockets, cpu_brand FROM system_info")[0]
    assert row["cpu_logical_cores"] == str(len(cpus)) == tool("nproc", "--all").strip()
    assert row["cpu_physical_cores"] == str(len({tuple(cpu[1:]) for cpu in cpus}))
    if row["cpu_sockets"]:
        assert row["cpu_sockets"] == str(len({cpu[2] for cpu in cpus}))
    if row["cpu_brand"]:
        assert row["cpu_brand"] in tool("lscpu")


def test_the_name_is_that_of_the_kernel(ask):
    row = ask("SELECT computer_name, hostname, local_hostname FROM system_info")[0]
    assert row["computer_name"] == socket.gethostname()
    assert row["hostname"] == row["local_hostname"]
    assert row["hostname"].split(".")[0] == socket.gethostname().split(".")[0]


def test_the_uuid_is_one_and_the_same(ask):
    rows = ask("SELECT s.uuid AS a, o.uuid AS b FROM system_info s, osquery_info o")
    assert rows[0]["a"] == rows[0]["b"]
    product = pathlib.Path("/sys/class/dmi/id/product_uuid")
    if product.exists() and os.access(product, os.R_OK):
        return  # it may be one of those that nobody set
    if pathlib.Path("/etc/machine-id").exists():
        assert rows[0]["a"].replace("-", "") == pathlib.Path("/etc/machine-id").read_text().strip()


def test_asking_for_the_name_opens_no_socket(build):
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    done = subprocess.run(["strace", "-f", "-e", "trace=socket", f"{build}/osqueryi",
                           "SELECT hostname FROM system_info"], capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip("no tracing here")
    assert "socket(" not in done.stderr


def test_pci_devices_are_those_of_lspci(ask):
    lines = [line.split() for line in tool("lspci", "-n", "-D").splitlines()]
    expected = {words[0]: (words[1].rstrip(":"), words[2]) for words in lines}
    rows = ask("SELECT pci_slot, pci_class_id, pci_subclass_id, vendor_id, model_id FROM pci_devices")
    assert {row["pci_slot"]: (row["pci_class_id"][2:] + row["pci_subclass_id"][2:],
                              row["vendor_id"][2:] + ":" + row["model_id"][2:])
            for row in rows} == expected


def test_pci_names_are_those_of_lspci(ask):
    if not any(pathlib.Path(path).exists() for path in ["/usr/share/misc/pci.ids",
                                                        "/usr/share/hwdata/pci.ids"]):
        pytest.skip("no pci.ids here")
    rows = {row["pci_slot"]: row for row in ask("SELECT * FROM pci_devices")}
    for record in tool("lspci", "-D", "-vmm").strip().split("\n\n"):
        fields = dict(line.split(":\t", 1) for line in record.splitlines())
        row = rows[fields["Slot"]]
        for key, name in {"Vendor": "vendor", "Device": "model"}.items():
            nameless = re.fullmatch("(Vendor|Device) [0-9a-f]{4}", fields[key])
            assert row[name] == ("" if nameless else fields[key])


def test_pci_drivers_are_those_of_sysfs(ask):
    folder = pathlib.Path("/sys/bus/pci/devices")
    if not folder.exists():
        pytest.skip("no PCI here")
    expected = {path.name: os.path.basename(os.readlink(path / "driver"))
                if (path / "driver").exists() else "" for path in folder.iterdir()}
    assert {row["pci_slot"]: row["driver"]
            for row in ask("SELECT pci_slot, driver FROM pci_devices")} == expected


def test_acpi_tables_are_those_of_sysfs(ask, root_only):
    folder = pathlib.Path("/sys/firmware/acpi/tables")
    files = [path for path in folder.rglob("*") if path.is_file()]
    expected = sorted((path.name, str(len(path.read_bytes())),
                       hashlib.md5(path.read_bytes()).hexdigest()) for path in files)
    rows = ask("SELECT name, size, md5 FROM acpi_tables")
    assert sorted((row["name"], row["size"], row["md5"]) for row in rows) == expected


def flatten(devices, parent=""):
    for device in devices:
        yield device, parent
        yield from flatten(device.get("children", []), device["path"])


def test_block_devices_are_those_of_lsblk(ask):
    listed = json.loads(tool("lsblk", "--json", "--bytes", "--all",
                             "--output=PATH,SIZE,LOG-SEC,TYPE"))["blockdevices"]
    expected = {device["path"]: (int(device["size"] or 0), int(device["log-sec"]),
                                 parent if device["type"] == "part" else None)
                for device, parent in flatten(listed) if not device["path"].startswith("/dev/loop")}
    # other tests make and unmake loop devices meanwhile
    rows = {row["name"]: row for row in ask("SELECT name, size, block_size, parent FROM block_devices "
                                            "WHERE name NOT LIKE '/dev/loop%'")}
    assert set(rows) == set(expected)
    for name, (size, block, parent) in expected.items():
        assert int(rows[name]["size"]) * 512 == size
        assert int(rows[name]["block_size"]) == block
        if parent:
            assert rows[name]["parent"] == parent


@pytest.fixture
def loop(tmp_path, root_only):
    """Makes loop devices of what a command writes to a file, and takes them away again."""
    devices = []

    def make(*command):
        path = tmp_path / f"disk{len(devices)}"
        with path.open("wb") as file:
            file.truncate(32 << 20)
        environment = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
        if not shutil.which(command[0], path=environment["PATH"]):
            pytest.skip(f"no {command[0]} here")
        subprocess.run([*command, path], check=True, capture_output=True, env=environment)
        done = subprocess.run(["losetup", "--find", "--show", path], capture_output=True, text=True,
                              env=environment)
        if done.returncode:
            pytest.skip(f"losetup: {done.stderr.strip()}")
        devices.append(done.stdout.strip())
        return devices[-1]

    yield make
    for device in devices:
        subprocess.run(["/sbin/losetup", "--detach", device], check=True)


EXT4 = ("mkfs.ext4", "-q", "-L", "data disk", "-U", "0a1b2c3d-0000-4000-8000-000000000001")
SWAP = ("mkswap", "-L", "swapped", "-U", "0a1b2c3d-0000-4000-8000-000000000002")


def test_file_systems_on_loop_devices_are_known(ask, loop):
    names = [loop(*EXT4), loop(*SWAP)]
    rows = [ask(f"SELECT name, type, uuid, label, size FROM block_devices WHERE name = '{name}'")
            for name in names]
    size = str((32 << 20) // 512)
    assert rows == [
        [{"name": names[0], "type": "ext4", "uuid": EXT4[-1], "label": "data disk", "size": size}],
        [{"name": names[1], "type": "swap", "uuid": SWAP[-1], "label": "swapped", "size": size}]]


def test_contents_are_those_of_blkid(ask, loop):
    names = [loop(*EXT4), loop(*SWAP)]
    rows = ask("SELECT name, type, uuid, label FROM block_devices WHERE type != '' AND "
               f"(name IN {tuple(names)} OR name NOT LIKE '/dev/loop%')")
    assert {row["name"] for row in rows} >= set(names)
    for row in rows:
        done = tool("/sbin/blkid", "--probe", "--output=export", row["name"])
        found = dict(line.split("=", 1) for line in done.splitlines())
        label = found.get("LABEL", "").replace("\\", "")
        assert [row["type"], row["uuid"], row["label"]] == \
            [found.get("TYPE", ""), found.get("UUID", ""), label], row


def test_nothing_is_probed_unless_asked(build, root_only):
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    done = subprocess.run(["strace", "-f", "-e", "trace=openat", f"{build}/osqueryi",
                           "SELECT name, size, parent, model FROM block_devices"],
                          capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip("no tracing here")
    assert "blkid" not in done.stderr
