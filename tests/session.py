# SPDX-License-Identifier: Apache-2.0
"""A shell that reads statements from a pipe: one is written and its answer read before the next."""
import json
import subprocess


class Session:
    def __init__(self, *command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, errors="backslashreplace")

    def ask(self, sql):
        """The rows; the shell was started with --json and shows no row as "[" and "]"."""
        self.child.stdin.write(sql + ";\n")
        self.child.stdin.flush()
        text = ""
        while not text.rstrip("\n").endswith("\n]"):
            line = self.child.stdout.readline()
            assert line, self.child.stderr.read()
            text += line
        return json.loads(text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            _, errors = self.child.communicate(timeout=60)
        finally:
            self.child.kill()
        assert kind or (self.child.returncode, errors) == (0, "")
