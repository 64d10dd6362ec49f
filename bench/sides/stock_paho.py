"""A stock paho-mqtt subscriber that does nothing with what it gets: the anchor of `bench.ingest`.

    python -m bench.sides.stock_paho URL CA MESSAGES

As its manual shows it: a client, a subscription at QoS 1, `loop_forever`; over TLS where there is a CA. Prints `ready`,
then, once so many messages have come, a line of JSON with its CPU seconds.
"""

import json
import sys
import time
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from contracts.topics import PREFIX
from ingest.connection import Broker

NEW_ONLY: Final = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
"""Marks of an earlier round are retained: none of what is counted."""


def main(url: str, ca: str, messages: int) -> None:
    """Receive so many messages."""
    where, came, before_s = Broker.of(url), 0, 0.0

    def arrived(client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal came
        came += 1
        if came == messages:
            client.disconnect()

    def subscribed(*_: object) -> None:
        nonlocal before_s
        before_s = time.process_time()
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    def connected(*_: object) -> None:
        client.subscribe(f"{PREFIX}/#", options=NEW_ONLY)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, "stock-paho", protocol=mqtt.MQTTv5)
    client.username_pw_set(where.username, where.password)
    if ca:
        client.tls_set(ca)
    client.on_message, client.on_subscribe = arrived, subscribed
    client.on_connect = connected
    client.connect(where.host, where.port)
    client.loop_forever()
    sys.stdout.write(json.dumps({"cpu_s": time.process_time() - before_s}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
