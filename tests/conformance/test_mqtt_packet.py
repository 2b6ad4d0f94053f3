#!/usr/bin/env python3
"""Our codec against npm's mqtt-packet: see mqtt_packet/compare.js. MQTT_PACKET_SEED and MQTT_PACKET_COUNT for longer runs."""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent / "mqtt_packet"
DRIVER = os.environ.get("CODEC_DRIVER", os.path.join(os.getcwd(), "bin", "codec_driver"))


def install():
    """mqtt-packet as the lock file has it, into a folder of the build; once. None if the registry cannot be reached."""
    folder = pathlib.Path(os.environ.get("MQTT_PACKET_FOLDER", "mqtt_packet_modules")).resolve()
    folder.mkdir(exist_ok=True)
    lock, done = HERE / "package-lock.json", folder / "node_modules" / ".installed"
    if not done.exists() or done.read_text() != lock.read_text():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        tried = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=100, check=False)
        if tried.returncode != 0:
            print(tried.stdout)
            return None
        done.write_text(lock.read_text())
    return folder


def main():
    folder = install()
    if folder is None:
        print("SKIPPED: the npm registry cannot be reached, so nothing was compared")
        return 77
    shutil.copy(HERE / "compare.js", folder)
    seed, count = os.environ.get("MQTT_PACKET_SEED", "20260101"), os.environ.get("MQTT_PACKET_COUNT", "3000")
    return subprocess.run(["node", "compare.js", DRIVER, seed, count], cwd=folder, timeout=100, check=False).returncode


sys.exit(main())
