"""Runs predictive maintenance: publishes what two machines measure, and shows what came of it.

python maintenance.py [--prefix factory]

Needs an MQTT broker, at MQTT_URL or mqtt://127.0.0.1:1883, and `pip install 'legato[mqtt]'`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import office
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from run import HERE, Instance, started

BROKER = "mqtt://127.0.0.1:1883"
NAME = "predictive_maintenance"
READINGS = [
    *({"machine": "pump-7", "vibration_mm_s": 6.1, "hours": 50.0} for _ in range(3)),
    *({"machine": "pump-8", "vibration_mm_s": 2.0, "hours": 50.0} for _ in range(2)),
]
LISTENING_S, ENDED_S, SUBSCRIBED_S = 120, 300, 3


def saved(legato: Instance, folder: Path, prefix: str) -> None:
    """Make the workflow live, for a key of its own, with topics below a prefix."""
    legato("keys", "create", "--name", "maintenance", "--team", "plant", "--feature", "pumps")
    directory = folder / "workflows"
    directory.mkdir()
    text = (HERE / "maintenance" / f"{NAME}.yaml").read_text()
    (directory / f"{NAME}.yaml").write_text(text.replace("factory/", f"{prefix}/"))
    legato.say("apply", "-f", str(directory), "--yes")
    until = time.monotonic() + LISTENING_S
    while not legato("triggers", "show", f"{NAME}/readings")["listening"]:
        if time.monotonic() > until:
            sys.exit("the trigger doesn't listen")
        time.sleep(0.2)
    time.sleep(SUBSCRIBED_S)


def publish(url: str, prefix: str) -> None:
    """Send each reading as a CloudEvent, the first one twice, as a bad line does."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    broker = urlsplit(url)
    client.connect(broker.hostname or "", broker.port or 1883)
    client.loop_start()
    for number, reading in [(0, READINGS[0]), *enumerate(READINGS)]:
        properties = Properties(PacketTypes.PUBLISH)
        properties.UserProperty = [
            ("specversion", "1.0"), ("id", str(number)), ("type", "machine.reading"),
            ("source", f"/{prefix}/{reading['machine']}"),
        ]  # fmt: skip
        topic = f"{prefix}/{reading['machine']}/readings"
        client.publish(topic, json.dumps(reading), 1, properties=properties).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def ended(legato: Instance) -> list[dict[str, Any]]:
    """Return the runs of all readings once they have ended, in their order."""
    until = time.monotonic() + ENDED_S
    runs: list[dict[str, Any]] = []
    while time.monotonic() < until:
        runs = legato("workflow", "list", "--workflow", NAME)
        if len(runs) == len(READINGS) and {one["status"] for one in runs} <= {"done", "failed"}:
            return sorted(runs, key=lambda one: str(one["id"]))
        time.sleep(0.3)
    sys.exit(f"not all have ended after {ENDED_S} s: {runs}")


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefix", default="factory", help="of the topics")
    prefix = parser.parse_args().prefix
    os.environ.setdefault("MQTT_URL", BROKER)
    config = HERE / "maintenance" / "legato.yaml"
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), config) as legato:
        os.environ["OFFICE"] = str(Path(folder) / "office.db")
        saved(legato, Path(folder), prefix)
        publish(os.environ["MQTT_URL"], prefix)
        for run in ended(legato):
            print(run["status"], json.dumps(run["output"], sort_keys=True))
        for one in office.effects():
            print(f"the office: {one}")


if __name__ == "__main__":
    main()
