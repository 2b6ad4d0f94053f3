"""Eclipse Paho for C through every door of the node: its synchronous and its asynchronous interface."""
from harness import run
from interop.drivers import PahoC
from interop.matrix import tests_of

Synchronous = tests_of(lambda: PahoC("sync"), PahoC.transports, 12)
Asynchronous = tests_of(lambda: PahoC("async"), PahoC.transports, 12)

if __name__ == "__main__":
    run()
