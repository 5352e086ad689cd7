# SPDX-License-Identifier: Apache-2.0
"""Stands in for systemd on a private bus: answers what the tables ask of it. Prints "ready" when it does.

It runs as a program, as the bindings of D-Bus have a loop of their own.
"""
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

SYSTEMD = "org.freedesktop.systemd1"
# name, active state, properties
UNITS = [
    ("ssh.service", "active", {"FragmentPath": "/lib/systemd/system/ssh.service", "SourcePath": "",
                               "UnitFileState": "enabled", "User": ""}),
    ("db.service", "failed", {"FragmentPath": "/run/db.service", "SourcePath": "/etc/init.d/db",
                              "UnitFileState": "generated", "User": "postgres"}),
    ("dev-sda1.device", "active", {}),
    ("odd.mount", "inactive", {"FragmentPath": "x" * 5000, "User": "not asked for"}),
]


class Unit(dbus.service.Object):
    def __init__(self, bus, path, properties):
        super().__init__(bus, path)
        self.properties = properties

    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        if name not in self.properties:
            raise dbus.exceptions.DBusException("no such property")
        return self.properties[name]


class Manager(dbus.service.Object):
    @dbus.service.method(f"{SYSTEMD}.Manager", out_signature="a(ssssssouso)")
    def ListUnits(self):
        if sys.argv[1:] == ["refuse"]:
            raise dbus.exceptions.DBusException("not today")
        return [(name, "About " + name, "loaded", active, "sub", "", path_of(i), dbus.UInt32(0), "", "/")
                for i, (name, active, _) in enumerate(UNITS)]


def path_of(i):
    return f"/org/freedesktop/systemd1/unit/u{i}"


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
name = dbus.service.BusName(SYSTEMD, bus)
manager = Manager(bus, "/org/freedesktop/systemd1")
units = [Unit(bus, path_of(i), properties) for i, (_, _, properties) in enumerate(UNITS)]
print("ready", flush=True)
GLib.MainLoop().run()
