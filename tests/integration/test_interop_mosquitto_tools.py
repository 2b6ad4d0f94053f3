"""mosquitto_pub and mosquitto_sub through every door of the node that they can use."""
from harness import run
from interop.drivers import MosquittoTools
from interop.matrix import tests_of

Interop = tests_of(MosquittoTools, MosquittoTools.transports)

if __name__ == "__main__":
    run()
