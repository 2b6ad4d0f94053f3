"""mqtt.js on Node.js through every door of the node."""
from harness import run
from interop.drivers import MqttJs
from interop.matrix import tests_of

Interop = tests_of(MqttJs, MqttJs.transports)

if __name__ == "__main__":
    run()
